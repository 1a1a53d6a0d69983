# Whole lives of jobs a second (create, charge, admit, submit, settle, with a ledger), beside graphile-worker completing empty
# jobs and pgbench committing single rows: all on one server that writes to its disk, in turn.
# shellcheck shell=bash disable=SC2154

# a_life CONNECTIONS: lives a second on a fresh managed database.
a_life() {
  fresh_managed_database bench
  life_rate bench "$1" "$life_jobs"
}
a_graphile() {
  fresh_database bench
  with_node node "$root/tests/bench/graphile_rate.ts" "$(private_postgres_url bench)" "$1" "$life_jobs" "$2" | number_of jobs_per_second
}
a_commit() {
  fresh_database bench
  bench_psql bench -c 'CREATE TABLE public.one_row (n integer)'
  "$pg_bin/pgbench" -n -f "$root/script/bench.d/single_row.pgbench" -c "$1" -j 2 -T 5 "$(private_postgres_url bench)" 2>/dev/null |
    awk '/^tps/ { printf "%.0f\n", $3 }'
}

bench_life_rate() {
  local connections run way life_jobs=$((10000 / scale))
  heading "rate: $life_jobs whole lives, beside $life_jobs empty jobs of graphile-worker"
  "$root/script/bootstrap" --for test
  "$root/script/build" release life_rate
  declare -A rates
  for connections in 3 24; do
    for way in life graphile_default graphile_tuned commit; do rates["$way"]=''; done
    for ((run = 0; run < runs; run++)); do
      rates[life]+="$(a_life "$connections") "
      rates[graphile_default]+="$(a_graphile "$connections" default) "
      rates[graphile_tuned]+="$(a_graphile "$connections" tuned) "
      rates[commit]+="$(a_commit "$connections") "
    done
    for way in life graphile_default graphile_tuned commit; do took["$way"]=$(tr ' ' '\n' <<<"${rates["$way"]% }" | median); done
    {
      echo "at $connections connections|a second|runs"
      for way in life graphile_default graphile_tuned commit; do echo "${way//_/ }|${took["$way"]}|${rates["$way"]}"; done
    } | column -t -s '|'
    say "Lives are $(ratio "${took[life]}" "${took[graphile_default]}") times graphile-worker's rate by default (wanted: at least 1), $(ratio "${took[life]}" "${took[graphile_tuned]}") times its tuned one, $(ratio "${took[life]}" "${took[commit]}") times single-row commits."
    say
  done
}
