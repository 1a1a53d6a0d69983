# job-sync of jobs that have ended, asked a thousand times a second.
# shellcheck shell=bash disable=SC2154

bench_serve_job_sync() {
  local users=$((2000 / scale)) requests=$((30000 / scale)) per_second
  heading "job sync: $requests questions about ended jobs"
  fresh_managed_database bench
  bench_sql bench serve -v slots=3 -v users="$users"
  bench_psql bench -c "
    SELECT count(*)
      FROM generate_series(1, $users) AS n
     CROSS JOIN LATERAL watchdog.create_job('upscaler_jobs', bench.user_id(n), '{\"app\": \"pro\"}', 10) AS made (id)
     CROSS JOIN LATERAL watchdog.settle_jobs('upscaler_jobs', ARRAY[made.id], '{\"status\": \"cancelled\"}')" >/dev/null
  bench_psql bench -c "
    SELECT json_build_array(bench.request('/functions/v1/runninghub-job-sync', json_build_object('table', 'upscaler_jobs', 'jobId', job.id), job.user_id))
      FROM public.ai_jobs AS job, generate_series(1, $((requests / users)))
     ORDER BY random()" >"$root/.local/bench/sync.jsonl"
  start_emulator --seed 1
  start_served_node
  for per_second in 200 1000; do
    say "At $per_second a second: $("$root/build/release/tests/bench/http_load" "$node_url" 50 "$per_second" <"$root/.local/bench/sync.jsonl")"
  done
  say "As fast as they are answered: $("$root/build/release/tests/bench/http_load" "$node_url" 50 0 <"$root/.local/bench/sync.jsonl")"
  say "Wanted: p99 under 10 ms at 1000 a second."
  stop_listening
  say
}
