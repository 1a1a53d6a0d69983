# Memory of one sweep over few and over many stale rows: it works page by page, so the number must not matter.
# shellcheck shell=bash disable=SC2154

# peak_kb: the highest resident memory of a sweep, read while it runs (VmHWM only ever grows).
peak_kb() {
  local pid peak=0 seen
  (cd "$root/.local/bench" && DATABASE_URL=$(private_postgres_url bench) exec "$root/build/release/jobwatchdog" sweep --quiet --max-duration '30 min' >/dev/null) &
  pid=$!
  while seen=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null); [[ -n $seen ]]; do
    peak=$seen
    sleep 0.01
  done
  wait "$pid" || fail 1 "the sweep failed"
  echo "$peak"
}

memory_figures() {
  fresh_managed_database bench
  bench_sql bench managed_seed -v rows="$1" -v stale="$1"
  echo "$1|$(awk -v kb="$(peak_kb)" 'BEGIN { printf "%.1f", kb / 1024 }')|$(bench_psql bench -c "SELECT count(*) FROM watchdog.credit_ledger WHERE kind = 'refund'")"
}

bench_sweep_memory() {
  heading "memory: peak of the process"
  printf '%s\n' "stale rows|peak MB|refunded" "$(memory_figures $((bench_rows / 100)))" "$(memory_figures "$bench_rows")" | column -t -s '|'
  say
  say "Wanted: under 64 MB at 1,000,000 stale rows."
}
