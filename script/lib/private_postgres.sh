# A private PostgreSQL 15 cluster: made, started and stopped by one script, for that script alone. Sourced after
# console.sh, never run.
#
#   private_postgres_start DIR [--tcp] [LINE...]   LINEs are lines of postgresql.conf
#       sets PRIVATE_POSTGRES_URL (superuser postgres, database postgres), PRIVATE_POSTGRES_DATA,
#       PRIVATE_POSTGRES_SOCKET_DIR, PRIVATE_POSTGRES_PORT, PRIVATE_POSTGRES_LOG
#   private_postgres_url DATABASE                  the URL of another database of it
#   private_postgres_stop                          runs by itself when the script ends, however it ends
#   private_postgres_crash                         an immediate stop: nothing is written any more, sessions are cut
#   private_postgres_wait                          until it is gone, whoever ended it
#   private_postgres_restart                       starts it again after a crash, on the same port, and waits until it
#                                                  has recovered
#
# The cluster listens on a socket in a directory that nobody else may enter, and there it trusts everyone. With --tcp
# it also listens on 127.0.0.1, on a free port, and there it wants a password. It dies with the script, even with one
# that is killed. Its data is a convenience, never a treasure: what cannot be used is made again.
# shellcheck shell=bash disable=SC2034

pg_bin=/usr/lib/postgresql/15/bin
postgres_pid=
# The command that PostgreSQL runs under: it refuses to run as root.
postgres_runner=()

# What the caller's environment says of databases is not meant for this cluster.
unset "${!PG@}" DATABASE_URL

private_postgres_url() {
  printf 'postgresql://postgres@/%s?host=%s&port=%s' "$1" "$(percent_encoded "$PRIVATE_POSTGRES_SOCKET_DIR")" "$PRIVATE_POSTGRES_PORT"
}

percent_encoded() {
  local LC_ALL=C text=$1 out='' i
  for ((i = 0; i < ${#text}; i++)); do
    case ${text:i:1} in
      [a-zA-Z0-9/._-]) out+=${text:i:1} ;;
      *) out+=$(printf '%%%02X' "'${text:i:1}" | sed 's/%FFFFFFFFFFFFFF/%/') ;;
    esac
  done
  printf '%s' "$out"
}

private_postgres_start() {
  local home=$1 tcp=no
  [[ -z $postgres_pid ]] || return 0
  shift
  if [[ ${1-} == --tcp ]]; then tcp=yes && shift; fi
  at_exit private_postgres_stop
  take_cluster "$home"
  find_home "$home"
  end_forgotten_server
  make_socket_dir
  if ! cluster_is_usable; then make_cluster; fi
  if ! start_server "$tcp" "$@"; then
    ! grep -q 'configuration file .* contains errors' "$PRIVATE_POSTGRES_LOG" ||
      fail 1 "PostgreSQL refuses its settings" "$(head -n 5 "$PRIVATE_POSTGRES_LOG")"
    warn "The private cluster does not start; it is made again. What it said is in $PRIVATE_POSTGRES_LOG.old"
    cp "$PRIVATE_POSTGRES_LOG" "$PRIVATE_POSTGRES_LOG.old"
    make_cluster
    start_server "$tcp" "$@" || fail 1 "the private cluster does not start" "$(tail -n 5 "$PRIVATE_POSTGRES_LOG")"
  fi
  PRIVATE_POSTGRES_URL=$(private_postgres_url postgres)
}

# One script at a time works with one cluster.
take_cluster() {
  mkdir -p "$1"
  exec {postgres_lock}>"$1/lock"
  flock --nonblock "$postgres_lock" || fail 1 "another run uses $1" "let it end first"
}

# Decides where the cluster lives and who runs it: sets postgres_home and postgres_runner.
find_home() {
  postgres_home=$1
  postgres_runner=(setpriv --pdeathsig INT --)
  [[ $EUID == 0 ]] || return 0
  id postgres >/dev/null 2>&1 || fail 1 "there is no user postgres to run PostgreSQL as" "run script/bootstrap"
  local as_postgres=(setpriv --reuid postgres --regid postgres --clear-groups)
  # A folder that only root may enter (/root is one) stops the user postgres. One capability lets it pass where the
  # kernel grants it; else the data goes where everyone may walk.
  local may_pass=(--inh-caps +dac_override --ambient-caps +dac_override)
  chown postgres: "$1"
  # stat, not test -w: access(2) asks for the real user's rights and leaves capabilities out.
  if (cd / && "${as_postgres[@]}" stat "$1/.") >/dev/null 2>&1; then
    postgres_runner=("${as_postgres[@]}" --pdeathsig INT --)
  elif (cd / && "${as_postgres[@]}" "${may_pass[@]}" stat "$1/.") >/dev/null 2>&1; then
    postgres_runner=("${as_postgres[@]}" "${may_pass[@]}" --pdeathsig INT --)
  else
    postgres_runner=("${as_postgres[@]}" --pdeathsig INT --)
    find_home_elsewhere "$1"
  fi
}

# The place is drawn at random, so that nobody can be there first, and remembered for the next run.
find_home_elsewhere() {
  chown root: "$1"
  postgres_home=$(cat "$1/elsewhere" 2>/dev/null || true)
  if [[ -z $postgres_home || ! -d $postgres_home || -L $postgres_home || $(stat -c %U "$postgres_home") != postgres ]]; then
    postgres_home=$(mktemp -d /var/tmp/jobwatchdog.XXXXXXXX)
    chown postgres: "$postgres_home"
    printf '%s\n' "$postgres_home" >"$1/elsewhere"
  fi
  say "The user postgres cannot enter $1: the data is in $postgres_home"
}

# A server that a killed run left behind is ended; a note of one that is long gone is removed. Its number may belong to
# another process by now, which PostgreSQL would take for a living server and we must not touch.
end_forgotten_server() {
  local data=$postgres_home/data pid
  pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null || true)
  [[ -n $pid ]] || return 0
  if [[ $(readlink "/proc/$pid/cwd") == "$(readlink -f "$data")" ]]; then
    end_server "$pid"
  fi
  rm -f "$data/postmaster.pid"
}

