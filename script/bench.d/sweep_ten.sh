# Ten sweeps at once on one database, beside one alone.
# shellcheck shell=bash disable=SC2154

by_one_sweep() { bench_jobwatchdog bench sweep --rule stale-ai-jobs --quiet >/dev/null; }
by_ten_sweeps() {
  local pids=() pid run
  for run in {1..10}; do
    by_one_sweep &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || fail 1 "sweep $run of ten failed"; done
}

bench_ten() {
  heading "ten: ten sweeps at once over $bench_stale stale jobs among $bench_rows"
  managed_seed
  measure bench_seed "$bench_stale" "SELECT count(*) FROM watchdog.credit_ledger WHERE kind = 'refund'" one_sweep ten_sweeps
  tell_ways one_sweep one_sweep ten_sweeps
  say
  say "Ten take $(ratio "${took[ten_sweeps]}" "${took[one_sweep]}") times as long as one (wanted: at most 1.2); deadlocks: $(bench_psql postgres -c "SELECT deadlocks FROM pg_stat_database WHERE datname = 'bench'"), jobs settled twice: $(bench_psql bench -c "SELECT sum(settled_count) - $bench_stale FROM watchdog.sweep_runs")."
}
