# What the campaign counts, and the table that it ends with. Sourced by script/campaign.
# shellcheck shell=bash disable=SC2034,SC2154

# The kinds of faults, and how often each must happen in the long version.
faults=(kill kill_together kill_at_failpoint kill_beside_load signal crash crash_at_failpoint number_again kill_backend terminate cut lost_answer)
declare -A target_of=([kill]=800 [kill_together]=700 [kill_at_failpoint]=300 [kill_beside_load]=200 [signal]=150 [crash]=140
  [crash_at_failpoint]=60 [number_again]=20 [kill_backend]=60 [terminate]=60 [cut]=300 [lost_answer]=300)
# How many rounds a kind needs to do each of its variants; the failpoints add theirs.
declare -A least_rounds_of=([kill]=4 [kill_together]=4 [kill_at_failpoint]=4 [kill_beside_load]=4 [signal]=4 [crash]=4 [crash_at_failpoint]=4
  [number_again]=4 [kill_backend]=4 [terminate]=4 [cut]=8 [lost_answer]=4)
declare -A meaning_of=([kill]="kill -9 of a sweep, at random" [kill_together]="kill -9 of 2 or 3 sweeps at once"
  [kill_at_failpoint]="kill -9 at a failpoint" [kill_beside_load]="kill -9 beside cancels and cleanups"
  [signal]="SIGTERM or SIGINT, at random" [crash]="server stopped at once, at random"
  [crash_at_failpoint]="server stopped at once, at a failpoint"
  [number_again]="lost number given to another sweep" [kill_backend]="kill -9 of a process of the server"
  [terminate]="pg_terminate_backend at a failpoint"
  [cut]="connection reset or half closed" [lost_answer]="answer to COMMIT lost")
declare -A times rounds recovered sweeps violations milliseconds sweep_ms_of
for fault in "${faults[@]}"; do
  times[$fault]=0 rounds[$fault]=0 recovered[$fault]=0 sweeps[$fault]=0 violations[$fault]=0 milliseconds[$fault]=0
done
violation_count=0
round_violation_count=0
watch_round_count=0

shorten_targets() {
  target_of=([kill]=28 [kill_together]=44 [kill_at_failpoint]=20 [kill_beside_load]=16 [signal]=6 [crash]=4 [crash_at_failpoint]=12 [number_again]=4 [kill_backend]=6
    [terminate]=6 [cut]=16 [lost_answer]=20)
}

# Whether a kind has done what is asked of it.
is_done() { [[ ${times[$1]} -ge ${target_of[$1]} && ${rounds[$1]} -ge ${least_rounds_of[$1]} ]]; }

# violate WHAT...: a law was broken in this round. Told to people, wherever a fault sends what the shell says of it; one
# fault may break a hundred rows, of which the first tell enough.
exec {people}>&2
violate() {
  violation_count=$((violation_count + 1))
  violations[${round_name%:*}]=$((${violations[${round_name%:*}]} + 1))
  round_violation_count=$((round_violation_count + 1))
  [[ $round_violation_count -gt 6 ]] || printf '%s\n' "violation: $round_name ($world): $*" >&"$people"
}

tell_how_to_replay() {
  [[ $round_violation_count -gt 0 ]] || return 0
  printf '%s\n' "  $round_violation_count in all; again: script/campaign --seed $seed --round $round_name${sabotage:+ --sabotage $sabotage}" >&"$people"
}

milliseconds_since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%d", (to - from) * 1000 }'; }

# At the end, however it comes: sets the exit code when a law was broken.
tell_results() {
  local fault wanted=0 done_kinds=0
  heading "Faults (seed $seed, commit $(git -c safe.directory="$root" -C "$root" describe --always --dirty --exclude '*' 2>/dev/null || echo unknown))"
  printf '%-38s  %5s  %6s  %6s  %6s  %9s  %10s  %7s\n' fault times wanted rounds sweeps recovered violations seconds
  for fault in "${faults[@]}"; do
    [[ -z $only || $fault == "$only" ]] || continue
    wanted=$((wanted + 1))
    if is_done "$fault"; then done_kinds=$((done_kinds + 1)); fi
    printf '%-38s  %5d  %6d  %6d  %6d  %9d  %10d  %7.1f   %s\n' "${meaning_of[$fault]}" "${times[$fault]}" "${target_of[$fault]}" \
      "${rounds[$fault]}" "${sweeps[$fault]}" "${recovered[$fault]}" "${violations[$fault]}" "${milliseconds[$fault]}e-3" "$fault"
  done
  say "recovered: rounds after which one more sweep finished the work; $watch_round_count rounds were on somebody else's tables"
  tell_reach "$wanted" "$done_kinds"
  # Ended by something that is no broken law: the shell knows what.
  if [[ $exit_code != 0 && -e $work/fault.err ]]; then grep -v ' Killed ' "$work/fault.err" >&2 || true; fi
  [[ $violation_count == 0 ]] || exit_code=1
}

tell_reach() {
  if [[ -n $only_round ]]; then
    say "one round only, $(seconds_since "$started") s"
  elif [[ $1 == "$2" ]]; then
    say "all faults were done, $(seconds_since "$started") s"
  else
    say "cut after $(seconds_since "$started") s: $2 of $1 kinds of faults were done in full"
  fi
}
