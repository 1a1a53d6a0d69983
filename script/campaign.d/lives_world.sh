# The world of the campaign over whole lives of jobs: a database, a provider that goes wrong, two or three nodes, the pages of
# nine users who start a job over HTTP and ask for it; and the judgement over it. Sourced by script/campaign instead of world.sh.
# shellcheck shell=bash disable=SC2034,SC2154,SC2004

users_count=9
world=lives
pages_pid='' pages_secret="the secret of the campaign, long enough"

prepare_cluster() {
  heading "A cluster with the managed schema, a provider, and nodes"
  [[ -z $sabotage ]] || fail 2 "lives have no sabotage" "see tests/simulation for design mistakes that are noticed"
  private_postgres_start "$root/.local/campaign" --tcp "max_connections = 60" "shared_buffers = '64MB'" "log_checkpoints = off" "wal_writer_delay = '10s'"
  mkdir -p "$work"
  cd "$work" || return
  psql_on postgres -c "DROP DATABASE IF EXISTS lives_seed WITH (FORCE)" 2>/dev/null
  psql_on postgres -c "CREATE DATABASE lives_seed"
  "$binary" migrate --database-url "$(private_postgres_url lives_seed)" >"$work/migrate.log" 2>&1 || fail 1 "migrate failed" "$(cat "$work/migrate.log")"
  psql_on lives_seed -v users="$users_count" -f "$root/script/campaign.d/seed_lives.sql"
}

# begin_round FAULT NUMBER: seeds the draws, the database and the provider. Every third round has three nodes.
begin_round() {
  local i
  round_name=$1:$2
  for i in "${!faults[@]}"; do [[ ${faults[i]} != "$1" ]] || RANDOM=$(((seed * 1000003 + i * 7919 + $2 * 104729) & 0x7fffffff)); done
  psql_on postgres -c "DROP DATABASE IF EXISTS lives WITH (FORCE)" 2>/dev/null
  psql_on postgres -c "CREATE DATABASE lives TEMPLATE lives_seed"
  url=$(private_postgres_url lives) happened_count=0 dead_pids=() leaving_pids=() nodes=() node_count=0
  : >"$work/nodes"
  : >"$work/refused.txt"
  start_listening "$work/provider.log" "$binary" emulate-provider --listen 127.0.0.1:0 --seed "$((seed % 1000000 + $2))" --task-time "200 ms..1500 ms" \
    --task-fails 20% --webhook-lost 40% --webhook-twice 20% --webhook-early 5% --submit-lost 4% --reply-5xx 3% --reply-slow 0%
  provider_pid=$listening_pid provider_url=$listening_url
  wanted_nodes=$((2 + ($2 % 3 == 2)))
}

# start_node [FAILPOINT]
start_node() {
  local port
  port=$(free_port)
  start_listening "$work/node.$node_count.log" env WATCHDOG_FAILPOINT="${1-}" DATABASE_URL="$url" WATCHDOG_RUNNINGHUB_URL="$provider_url" \
    WATCHDOG_RUNNINGHUB_API_KEY=emulated-key-1 WATCHDOG_INITIAL_DELAY_MS=1000 WATCHDOG_POLL_INTERVAL_MS=1000 \
    WATCHDOG_JWT_SECRET="$pages_secret" \
    "$binary" serve --quiet --listen "127.0.0.1:$port" --public-url "http://127.0.0.1:$port"
  nodes+=("$listening_pid")
  echo "$listening_url" >>"$work/nodes"
  node_count=$((node_count + 1))
  sweeps[${round_name%:*}]=$((${sweeps[${round_name%:*}]} + 1))
}

