# What others feel while a sweep runs: the longest time that a batch holds row locks, and how long a second client that
# updates other rows of the same table waits, idle, beside the sweep and beside the loop.
# shellcheck shell=bash disable=SC2154

beside_jobwatchdog() { bench_jobwatchdog bench sweep --rule stale-ai-jobs --json >"$root/.local/bench/beside.json"; }
beside_jobwatchdog_by_250() { bench_jobwatchdog bench sweep --rule stale-ai-jobs --batch-size 250 >/dev/null; }
beside_row_loop() { bench_sql bench row_loop; }
beside_nothing() { sleep 5; }

# latencies_beside WHAT: 100 updates a second for as long as WHAT alone took before; tells "WHAT|median|p99|longest|updates",
# in ms from the moment that each was due.
latencies_beside() {
  local what=$1 log=$root/.local/bench/latency_$1 start seconds client
  fresh_database bench bench_seed
  start=$EPOCHREALTIME
  "beside_$what"
  seconds=$((($(milliseconds_since "$start") + 999) / 1000))
  fresh_database bench bench_seed
  rm -f "$log".*
  "$pg_bin/pgbench" --no-vacuum --file "$root/script/bench.d/other_rows.pgbench" -D rows="$bench_rows" --client 1 --rate 100 --time "$seconds" \
    --log --log-prefix "$log" "$(private_postgres_url bench)" >/dev/null 2>"$log.err" &
  client=$!
  "beside_$what"
  wait "$client" || fail 1 "pgbench failed" "$(tail -n 3 "$log.err")"
  cat "$log".[0-9]* | awk '{ print $3 / 1000 }' | sort -n | awk -v what="${what//_/ }" '
    { ms[NR] = $1 } END { printf "%s|%.1f|%.1f|%.1f|%d\n", what, ms[int(NR / 2) + 1], ms[int(NR * 0.99) + 1], ms[NR], NR }'
}

bench_sweep_beside() {
  heading "beside: a second client updates 100 other rows a second of a table that is being swept"
  managed_seed
  local idle sweep small loop
  idle=$(latencies_beside nothing)
  sweep=$(latencies_beside jobwatchdog)
  small=$(latencies_beside jobwatchdog_by_250)
  loop=$(latencies_beside row_loop)
  printf '%s\n' "beside|median ms|p99 ms|longest ms|updates" "$idle" "$sweep" "$small" "$loop" | column -t -s '|'
  say
  say "p99 beside jobwatchdog is $(ratio "$(cut -d'|' -f3 <<<"$sweep")" "$(cut -d'|' -f3 <<<"$idle")") times the idle one (wanted: below 2), with batches of 250 $(ratio "$(cut -d'|' -f3 <<<"$small")" "$(cut -d'|' -f3 <<<"$idle")") times, beside the loop $(ratio "$(cut -d'|' -f3 <<<"$loop")" "$(cut -d'|' -f3 <<<"$idle")") times."
  say "Rows were locked for at most $(grep -o '"longest_batch_ms": [0-9]*' "$root/.local/bench/beside.json" | awk '$2 > most { most = $2 } END { print most + 0 }') ms by a batch (wanted: under 250); the loop locks them to its end."
}
