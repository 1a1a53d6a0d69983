# A flood of webhooks: the provider sends one for each task, some before it answers the submit, and four more copies of each come in
# any order while the tasks still run. No task is settled twice.
# shellcheck shell=bash disable=SC2154

bench_serve_webhooks() {
  local tasks=$((10000 / scale)) twice wrong
  heading "webhooks: $tasks tasks, five webhooks each, shuffled"
  fresh_managed_database bench
  bench_sql bench serve -v slots="$tasks" -v users="$tasks"
  bench_psql bench -c "SELECT count(*) FROM generate_series(1, $tasks) AS n
    CROSS JOIN LATERAL watchdog.create_job('upscaler_jobs', bench.user_id(n), '{\"app\": \"pro\"}', 10) AS made (id)
    CROSS JOIN LATERAL watchdog.start_job('upscaler_jobs', made.id) AS started" >/dev/null
  start_emulator --task-time "30 s..60 s" --capacity 1000000 --seed 1 --webhook-early 10%
  start_served_node
  wait_until "all jobs to have a task" "NOT EXISTS (SELECT FROM public.ai_jobs WHERE status IN ('queued', 'starting'))"
  fetch "$provider_url" /emulator/tasks >"$root/.local/bench/tasks.json"
  TASKS=$root/.local/bench/tasks.json bench_psql bench <<'SQL' >"$root/.local/bench/webhooks.jsonl"
\set tasks `cat "$TASKS"`
SELECT json_build_array(json_build_object('method', 'POST', 'path', '/functions/v1/runninghub-webhook',
           'headers', json_build_object('content-type', 'application/json'),
           'body', json_build_object('event', 'TASK_END', 'taskId', task.value ->> 'task_id')::text))
  FROM jsonb_array_elements(:'tasks'::jsonb -> 'tasks') AS task (value), generate_series(1, 4) ORDER BY random();
SQL
  "$root/build/release/tests/bench/http_load" "$node_url" 50 0 <"$root/.local/bench/webhooks.jsonl" >"$root/.local/bench/webhooks.json"
  all_went_well "$root/.local/bench/webhooks.json"
  wait_until "all jobs to end" "NOT EXISTS (SELECT FROM watchdog.active_jobs)"
  say "Sent by us: $(<"$root/.local/bench/webhooks.json")"
  say "All, as the server counted them:"
  fetch "$node_url" /metrics | grep -E '^http_request_duration_seconds_(count|bucket).*runninghub|^http_request_duration_seconds_(count|bucket)\{.*functions/v1/\*' | grep -E 'count|le="1"'
  twice=$(bench_psql bench -c "SELECT count(*) FROM (SELECT FROM watchdog.credit_ledger GROUP BY tool, job_id, kind HAVING count(*) > 1) AS more")
  wrong=$(bench_psql bench -c "SELECT count(*) FROM public.ai_jobs WHERE status <> 'completed'")
  stop_listening
  bench_jobwatchdog bench audit >"$root/.local/bench/audit.txt" || fail 1 "audit finds violations" "see .local/bench/audit.txt"
  say "Jobs charged or paid back more than once: $twice; not completed: $wrong; audit clean. (Wanted: no 5xx, one settlement each, p99 under 1 s.)"
  say
}
