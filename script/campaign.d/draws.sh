# What both kinds of campaign draw and do: moments, failpoints, a crash of the server, a look into a database. Sourced by
# script/campaign.
# shellcheck shell=bash disable=SC2034,SC2154

# psql_on DATABASE ARGUMENT...
psql_on() { local database=$1 && shift && "$pg_bin/psql" -XAtq -v ON_ERROR_STOP=1 "$(private_postgres_url "$database")" "$@"; }

# draw MAX: sets drawn to 0..MAX-1.
draw() { drawn=$(((RANDOM * 32768 + RANDOM) % $1)); }

# rest MILLISECONDS
rest() { sleep "$(($1 / 1000)).$(printf '%03d' $(($1 % 1000)))"; }

# find_failpoints SOURCE...: sets failpoints to the names that they have.
find_failpoints() {
  mapfile -t failpoints < <(grep -hoE '\bfailpoint\("[a-z_]+"\)' "$@" | sed 's/.*"\(.*\)".*/\1/' | sort -u)
  [[ ${#failpoints[@]} -ge 6 ]] || fail 1 "the failpoints were not found in $*" "does the source still call failpoint(\"NAME\")?"
}

# draw_failpoint NUMBER PASSING_MAX: sets failpoint to NAME@PASSING, each name at its first passing first.
draw_failpoint() {
  draw "$2"
  [[ $1 -ge ${#failpoints[@]} ]] || drawn=0
  failpoint=${failpoints[$1 % ${#failpoints[@]}]}@$((drawn + 1))
}

# crash_server: an immediate stop and a restart with recovery.
crash_server() {
  private_postgres_crash
  private_postgres_restart
  happened_count=$((happened_count + 1))
}
