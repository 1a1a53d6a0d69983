# What every script does with its terminal, its logs and its end. Sourced, never run.
# shellcheck shell=bash disable=SC2034

# Colour for people only: not into pipes and files, and not where NO_COLOR asks for none.
if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' dim='' green='' red='' plain=''
fi

heading() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { printf '%s\n' "$*"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }
warn() { printf '%s\n' "$*" >&2; }

# fail CODE WHAT [CURE]: ends the script.
fail() {
  printf '%serror:%s %s\n' "$red" "$plain" "$2" >&2
  [[ -z ${3:-} ]] || printf '  mend: %s\n' "$3" >&2
  exit "$1"
}

# usage_of FILE: the comment block below the first line of FILE, as help.
usage_of() { awk 'NR > 1 && /^#/ { sub(/^# ?/, ""); print; next } NR > 1 { exit }' "$1"; }

# What has to be undone when the script ends, however it ends; the newest first. It may set exit_code.
at_exit_list=()
at_exit() { at_exit_list=("$1" "${at_exit_list[@]}"); }
run_exit_list() {
  local exit_code=$? undo
  # A second Ctrl-C must not stop the clearing up.
  trap '' INT TERM HUP
  for undo in "${at_exit_list[@]}"; do "$undo" || true; done
  exit "$exit_code"
}
trap run_exit_list EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# logged LOG COMMAND...: the output goes to LOG; it is shown when the command fails, and on a terminal its last
# line of progress is shown while it runs.
logged() {
  local log=$1 code=0
  shift
  mkdir -p "$(dirname "$log")"
  if [[ -t 1 ]]; then
    "$@" > >(tee "$log" | awk '/^\[/ { printf "\r\033[K%.70s", $0; fflush() } END { printf "\r\033[K" }') 2>&1 || code=$?
    wait $! 2>/dev/null || true
  else
    "$@" >"$log" 2>&1 || code=$?
  fi
  [[ $code == 0 ]] || cat "$log" >&2
  return "$code"
}

# seconds_since START: whole seconds since START, a value of $EPOCHREALTIME, with one decimal.
seconds_since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }'; }
