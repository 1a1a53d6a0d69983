# The kinds of faults in the lives of jobs: fault_NAME NUMBER makes one round of it happen and sets happened_count. Sourced by
# script/campaign instead of faults.sh.
# shellcheck shell=bash disable=SC2034,SC2154,SC2004

faults=(kill kill_all kill_at_failpoint leave crash crash_at_failpoint terminate provider_away)
declare -A target_of=([kill]=100 [kill_all]=60 [kill_at_failpoint]=80 [leave]=40 [crash]=60 [crash_at_failpoint]=40 [terminate]=60 [provider_away]=30)
declare -A least_rounds_of=([kill]=3 [kill_all]=3 [kill_at_failpoint]=3 [leave]=3 [crash]=3 [crash_at_failpoint]=3 [terminate]=3 [provider_away]=3)
declare -A meaning_of=([kill]="kill -9 of a node, at random" [kill_all]="kill -9 of all nodes at once"
  [kill_at_failpoint]="kill -9 at a failpoint" [leave]="SIGTERM to a node, at random"
  [crash]="server stopped at once, at random" [crash_at_failpoint]="server stopped at once, at a failpoint"
  [terminate]="all nodes' sessions cut, at random" [provider_away]="provider silent for seconds, then a kill")
# Words of the table, and of the command that replays a round.
runs_word=nodes campaign_word=' lives' recovered_word="recovered: rounds after which the nodes that were left finished all jobs"

shorten_faults() {
  target_of=([kill]=2 [kill_all]=2 [kill_at_failpoint]=7 [leave]=1 [crash]=1 [crash_at_failpoint]=2 [terminate]=1 [provider_away]=1)
  for fault in "${faults[@]}"; do least_rounds_of[$fault]=1; done
}

# The failpoints of the life of jobs: a new one is covered without being named here.
prepare_faults() {
  find_failpoints "$root"/native/life/*.cpp
  if [[ ${least_rounds_of[kill_at_failpoint]} -lt ${#failpoints[@]} ]]; then least_rounds_of[kill_at_failpoint]=${#failpoints[@]}; fi
  say "failpoints: ${failpoints[*]}; seed $seed"
}

rest_at_random() { draw 3000; rest "$drawn"; }

# One of the nodes that are there, at random: sets node.
choose_node() {
  draw ${#nodes[@]}
  node=${nodes[drawn]}
}

kill_node() {
  kill -KILL "$1"
  dead_pids+=("$1")
  happened_count=$((happened_count + 1))
}

fault_kill() {
  start_first_node
  start_other_nodes
  rest_at_random
  choose_node
  kill_node "$node"
  judge_processes
  start_node
}

fault_kill_all() {
  local pid
  start_first_node
  start_other_nodes
  rest_at_random
  for pid in "${nodes[@]}"; do kill_node "$pid"; done
  judge_processes
  start_node
}

# For at most 15 s. A failpoint that the first round of it never reaches covers nothing.
wait_for_reach() {
  local i
  for ((i = 0; i < 150; i++)); do
    if ! kill -0 "$2" 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  [[ $1 -ge ${#failpoints[@]} ]] || violate "the failpoint $failpoint was never reached"
  return 1
}

fault_kill_at_failpoint() {
  draw_failpoint "$1" 10
  start_first_node "$failpoint=kill -9 \$PPID"
  start_other_nodes
  if wait_for_reach "$1" "${nodes[0]}"; then
    dead_pids=("${nodes[0]}")
    happened_count=1
    judge_processes
    start_node
  fi
}

fault_leave() {
  start_first_node
  start_other_nodes
  rest_at_random
  choose_node
  kill -TERM "$node"
  leaving_pids=("$node")
  happened_count=1
  judge_processes
}

fault_crash() {
  start_first_node
  start_other_nodes
  rest_at_random
  crash_server
}

fault_crash_at_failpoint() {
  draw_failpoint "$1" 10
  # The others come when the server is back: without it they could not begin.
  start_first_node "$failpoint=kill -QUIT $postgres_pid"
  if wait_for_reach "$1" "$postgres_pid"; then
    private_postgres_wait
    private_postgres_restart
    happened_count=1
  fi
  start_other_nodes
}

fault_terminate() {
  start_first_node
  start_other_nodes
  rest_at_random
  psql_on lives -c "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'" >/dev/null
  happened_count=1
}

fault_provider_away() {
  start_first_node
  start_other_nodes
  rest_at_random
  kill -STOP "$provider_pid"
  rest_at_random
  choose_node
  kill_node "$node"
  judge_processes
  kill -CONT "$provider_pid"
  start_node
}