# start_first_node [FAILPOINT]: the users' pages, and a node that has all the work to itself for a moment.
start_first_node() {
  psql_on lives -v users="$users_count" -f "$root/script/campaign.d/pending_lives.sql" >"$work/jobs"
  with_node node "$root/script/campaign.d/pages.mjs" "$work/nodes" "$work/jobs" "$pages_secret" "$work/refused.txt" 2>"$work/pages.err" &
  pages_pid=$!
  listening_pids+=("$pages_pid")
  start_node "${1-}"
}
start_other_nodes() { while [[ ${#nodes[@]} -lt $wanted_nodes ]]; do start_node; done; }

# The nodes that died or left in this round: killed ones tell 137, asked ones 0.
judge_processes() {
  local pid code
  for pid in "${dead_pids[@]}" "${leaving_pids[@]}"; do
    code=0
    wait "$pid" 2>/dev/null || code=$?
    if [[ " ${leaving_pids[*]} " == *" $pid "* ]]; then
      [[ $code == 0 ]] || violate "a node that was asked to leave ended with exit code $code"
    else
      [[ $code == 137 ]] || violate "a node that should have been killed ended with exit code $code: $(tail -n 2 "$work"/node.*.log | tr '\n' ' ')"
    fi
    forget_node "$pid"
  done
  dead_pids=() leaving_pids=()
  for pid in "${nodes[@]}"; do
    kill -0 "$pid" 2>/dev/null || violate "a node ended by itself: $(tail -n 2 "$work"/node.*.log | tr '\n' ' ')"
  done
}

forget_node() {
  local pid left=()
  for pid in "${nodes[@]}"; do [[ $pid == "$1" ]] || left+=("$pid"); done
  nodes=("${left[@]}")
}

# A page gets an answer, or is told when to ask again, whatever happens behind the nodes.
judge_pages() {
  local code=0
  wait "$pages_pid" || code=$?
  [[ $code == 0 ]] || violate "the pages ended with exit code $code: $(head -n 3 "$work/pages.err")"
  [[ ! -s $work/refused.txt ]] || violate "a page was refused: $(head -n 1 "$work/refused.txt")"
}

# What dead nodes leased becomes free, as it would after a minute; then the nodes that are left finish all.
finish_work() {
  local deadline=$((SECONDS + 90))
  [[ ${#nodes[@]} -gt 0 ]] || start_node
  psql_on lives -f "$root/script/campaign.d/minute_later.sql"
  until [[ $(psql_on lives -c "SELECT NOT EXISTS (SELECT FROM public.ai_jobs WHERE status NOT IN ('completed', 'failed', 'cancelled')) AND NOT EXISTS (SELECT FROM watchdog.provider_slots WHERE state <> 'free') AND NOT EXISTS (SELECT FROM watchdog.orphan_tasks WHERE ended_at IS NULL AND task_id IS NOT NULL)" 2>/dev/null) == t ]]; do
    if [[ $SECONDS -ge $deadline ]]; then
      kill "$pages_pid"
      violate "the jobs do not end: $(psql_on lives -c "SELECT string_agg(job.status || ' ' || COALESCE(job.task_id, '-') || ' attempt ' || job.attempt, ', ') FROM public.ai_jobs AS job WHERE status NOT IN ('completed', 'failed', 'cancelled')"), slots $(psql_on lives -c "SELECT string_agg(state, ' ') FROM watchdog.provider_slots")"
      return
    fi
    sleep 0.1
  done
  judge_pages
}

# judge_database WHOLE: the audit of the binary, the laws that need the provider's own list, and the end of all processes.
judge_database() {
  local kind first
  fetch "$provider_url" /emulator/tasks >"$work/tasks.json"
  TASKS=$work/tasks.json psql_on lives -v whole="$1" -f "$root/script/campaign.d/laws_lives.sql" >"$work/laws.txt" 2>"$work/laws.err" ||
    violate "the laws could not be asked: $(tail -n 3 "$work/laws.err")"
  "$binary" audit --database-url "$url" >"$work/audit.txt" 2>&1 || violate "audit ended with exit code $?: $(head -n 3 "$work/audit.txt")"
  while IFS='|' read -r kind first; do
    [[ $kind != violation ]] || violate "$first"
  done <"$work/laws.txt"
  [[ $1 == false ]] || stop_listening
}
