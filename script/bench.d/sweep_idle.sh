# A sweep that finds nothing: its cost must not follow the finished rows. The database's time is what pg_stat_statements
# says of all statements, planning too; the process is the whole of `jobwatchdog sweep`.
# shellcheck shell=bash disable=SC2154

# idle_figures ROWS: "ROWS|database ms|process ms", medians of 20 sweeps after one.
idle_figures() {
  local run start database='' process=''
  bench_jobwatchdog bench_idle sweep --quiet >/dev/null
  for run in {1..20}; do
    bench_psql postgres -c "SELECT pg_stat_statements_reset()" >/dev/null
    start=$EPOCHREALTIME
    bench_jobwatchdog bench_idle sweep --quiet >/dev/null
    process+="$(milliseconds_since "$start") "
    database+="$(bench_psql postgres -c "SELECT round(sum(total_exec_time + total_plan_time)::numeric, 2) FROM pg_stat_statements
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'bench_idle')") "
    : "$run"
  done
  echo "$1|$(tr ' ' '\n' <<<"${database% }" | median)|$(tr ' ' '\n' <<<"${process% }" | median)"
}

bench_sweep_idle() {
  heading "idle: nothing is stale"
  fresh_managed_database bench_idle
  local few many
  bench_sql bench_idle finished_seed -v from=1 -v rows="$bench_rows"
  few=$(idle_figures "$bench_rows")
  bench_sql bench_idle finished_seed -v from=$((bench_rows + 1)) -v rows=$((bench_rows * 10))
  many=$(idle_figures $((bench_rows * 10)))
  printf '%s\n' "finished rows|database ms|process ms" "$few" "$many" | column -t -s '|'
  say
  say "Ten times the rows take $(ratio "$(cut -d'|' -f2 <<<"$many")" "$(cut -d'|' -f2 <<<"$few")") times the database's time (wanted: at most 1.3, and under 5 ms; the process under 50 ms)."
  bench_psql postgres -c 'DROP DATABASE bench_idle'
}
