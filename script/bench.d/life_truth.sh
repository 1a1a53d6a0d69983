# From the end of a task whose webhook was lost to the end of its job, with the defaults (first asked after 30 s, then every 15 s):
# with a provider that is well, and with one at its worst.
# shellcheck shell=bash disable=SC2154

# truth_figures OPTION...: sets figures to "jobs|median|p99|most|by the hard deadline", in seconds. All tasks end within a minute.
# In no subshell, so that what it starts is stopped whatever happens.
truth_figures() {
  local jobs=$((300 / scale))
  fresh_managed_database bench
  bench_sql bench life_seed -v jobs="$jobs"
  start_emulator --task-time "1 s..60 s" --capacity 1000000 --seed 1 "$@" --webhook-lost 100% --task-finishes-late 0%
  start_node
  wait_until "all jobs to end" "NOT EXISTS (SELECT FROM watchdog.active_jobs)"
  fetch "$provider_url" /emulator/tasks >"$root/.local/bench/tasks.json"
  stop_listening
  figures=$(TASKS=$root/.local/bench/tasks.json bench_sql bench life_truth)
}

bench_life_truth() {
  heading "truth: how long the end of a task is hidden when its webhook is lost"
  local figures lines="provider|jobs|median s|p99 s|most s|ended by the hard deadline"
  truth_figures --faults none
  lines+=$'\n'"well|$figures"
  truth_figures --faults worst
  lines+=$'\n'"at its worst|$figures"
  column -t -s '|' <<<"$lines"
  say
  say "Wanted: p99 under 50 s. Ended by the hard deadline: a task that nobody could name (its submit's answer and its webhook were both lost), or that its provider forgot."
}
