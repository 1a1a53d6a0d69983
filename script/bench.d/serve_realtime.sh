# Many pages that listen on one node, each to its own job: what they cost, and how long a change takes to reach its page.
# shellcheck shell=bash disable=SC2154

bench_serve_realtime() {
  local pages=$((10000 / scale)) changes=$((3000 / scale)) load
  heading "realtime: $pages open sockets on one node, $changes changes"
  ulimit -n "$(ulimit -Hn)"
  fresh_managed_database bench
  bench_sql bench serve -v slots=3 -v users="$pages"
  bench_psql bench -c "
    SELECT 'upscaler_jobs ' || watchdog.create_job('upscaler_jobs', bench.user_id(n), '{\"app\": \"pro\"}', 10) || ' ' || bench.token(bench.user_id(n))
      FROM generate_series(1, $pages) AS n" >"$root/.local/bench/pages"
  start_emulator --seed 1
  start_served_node
  say "Memory of the node before: $(resident_mb "$node_pid") MB"
  "$root/build/release/tests/bench/realtime_load" "$node_url" sb_publishable_of_the_benchmark "$changes" 120 <"$root/.local/bench/pages" \
    >"$root/.local/bench/realtime.txt" &
  load=$!
  until grep -q joined "$root/.local/bench/realtime.txt"; do
    kill -0 "$load" 2>/dev/null || fail 1 "the sockets did not open" "see .local/bench/node.log"
    sleep 0.2
  done
  say "Memory of the node with $pages pages: $(resident_mb "$node_pid") MB (wanted: under 500)"
  "$pg_bin/pgbench" -n -f "$root/script/bench.d/change_job.pgbench" -c 2 -R 100 -t $((changes / 2)) -D pages="$pages" "$(private_postgres_url bench)" >/dev/null 2>&1
  wait "$load"
  say "$(tail -n 1 "$root/.local/bench/realtime.txt") (wanted: p99 under 250)"
  stop_listening
  say
}
