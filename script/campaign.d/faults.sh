# The kinds of faults: fault_NAME NUMBER makes one round of it happen, sets happened_count, and returns when all sweeps
# have ended and the server runs. Sourced by script/campaign.
# shellcheck shell=bash disable=SC2034,SC2154,SC2004

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
# Words of the table, and of the command that replays a round.
runs_word=sweeps campaign_word='' recovered_word="recovered: rounds after which one more sweep finished the work; every fourth round is on somebody else's tables"

shorten_faults() {
  target_of=([kill]=28 [kill_together]=44 [kill_at_failpoint]=20 [kill_beside_load]=16 [signal]=6 [crash]=4 [crash_at_failpoint]=12 [number_again]=4 [kill_backend]=6
    [terminate]=6 [cut]=16 [lost_answer]=20)
}

# The failpoints that every sweep passes: a new one is covered without being named here. Other sources have those of other work.
prepare_faults() {
  find_failpoints "$root"/native/{sweep,settle_batch}.cpp
  local fault
  for fault in kill_at_failpoint kill_backend terminate; do least_rounds_of[$fault]=${#failpoints[@]}; done
  least_rounds_of[crash_at_failpoint]=$((2 * ${#failpoints[@]}))
  measure_sweep
}

# How long a whole sweep takes in each world: kills are drawn over this time. The second of two, when all is warm. Without
# a fault every law must hold, also in a sabotaged world.
measure_sweep() {
  local start name
  for name in managed managed watch watch; do
    round_name=kill:none
    enter_world "$name"
    allowed_codes=$finished_codes
    start=$EPOCHREALTIME
    start_sweep ''
    wait_for_sweeps
    sweep_ms_of[$world]=$(milliseconds_since "$start")
    judge_processes
    judge_database true
  done
  sweeps[kill]=0
  [[ $violation_count == 0 ]] || fail 2 "the laws do not even hold without a fault" "see above"
  transaction_count=$(psql_on watch -c "SELECT count(*) FROM watchdog.audit_log")
  say "A whole sweep takes ${sweep_ms_of[managed]} ms, on somebody else's tables ${sweep_ms_of[watch]} ms; failpoints: ${failpoints[*]}; seed $seed"
}

# kill_at_random SIGNAL COUNT [MILLISECONDS]: starts so many sweeps and sends each the signal at a moment of its own, while
# they work.
kill_at_random() {
  local signal=$1 count=$2 i moments=() at=0 longest=${3:-$((sweep_ms_of[$world] * (1 + $2) / 2))}
  for ((i = 0; i < count; i++)); do draw "$longest" && moments+=("$drawn"); done
  mapfile -t moments < <(printf '%s\n' "${moments[@]}" | sort -n)
  for ((i = 0; i < count; i++)); do start_sweep; done
  for ((i = 0; i < count; i++)); do
    rest $((moments[i] - at)) && at=${moments[i]}
    kill "-$signal" "${sweep_pids[i]}" 2>/dev/null || true
  done
  wait_for_sweeps
}

# count_codes CODE...: the sweeps that ended so are what happened.
count_codes() {
  local code
  for code in "${sweep_codes[@]}"; do [[ " $* " != *" $code "* ]] || happened_count=$((happened_count + 1)); done
}

fault_kill() {
  allowed_codes="0 6"
  kill_at_random KILL 1
  count_codes 137
}

fault_kill_together() {
  allowed_codes="0 6"
  draw 2
  kill_at_random KILL $((2 + drawn))
  count_codes 137
}

# Each failpoint at its first passing; later at any. Sometimes another sweep works beside it.
fault_kill_at_failpoint() {
  allowed_codes="0 6"
  draw_failpoint "$1" "$transaction_count"
  start_sweep "$failpoint=kill -9 \$PPID"
  draw 3
  if [[ $drawn == 0 && $1 -ge ${#failpoints[@]} ]]; then start_sweep; fi
  wait_for_sweeps
  count_codes 137
  expect_reached "$1"
}

# A failpoint that is never passed covers nothing.
expect_reached() {
  [[ $1 -ge ${#failpoints[@]} || $happened_count -gt 0 ]] || violate "the failpoint $failpoint was never reached"
}

fault_kill_beside_load() {
  allowed_codes="0 6"
  counts_are_whole=no
  draw 32768
  "$pg_bin/psql" -Xq "$url" -v seed="$drawn" -v rounds=30 -f "$root/script/campaign.d/load.sql" >/dev/null 2>"$work/load.err" </dev/null &
  load_pid=$!
  draw 2
  # The load does a part of the work, so that the sweeps have less.
  kill_at_random KILL $((2 + drawn)) "${sweep_ms_of[$world]}"
  wait "$load_pid" || violate "the load could not run: $(head -n 3 "$work/load.err")"
  count_codes 137
}

fault_signal() {
  allowed_codes="0 6 130 143"
  if [[ $(($1 / 2 % 2)) == 0 ]]; then kill_at_random TERM 1; else kill_at_random INT 1; fi
  # Before it sweeps, the signal ends a process at once; its run may not have begun.
  [[ ${sweep_codes[0]} == 0 || ${sweep_codes[0]} == 6 ]] || runs_are_known=no
  count_codes 130 143
}

fault_crash() {
  local i
  allowed_codes="0 4 6" runs_are_known=no
  draw 3
  for ((i = 0; i <= drawn; i++)); do start_sweep; done
  draw "${sweep_ms_of[$world]}"
  rest "$drawn"
  crash_server
  wait_for_sweeps
}

# In every other series the sweep sleeps through the outage, and others write before it wakes: it must not take a
# transaction number that was given out anew for its own, nor a lost connection for a row that cannot be settled.
fault_crash_at_failpoint() {
  allowed_codes="0 4 6" runs_are_known=no
  local ended series=$(($1 / ${#failpoints[@]})) command="kill -QUIT $postgres_pid"
  draw_failpoint "$1" "$transaction_count"
  if [[ $((series % 2)) == 0 ]]; then command+="; $(sleep_through_outage)" batch_size=1; fi
  start_sweep "$failpoint=$command"
  draw 2
  if [[ $drawn == 0 && $series -gt 0 ]]; then start_sweep; fi
  # The server ends, or the sweep that would have ended it.
  wait -n -p ended "$postgres_pid" "${sweep_pids[0]}" || true
  if [[ $ended == "$postgres_pid" ]] || server_is_ending; then
    private_postgres_wait
    private_postgres_restart
    happened_count=1
  fi
  wait_for_sweeps
  expect_reached "$1"
}

# A crash loses a transaction before its COMMIT, and its number goes to a sweep beside it, which settles the same rows.
# Only one of the two may tell of them.
fault_number_again() {
  allowed_codes="0 4 6" runs_are_known=no
  rm -f "$work"/{waits,ended}
  start_sweep "before_batch@1=touch '$work/waits'; $(wait_for_outage)"
  wait_for_file "$work/waits"
  start_sweep "before_commit@1=kill -QUIT $postgres_pid; $(wait_for_outage); $(wait_for_file_command "$work/ended")"
  private_postgres_wait
  private_postgres_restart
  wait "${sweep_pids[0]}" 2>/dev/null || true
  touch "$work/ended"
  wait_for_sweeps
  happened_count=1
}

# One process of the server is killed: it ends all its sessions and recovers, without being started anew.
fault_kill_backend() {
  allowed_codes="0 4 6" runs_are_known=no
  draw_failpoint "$1" "$transaction_count"
  batch_size=1
  start_sweep "$failpoint=echo killed >'$work/cut'; kill -9 \$($pg_bin/psql -XAtq '$url' -c \"SELECT max(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'jobwatchdog'\"); $(sleep_through_outage)"
  wait_for_sweeps
  if [[ -e $work/cut ]]; then happened_count=1 && rm "$work/cut"; fi
  expect_reached "$1"
}

# Commands: wait until the server is gone and back; until a file is there.
wait_for_outage() {
  local ready="$pg_bin/pg_isready -q -h '$PRIVATE_POSTGRES_SOCKET_DIR' -p $PRIVATE_POSTGRES_PORT"
  printf '%s' "i=0; while $ready && [ \$((i += 1)) -le 500 ]; do sleep 0.01; done; i=0; until $ready || [ \$((i += 1)) -gt 2000 ]; do sleep 0.01; done"
}
wait_for_file_command() { printf '%s' "i=0; until [ -e '$1' ] || [ \$((i += 1)) -gt 2000 ]; do sleep 0.01; done"; }
wait_for_file() { sh -c "$(wait_for_file_command "$1")"; }

# A command: waits for the outage, and uses some transaction numbers.
sleep_through_outage() {
  local i
  printf '%s' "$(wait_for_outage); $pg_bin/psql -XAtq '$url'"
  for i in 1 2 3 4 5 6 7 8; do printf ' -c "SELECT pg_current_xact_id(), %d"' "$i"; done
  printf ' >/dev/null 2>&1 || true'
}

server_is_ending() { ! "$pg_bin/pg_isready" -q -h "$PRIVATE_POSTGRES_SOCKET_DIR" -p "$PRIVATE_POSTGRES_PORT"; }

fault_terminate() {
  allowed_codes="0 4 6" runs_are_known=no
  draw_failpoint "$1" "$transaction_count"
  start_sweep "$failpoint=echo cut >'$work/cut'; $pg_bin/psql -XAtq '$url' -c \"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'jobwatchdog' AND pid <> pg_backend_pid()\" >/dev/null"
  wait_for_sweeps
  if [[ -e $work/cut ]]; then happened_count=1 && rm "$work/cut"; fi
  expect_reached "$1"
}

# through_proxy PHASE MANNER GAP_MAX COUNT_MAX: one sweep whose connections break; what the proxy did is what happened.
through_proxy() {
  local said port faults_told
  draw 32768
  exec {said}< <(exec "$proxy" "$PRIVATE_POSTGRES_PORT" "$1" "$2" "$drawn" "$3" "$4")
  local proxy_pid=$!
  read -r port <&"$said"
  allowed_codes="0 4 6" runs_are_known=no
  start_sweep "" "postgresql://campaign:campaign@127.0.0.1:$port/$world"
  wait_for_sweeps
  kill "$proxy_pid"
  mapfile -t faults_told <&"$said"
  exec {said}<&-
  happened_count=${#faults_told[@]}
}

fault_cut() {
  local phases=(before_request within_answer before_commit behind_commit) manners=(reset half)
  local phase=${phases[$1 % 4]} gap=60
  [[ $phase != *commit ]] || gap=12
  through_proxy "$phase" "${manners[$1 / 4 % 2]}" "$gap" 4
}

# Every answer may be lost, also twice for one batch.
fault_lost_answer() {
  local manners=(close reset half)
  through_proxy answer_to_commit "${manners[$1 % 3]}" 4 6
}
