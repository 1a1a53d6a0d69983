# How fast the managed sweep settles, beside a loop over rows that does the same work, the lean loop that most applications
# have, and the least that any way must do.
# shellcheck shell=bash disable=SC2154

by_jobwatchdog() { bench_jobwatchdog bench sweep --rule stale-ai-jobs >/dev/null; }
by_row_loop() { bench_sql bench row_loop; }
by_lean_row_loop() { bench_sql bench lean_row_loop; }
by_bare_floor() { bench_sql bench bare_floor; }

bench_speed() {
  heading "speed: $bench_stale stale jobs among $bench_rows in four tables, a refund each"
  managed_seed
  measure bench_seed "$bench_stale" "SELECT count(*) FROM watchdog.credit_ledger WHERE kind = 'refund'" \
    jobwatchdog row_loop lean_row_loop bare_floor
  tell_ways bare_floor jobwatchdog row_loop lean_row_loop bare_floor
  say
  say "jobwatchdog is $(ratio "${took[row_loop]}" "${took[jobwatchdog]}") times as fast as the loop that does the same work (wanted: 3),"
  say "$(ratio "${took[lean_row_loop]}" "${took[jobwatchdog]}") times as fast as the lean loop, and takes $(ratio "${took[jobwatchdog]}" "${took[bare_floor]}") times the floor (wanted: at most 2)."
}
