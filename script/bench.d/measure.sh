# What all parts of the benchmark share: databases from a template, clocks, medians, tables. Sourced after
# private_postgres.sh, never run.
# shellcheck shell=bash disable=SC2154

scale=${SCALE:-1}
runs=${RUNS:-3}
bench_rows=$((1000000 / scale))
bench_stale=$((100000 / scale))

bench_psql() { "$pg_bin/psql" -XAtq -v ON_ERROR_STOP=1 "$(private_postgres_url "$1")" "${@:2}"; }
bench_sql() { bench_psql "$1" -f "$root/script/bench.d/$2.sql" "${@:3}"; }

# Away from any jobwatchdog.toml but the one that --config names.
bench_jobwatchdog() { (cd "$root/.local/bench" && DATABASE_URL=$(private_postgres_url "$1") exec "$root/build/release/jobwatchdog" "${@:2}"); }

# fresh_database NAME [TEMPLATE]: away with the old one, and everything on disk before the clock starts.
fresh_database() {
  bench_psql postgres -c "SET client_min_messages = error" -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" -c "CREATE DATABASE $1 ${2:+TEMPLATE $2}" -c CHECKPOINT
}

# fresh_managed_database NAME: the same with the managed schema.
fresh_managed_database() {
  fresh_database "$1"
  bench_jobwatchdog "$1" --quiet migrate >/dev/null
}

# life_rate DATABASE CONNECTIONS JOBS: whole lives a second.
life_rate() { "$root/build/release/tests/bench/life_rate" "$(private_postgres_url "$1")" "$2" "$3" | number_of jobs_per_second; }
# number_of NAME: that number of a line of JSON.
number_of() { sed -n "s/.*\"$1\": *\\([0-9]*\\).*/\\1/p"; }

# The managed schema with stale jobs, each with a charge, spread in time over the rows of all four tables. Made once a run.
managed_seed_is_there=no
managed_seed() {
  [[ $managed_seed_is_there == no ]] || return 0
  managed_seed_is_there=yes
  fresh_managed_database bench_seed
  bench_sql bench_seed managed_seed -v rows="$bench_rows" -v stale="$bench_stale"
}

milliseconds_since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.0f\n", (to - from) * 1000 }'; }
median() { sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# measure TEMPLATE EXPECTED COUNT-SQL WAY...: each way in turn on a fresh copy of the template, `runs` times, so that a
# machine that slows down slows all of them; checks that each did the whole work. Sets took[WAY] to the median in ms.
declare -gA took times
measure() {
  local template=$1 expected=$2 count_sql=$3 way run start found
  shift 3
  for way in "$@"; do times[$way]=''; done
  for ((run = 0; run < runs; run++)); do
    for way in "$@"; do
      fresh_database bench "$template"
      start=$EPOCHREALTIME
      "by_$way"
      times[$way]+="$(milliseconds_since "$start") "
      found=$(bench_psql bench -c "$count_sql")
      [[ $found == "$expected" ]] || fail 1 "$way did $found rows instead of $expected"
    done
  done
  for way in "$@"; do took[$way]=$(tr ' ' '\n' <<<"${times[$way]% }" | median); done
}

# tell_ways BASE WAY...: a table of what measure found, as multiples of BASE.
tell_ways() {
  local base=$1 way
  shift
  {
    echo "way|ms|times ${base//_/ }|runs, ms"
    for way in "$@"; do echo "${way//_/ }|${took[$way]}|$(ratio "${took[$way]}" "${took[$base]}")|${times[$way]}"; done
  } | column -t -s '|'
}
