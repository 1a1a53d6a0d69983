# One node over 10,000 jobs at work, each asked about every 15 s: its share of a processor, and its memory.
# shellcheck shell=bash disable=SC2154

# processor_ms PID: processor time so far.
processor_ms() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13) * 1000 / hz) }' "/proc/$1/stat"; }
check_count() { bench_psql bench -c "SELECT COALESCE(sum(check_count), 0) FROM watchdog.active_jobs"; }

bench_life_node() {
  local jobs=$((10000 / scale)) seconds=60 node before_ms before_checks spent_ms checks
  heading "node: $jobs jobs at work, one node"
  fresh_managed_database bench
  bench_sql bench life_seed -v jobs="$jobs"
  start_emulator --task-time "1 h" --capacity 1000000
  start_node
  node=$listening_pid
  wait_until "$jobs jobs to run" "SELECT count(*) = $jobs FROM public.ai_jobs WHERE status = 'running'"
  wait_until "the first checks of all" "SELECT bool_and(check_count > 0) FROM watchdog.active_jobs"
  before_ms=$(processor_ms "$node")
  before_checks=$(check_count)
  sleep "$seconds"
  spent_ms=$(($(processor_ms "$node") - before_ms))
  checks=$(($(check_count) - before_checks))
  say "In $seconds s it made $checks checks (wanted: $((jobs * seconds / 15)), one a job every 15 s) with $(ratio "$spent_ms" $((seconds * 1000))) of a processor (wanted: under 0.5)
and at most $(awk '/^VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/$node/status") MB (wanted: under 200); the latest check was $(bench_psql bench -c "SELECT round(GREATEST(0, extract(epoch FROM clock_timestamp() - min(next_check_at)))::numeric, 1) FROM watchdog.active_jobs WHERE lease_until IS NULL") s behind its time."
  stop_listening
}
