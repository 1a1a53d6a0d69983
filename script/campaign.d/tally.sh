# What the campaign counts, and the table that it ends with. Sourced by script/campaign after the kinds of faults.
# shellcheck shell=bash disable=SC2034,SC2154

declare -A times rounds recovered sweeps violations milliseconds sweep_ms_of
for fault in "${faults[@]}"; do
  times[$fault]=0 rounds[$fault]=0 recovered[$fault]=0 sweeps[$fault]=0 violations[$fault]=0 milliseconds[$fault]=0
done
violation_count=0
round_violation_count=0

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
  printf '%s\n' "  $round_violation_count in all; again: script/campaign$campaign_word --seed $seed --round $round_name${sabotage:+ --sabotage $sabotage}" >&"$people"
}

milliseconds_since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%d", (to - from) * 1000 }'; }

# At the end, however it comes: sets the exit code when a law was broken.
tell_results() {
  local fault wanted=0 done_kinds=0
  heading "Faults (seed $seed, commit $(git -c safe.directory="$root" -C "$root" describe --always --dirty --exclude '*' 2>/dev/null || echo unknown))"
  printf '%-38s  %5s  %6s  %6s  %6s  %9s  %10s  %7s\n' fault times wanted rounds "$runs_word" recovered violations seconds
  for fault in "${faults[@]}"; do
    [[ -z $only || $fault == "$only" ]] || continue
    wanted=$((wanted + 1))
    if is_done "$fault"; then done_kinds=$((done_kinds + 1)); fi
    printf '%-38s  %5d  %6d  %6d  %6d  %9d  %10d  %7.1f   %s\n' "${meaning_of[$fault]}" "${times[$fault]}" "${target_of[$fault]}" \
      "${rounds[$fault]}" "${sweeps[$fault]}" "${recovered[$fault]}" "${violations[$fault]}" "${milliseconds[$fault]}e-3" "$fault"
  done
  say "$recovered_word"
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
