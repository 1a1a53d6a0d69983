# Watch mode with the user's own refund function, which works row by row, beside a loop that calls the same function.
# shellcheck shell=bash disable=SC2154

own_function_config() {
  cat >"$root/.local/bench/own_function.toml" <<'TOML'
[[rule]]
name = "jobs"
tables = ["public.jobs"]
stuck_in = ["running"]
age_of = "created_at"
older_than = "10 min"
set = { status = "failed", error_message = "Stopped after 10 minutes", completed_at = "now()" }
refund.function = "public.refund_credits"
refund.user = "user_id"
refund.amount = "cost"
refund.charged = "charged"
refund.refunded = "refunded"
refund.description = "Refund: job timeout after 10 minutes"
TOML
}

by_jobwatchdog_own() { bench_jobwatchdog bench --config own_function.toml sweep >/dev/null; }
by_loop_own() { bench_sql bench own_function_loop; }

bench_own_function() {
  heading "own_function: $bench_stale stale jobs among $bench_rows of a user's own table, refunded by the user's own function"
  fresh_database bench_own
  bench_sql bench_own own_tables_seed -v rows="$bench_rows" -v stale="$bench_stale"
  own_function_config
  measure bench_own "$bench_stale" "SELECT count(*) FROM movements" jobwatchdog_own loop_own
  tell_ways loop_own jobwatchdog_own loop_own
  say
  say "jobwatchdog takes $(ratio "${took[jobwatchdog_own]}" "${took[loop_own]}") times the loop (wanted: not slower)."
}
