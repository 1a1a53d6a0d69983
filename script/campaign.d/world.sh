# The databases of the campaign: one a world, seeded anew for each round, and the judgement over it. Sourced by
# script/campaign.
# shellcheck shell=bash disable=SC2034,SC2154,SC2004

declare -A seed_of=([managed]=seed_managed.sql [watch]=seed_watch.sql)
declare -A laws_of=([managed]=laws_managed.sql [watch]=laws_watch.sql)
# Rows a transaction: few, so that a sweep has many of them.
usual_batch_size=12

prepare_cluster() {
  heading "A cluster with two databases: our schema, and somebody else's tables"
  # Nothing but COMMIT writes the log, so a crash loses as much as it may.
  private_postgres_start "$root/.local/campaign" --tcp "max_connections = 60" "shared_buffers = '64MB'" "log_checkpoints = off" "wal_writer_delay = '10s'"
  at_exit end_children
  mkdir -p "$work"
  cd "$work" || return
  psql_on postgres -c "DO \$\$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'campaign') THEN CREATE ROLE campaign SUPERUSER LOGIN PASSWORD 'campaign'; END IF; END \$\$"
  make_world managed
  make_world watch --watch
}

# make_world WORLD MIGRATE-OPTION...
make_world() {
  psql_on postgres -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" 2>/dev/null
  psql_on postgres -c "CREATE DATABASE $1"
  "$binary" migrate "${@:2}" --database-url "$(private_postgres_url "$1")" >"$work/migrate.log" 2>&1 || fail 1 "migrate failed" "$(cat "$work/migrate.log")"
  psql_on "$1" -f "$root/script/campaign.d/${seed_of[$1]}"
  if [[ -n $sabotage && $1 == managed ]]; then psql_on "$1" -f "$root/script/campaign.d/sabotage_$sabotage.sql"; fi
  psql_on "$1" -f "$root/script/campaign.d/remember.sql"
}

# begin_round FAULT NUMBER: seeds the draws and the database. Every fourth round of a fault is on somebody else's tables.
begin_round() {
  local i wanted=managed
  round_name=$1:$2
  for i in "${!faults[@]}"; do [[ ${faults[i]} != "$1" ]] || RANDOM=$(((seed * 1000003 + i * 7919 + $2 * 104729) & 0x7fffffff)); done
  # The load knows the managed schema only; a sabotage breaks only that one.
  [[ $(($2 % 4)) != 3 || $1 == kill_beside_load || -n $sabotage ]] || wanted=watch
  enter_world "$wanted"
}

enter_world() {
  world=$1 arguments=() batch_size=$usual_batch_size url=$(private_postgres_url "$1")
  [[ $world == managed ]] || arguments=(--config "$root/script/campaign.d/watch.toml")
  # Two rows in each world nobody can settle; in a sabotaged one none, so that nothing but a fault goes wrong there.
  isolated_count=2 finished_codes=6
  [[ -z $sabotage || $world != managed ]] || isolated_count=0 finished_codes=0
  psql_on "$world" -c "CALL campaign.reseed()"
  sweep_pids=() sweep_codes=() happened_count=0 counts_are_whole=yes runs_are_known=yes
}

