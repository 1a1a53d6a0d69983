# Whole lives of jobs over HTTP, as pages live them: insert the row, ask for its run, webhook, settlement. 24 pages at once, each
# life another user's, beside graphile-worker completing empty jobs over as many connections. The provider has room for a thousand
# tasks: with few slots what is measured is the rest of two seconds that a check keeps from the one before.
# shellcheck shell=bash disable=SC2154
# shellcheck source=script/bench.d/life_rate.sh
source "$root/script/bench.d/life_rate.sh"

# Lives a second.
lives_served() {
  local start
  fresh_managed_database bench
  bench_sql bench serve -v slots=1000 -v users="$life_jobs"
  bench_psql bench -c "
    SELECT json_build_array(
             bench.request('/rest/v1/upscaler_jobs', json_build_object('user_id', bench.user_id(n), 'payload', json_build_object('app', 'pro'), 'user_credit_cost', 10), bench.user_id(n)),
             bench.request('/functions/v1/runninghub-upscaler/run', json_build_object('jobId', '\$ID'), bench.user_id(n)))
      FROM generate_series(1, $life_jobs) AS n" >"$root/.local/bench/lives.jsonl"
  start_emulator --task-time "1 ms" --capacity 1000000 --seed 1
  start_served_node
  start=$EPOCHREALTIME
  "$root/build/release/tests/bench/http_load" "$node_url" 24 0 <"$root/.local/bench/lives.jsonl" >"$root/.local/bench/lives.json"
  all_went_well "$root/.local/bench/lives.json"
  wait_until "all jobs to end" "(SELECT count(*) FROM public.ai_jobs WHERE status = 'completed') = $life_jobs"
  awk -v n="$life_jobs" -v ms="$(milliseconds_since "$start")" 'BEGIN { printf "%.0f\n", n * 1000 / ms }'
  stop_listening
}

bench_serve_life() {
  local run life_jobs=$((5000 / scale)) ours='' theirs=''
  heading "life: $life_jobs whole lives over HTTP at 24 connections, beside graphile-worker's empty jobs"
  "$root/script/bootstrap" --for test
  for ((run = 0; run < runs; run++)); do
    lives_served >"$root/.local/bench/rate"
    ours+="$(<"$root/.local/bench/rate") "
    theirs+="$(a_graphile 24 default) "
  done
  say "lives over HTTP a second: $ours"
  say "graphile-worker, default: $theirs"
  say "Lives over HTTP are $(ratio "$(tr ' ' '\n' <<<"${ours% }" | median)" "$(tr ' ' '\n' <<<"${theirs% }" | median)") times graphile-worker's rate (wanted: at least 1). Requests: $(<"$root/.local/bench/lives.json")"
  say
}
