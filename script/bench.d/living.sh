# A provider and a node for the parts about lives of jobs. Sourced after script/lib/living.sh, never run.
# shellcheck shell=bash disable=SC2034,SC2154

start_emulator() {
  start_listening "$root/.local/bench/emulator.log" "$root/build/release/jobwatchdog" emulate-provider --listen 127.0.0.1:0 "$@"
  provider_url=$listening_url
}

# With the defaults of the policy.
start_node() {
  start_listening "$root/.local/bench/node.log" env DATABASE_URL="$(private_postgres_url bench)" WATCHDOG_ENABLED=true WATCHDOG_CONFIG= \
    WATCHDOG_RUNNINGHUB_URL="$provider_url" WATCHDOG_RUNNINGHUB_API_KEY=emulated-key-1 "$root/build/release/jobwatchdog" serve --listen 127.0.0.1:0
}

# The same for pages, and reached by webhooks. Sets node_url and node_pid.
start_served_node() {
  local port
  port=$(free_port)
  start_listening "$root/.local/bench/node.log" env DATABASE_URL="$(private_postgres_url bench)" WATCHDOG_ENABLED=true WATCHDOG_CONFIG= \
    WATCHDOG_RUNNINGHUB_URL="$provider_url" WATCHDOG_RUNNINGHUB_API_KEY=emulated-key-1 \
    WATCHDOG_JWT_SECRET="the secret of the benchmark, long enough" WATCHDOG_PUBLISHABLE_KEYS=sb_publishable_of_the_benchmark \
    "$root/build/release/jobwatchdog" serve --listen "127.0.0.1:$port" --public-url "http://127.0.0.1:$port"
  node_url=$listening_url node_pid=$listening_pid
}

resident_mb() { awk '/^VmRSS/ { printf "%.0f", $2 / 1024 }' "/proc/$1/status"; }

# all_went_well FILE: ends the benchmark when http_load got anything but replies of success.
all_went_well() { [[ $(<"$1") =~ \"statuses\":\{(\"20[0-9]\":[0-9]+,?)+\} ]] || fail 1 "requests were refused: $(<"$1")" "see .local/bench/node.log"; }

# wait_until WHAT CONDITION: a condition of the database bench, for at most half an hour.
wait_until() {
  local deadline=$((SECONDS + 1800))
  until [[ $(bench_psql bench -c "SELECT ($2)") == t ]]; do
    [[ $SECONDS -lt $deadline ]] || fail 1 "waited in vain for $1" "see .local/bench/node.log"
    sleep 0.5
  done
}