# start_sweep [FAILPOINT [URL]]
# shellcheck disable=SC2120
start_sweep() {
  local i=${#sweep_pids[@]}
  WATCHDOG_FAILPOINT=${1-} "$binary" sweep --json --batch-size "$batch_size" --database-url "${2:-$url}" "${arguments[@]}" \
    >"$work/sweep.$i.json" 2>"$work/sweep.$i.err" </dev/null &
  sweep_pids+=($!)
  sweeps[${round_name%:*}]=$((${sweeps[${round_name%:*}]} + 1))
}

# Sets sweep_codes.
wait_for_sweeps() {
  local pid code
  for pid in "${sweep_pids[@]}"; do
    code=0
    wait "$pid" 2>/dev/null || code=$?
    sweep_codes+=("$code")
  done
}

# The processes of a round that is broken off.
end_children() {
  local pids
  pids=$(jobs -p)
  for pid in $pids; do [[ $pid == "${postgres_pid:-}" ]] || kill -KILL "$pid" 2>/dev/null || true; done
}

# told FIELD FILE: a number of the head of a sweep's JSON.
told() { awk -v field="\"$1\":" '$1 == field { print $2 + 0; found = 1; exit } END { if (!found) print 0 }' "$2"; }

# How the sweeps ended: sets killed_count, ended_count and what they told.
judge_processes() {
  local i
  killed_count=0 ended_count=0 told_settled=0 told_refunded=0
  for i in "${!sweep_codes[@]}"; do
    case ${sweep_codes[i]} in
      137) killed_count=$((killed_count + 1)) counts_are_whole=no ;;
      *) [[ " $allowed_codes " == *" ${sweep_codes[i]} "* ]] ||
        violate "a sweep ended with exit code ${sweep_codes[i]}: $(head -n 2 "$work/sweep.$i.err")"
        [[ ${sweep_codes[i]} != 4 ]] || counts_are_whole=no
        ended_count=$((ended_count + 1)) ;;
    esac
    told_settled=$((told_settled + $(told settled_count "$work/sweep.$i.json")))
    told_refunded=$((told_refunded + $(told refunded_credits "$work/sweep.$i.json")))
    [[ $(told isolated_count "$work/sweep.$i.json") -le $isolated_count ]] ||
      violate "a sweep isolated more rows than the $isolated_count that cannot be settled: $(grep -m 1 -A 3 '"isolated": \[$' "$work/sweep.$i.json" | tr -s ' \n' ' ')"
  done
}

# judge_database WHOLE: the audit of the binary, and the laws of this world.
judge_database() {
  local line kind first second settled=0 refunded=0 running=0 finished=0
  psql_on "$world" -f "$root/script/campaign.d/settle_down.sql" -v whole="$1" -f "$root/script/campaign.d/${laws_of[$world]}" >"$work/laws.txt" 2>"$work/laws.err" ||
    violate "the laws could not be asked: $(tail -n 3 "$work/laws.err")"
  "$binary" audit --database-url "$url" "${arguments[@]}" >"$work/audit.txt" 2>&1 ||
    violate "audit ended with exit code $?: $(head -n 3 "$work/audit.txt")"
  while IFS='|' read -r kind first second; do
    case $kind in
      violation) violate "$first" ;;
      settled) settled=$first ;;
      refunded) refunded=$first ;;
      runs) running=$first finished=$second ;;
    esac
  done <"$work/laws.txt"
  judge_counts "$1" "$settled" "$refunded"
  [[ $1 == true || $runs_are_known == no ]] || judge_runs "$running" "$finished"
}

# judge_counts WHOLE SETTLED REFUNDED: what sweeps told against what the database gained.
judge_counts() {
  if [[ $told_settled -gt $2 || ($told_refunded -gt $3) ]]; then
    violate "sweeps told of $told_settled rows and $told_refunded credits, the database has $2 and $3"
  elif [[ $counts_are_whole == yes && ($told_settled != "$2" || $told_refunded != "$3") ]]; then
    violate "sweeps told of $told_settled rows and $told_refunded credits and none was killed, but the database has $2 and $3"
  fi
}

# judge_runs RUNNING FINISHED: the runs of killed sweeps stay "running"; a sweep may be killed before its run began
# and after it ended.
judge_runs() {
  [[ $1 -le $killed_count && $2 -ge $ended_count && $2 -le $((ended_count + killed_count)) ]] ||
    violate "$killed_count sweeps were killed and $ended_count ended, but $1 runs are running and $2 finished"
}

# One more sweep: it must leave nothing but the rows that nobody can settle.
finish_work() {
  sweep_pids=() sweep_codes=() allowed_codes=$finished_codes batch_size=$usual_batch_size
  start_sweep ''
  wait_for_sweeps
  local told_before=$told_settled refunded_before=$told_refunded
  judge_processes
  told_settled=$((told_settled + told_before)) told_refunded=$((told_refunded + refunded_before))
}
