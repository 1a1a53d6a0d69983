# Processes that a script keeps running beside itself: a provider, and nodes. Sourced after console.sh, never run.
#
#   start_listening LOG COMMAND...   in the background, its words to LOG; returns when it says where it listens, with the
#                                    address in listening_url and the process in listening_pid
#   stop_listening                   ends all of them; runs by itself when the script ends, however it ends
#   fetch URL PATH                   prints the body of a GET
#   free_port                        prints a port of 127.0.0.1 that nobody listened on a moment ago
# shellcheck shell=bash disable=SC2034

listening_pids=() listening_pid='' listening_url=''

start_listening() {
  local log=$1
  shift
  [[ ${#listening_pids[@]} -gt 0 ]] || at_exit stop_listening
  : >"$log"
  "$@" >>"$log" 2>&1 &
  listening_pid=$!
  listening_pids+=("$listening_pid")
  until grep -q 'listening on' "$log"; do
    kill -0 "$listening_pid" 2>/dev/null || fail 1 "$1 ended before it listened" "$(tail -n 5 "$log")"
    sleep 0.1
  done
  listening_url=$(grep -o 'http://[0-9.:]*' "$log" | head -n 1)
}

stop_listening() {
  local pid
  for pid in "${listening_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${listening_pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  listening_pids=()
}

free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  printf '%s' "$port"
}

fetch() {
  local address=${1#http://} connection line
  exec {connection}<>"/dev/tcp/${address%:*}/${address#*:}"
  printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$2" "$address" >&"$connection"
  while IFS= read -r line <&"$connection" && [[ $line != $'\r' ]]; do :; done
  cat <&"$connection"
  exec {connection}<&-
}
