# What a life costs beside 10 thousand and beside 10 million finished jobs: every pass follows the jobs at work.
# shellcheck shell=bash disable=SC2154

# history_figures ROWS: "ROWS|lives a second|database ms a life", medians of `runs` after one.
history_figures() {
  local run rates='' database='' jobs=$((2000 / scale))
  life_rate bench_history 3 "$jobs" >/dev/null
  for ((run = 0; run < runs; run++)); do
    bench_psql postgres -c "SELECT pg_stat_statements_reset()" >/dev/null
    rates+="$(life_rate bench_history 3 "$jobs") "
    database+="$(bench_psql postgres -c "SELECT round((sum(total_exec_time + total_plan_time) / $jobs)::numeric, 3) FROM pg_stat_statements
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'bench_history')") "
  done
  echo "$1|$(tr ' ' '\n' <<<"${rates% }" | median)|$(tr ' ' '\n' <<<"${database% }" | median)"
}

bench_life_history() {
  heading "history: lives beside finished jobs"
  "$root/script/build" release life_rate
  fresh_managed_database bench_history
  local few many least=$((10000 / scale)) most=$((10000000 / scale))
  bench_sql bench_history finished_seed -v from=1 -v rows="$least"
  few=$(history_figures "$least")
  bench_sql bench_history finished_seed -v from=$((least + 1)) -v rows="$most"
  many=$(history_figures "$most")
  printf '%s\n' "finished jobs|lives a second|database ms a life" "$few" "$many" | column -t -s '|'
  say
  say "A thousand times the rows take $(ratio "$(cut -d'|' -f3 <<<"$many")" "$(cut -d'|' -f3 <<<"$few")") times the database's time (wanted: at most 1.3)."
  bench_psql postgres -c 'DROP DATABASE bench_history'
}