# The path of a socket must be shorter than 108 bytes, with its file's name.
make_socket_dir() {
  PRIVATE_POSTGRES_SOCKET_DIR=$postgres_home/socket
  rm -rf "$PRIVATE_POSTGRES_SOCKET_DIR"
  if [[ $(LC_ALL=C; echo ${#PRIVATE_POSTGRES_SOCKET_DIR}) -gt 90 ]]; then
    PRIVATE_POSTGRES_SOCKET_DIR=$(mktemp -d /tmp/jobwatchdog.XXXXXXXX)
    at_exit remove_socket_dir
  else
    mkdir -m 0700 "$PRIVATE_POSTGRES_SOCKET_DIR"
  fi
  [[ $EUID != 0 ]] || chown postgres: "$PRIVATE_POSTGRES_SOCKET_DIR"
}
remove_socket_dir() { rm -rf "$PRIVATE_POSTGRES_SOCKET_DIR"; }

cluster_is_usable() {
  local data=$postgres_home/data owner=$EUID
  [[ $EUID != 0 ]] || owner=$(id -u postgres)
  [[ $(cat "$data/PG_VERSION" 2>/dev/null) == 15 && $(stat -c %u "$data") == "$owner" ]]
}

# Made under another name and renamed, so that a cluster is whole or not there.
make_cluster() {
  local data=$postgres_home/data
  rm -rf "$data" "$data.new" || fail 1 "an old cluster cannot be removed: $data" "remove it as its owner"
  run_and_wait "$pg_bin/initdb" -D "$data.new" -U postgres -E UTF8 --locale=C.UTF-8 -A trust --data-checksums --no-sync \
    --no-instructions >"$postgres_home/initdb.log" 2>&1 || fail 1 "initdb failed" "$(tail -n 5 "$postgres_home/initdb.log")"
  cat >"$data.new/pg_hba.conf" <<<$'local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 scram-sha-256'
  printf "\ninclude_if_exists = 'private.conf'\n" >>"$data.new/postgresql.conf"
  mv "$data.new" "$data"
}

# In the background and waited for, so that a signal is heard at once and not when the command has ended.
run_and_wait() {
  local code=0
  (cd / && exec "${postgres_runner[@]}" "$@") {postgres_lock}>&- &
  postgres_pid=$!
  wait "$postgres_pid" || code=$?
  postgres_pid=
  return "$code"
}

# start_server TCP LINE...
start_server() {
  local tcp=$1 attempt
  shift
  PRIVATE_POSTGRES_DATA=$postgres_home/data
  PRIVATE_POSTGRES_LOG=$postgres_home/postgres.log
  for attempt in 1 2 3 4 5; do
    PRIVATE_POSTGRES_PORT=5432
    if [[ $tcp == yes ]]; then PRIVATE_POSTGRES_PORT=$(free_port); fi
    write_settings "$tcp" "$@"
    launch_server
    if wait_until_ready; then return 0; fi
    # Somebody took the port in between: another one is drawn.
    [[ $tcp == yes ]] && grep -q 'could not bind' "$PRIVATE_POSTGRES_LOG" || return 1
    : "$attempt"
  done
  return 1
}

write_settings() {
  local tcp=$1
  shift
  {
    printf "unix_socket_directories = '%s'\n" "${PRIVATE_POSTGRES_SOCKET_DIR//\'/\'\'}"
    printf "port = %s\n" "$PRIVATE_POSTGRES_PORT"
    printf "listen_addresses = '%s'\n" "$([[ $tcp == no ]] || echo 127.0.0.1)"
    printf "timezone = 'UTC'\nlog_timezone = 'UTC'\n"
    [[ $# == 0 ]] || printf '%s\n' "$@"
  } >"$PRIVATE_POSTGRES_DATA/private.conf"
  [[ $EUID != 0 ]] || chown postgres: "$PRIVATE_POSTGRES_DATA/private.conf"
  # What an earlier run set by ALTER SYSTEM is gone with that run.
  : >"$PRIVATE_POSTGRES_DATA/postgresql.auto.conf"
}

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
  done
  echo "$port"
}

# A session of its own, so that Ctrl-C reaches this script first and the server is stopped in order.
launch_server() {
  : >"$PRIVATE_POSTGRES_LOG"
  (cd / && exec setsid "${postgres_runner[@]}" "$pg_bin/postgres" -D "$PRIVATE_POSTGRES_DATA") \
    >>"$PRIVATE_POSTGRES_LOG" 2>&1 </dev/null {postgres_lock}>&- &
  postgres_pid=$!
}

wait_until_ready() {
  local try
  for ((try = 0; try < 1200; try++)); do
    if "$pg_bin/pg_isready" -q -h "$PRIVATE_POSTGRES_SOCKET_DIR" -p "$PRIVATE_POSTGRES_PORT"; then return 0; fi
    if ! kill -0 "$postgres_pid" 2>/dev/null; then break; fi
    sleep 0.05
  done
  private_postgres_stop
  return 1
}

private_postgres_stop() {
  [[ -n $postgres_pid ]] || return 0
  end_server "$postgres_pid"
  wait "$postgres_pid" 2>/dev/null || true
  postgres_pid=
}

private_postgres_crash() {
  kill -QUIT "$postgres_pid" 2>/dev/null || true
  private_postgres_wait
}

private_postgres_wait() { wait "$postgres_pid" 2>/dev/null || true; }

private_postgres_restart() {
  launch_server
  wait_until_ready || fail 1 "the private cluster does not recover from its crash" "$(tail -n 5 "$PRIVATE_POSTGRES_LOG")"
}

# end_server PID: fast; after 20 seconds immediate, which PostgreSQL repairs at its next start.
end_server() {
  kill -INT "$1" 2>/dev/null || return 0
  gone_within 20 "$1" && return 0
  kill -QUIT "$1" 2>/dev/null || return 0
  gone_within 10 "$1" && return 0
  kill -KILL "$1" 2>/dev/null || true
}

gone_within() {
  local try
  for ((try = 0; try < $1 * 20; try++)); do
    # A zombie has ended: it only waits to be asked for its exit code.
    if ! kill -0 "$2" 2>/dev/null || grep -qs '^State:.Z' "/proc/$2/status"; then return 0; fi
    sleep 0.05
  done
  return 1
}
