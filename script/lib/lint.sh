# The linters that script/test runs. Sourced after console.sh, in the project's root, never run.
# shellcheck shell=bash

# The project's files that match a pattern, each on a line, without what git ignores.
# shellcheck disable=SC2154
project_files() { git -c safe.directory="$root" ls-files --cached --others --exclude-standard -- "$@"; }
cpp_files() { project_files '*.cpp' '*.hpp' | while read -r file; do [[ ! -e $file ]] || echo "$file"; done; }

lint_format() {
  cpp_files | xargs -r clang-format --dry-run -Werror --style=file && return
  warn "mend: git ls-files '*.cpp' '*.hpp' | xargs clang-format -i"
  return 1
}

lint_shell() {
  project_files script .ci wasm tests | while read -r file; do
    if [[ -f $file ]] && { [[ $file == *.sh ]] || head -n 1 "$file" | grep -aq '^#!.*bash'; }; then echo "$file"; fi
  done | xargs -r shellcheck --external-sources --source-path="$root"
}

# clang-tidy over core/ and native/, as the preset debug compiles them. A file is judged again when it, a header of
# ours that it includes, its rules or the tool changed: what was clean is remembered in .local/tidy.
lint_tidy() {
  local cache=$root/.local/tidy
  mkdir -p "$cache"
  local tool
  tool=$(clang-tidy --version | sha256sum)
  ninja -C build/debug -t deps 2>/dev/null | tidy_inputs | while read -r source inputs; do
    [[ -f $source ]] || continue # Made by the build.
    local key
    # shellcheck disable=SC2086
    key=$({ echo "$tool" && cat .clang-tidy $inputs; } | sha256sum | cut -c 1-40)
    [[ -e $cache/$key ]] || printf '%s\0%s\0' "$source" "$cache/$key"
  done | xargs -r -0 -n 2 -P "${JOBS:-$(nproc)}" bash -c 'tidy_one "$@"' tidy_one
}

# Lines "SOURCE INPUT..." of core/ and native/ from what ninja knows of the last compilation of each object.
tidy_inputs() {
  awk -v root="$root/" '
    function tell() { if (source ~ /^(core|native)\//) print source, inputs; source = ""; inputs = "" }
    /^[^ ]/ { tell(); next }
    NF { file = $1; sub("^" root, "", file); sub(/^(\.\.\/)+/, "", file)
         if (file ~ /^(core|native)\//) { if (source == "") source = file; inputs = inputs " " file } }
    END { tell() }' | sort -u
}

# tidy_one SOURCE STAMP: two minutes at most; the stamp is left when the file is clean.
tidy_one() {
  local code=0 said
  said=$(timeout --foreground 120 clang-tidy -p build/debug --quiet --extra-arg=-Wno-unknown-warning-option "$1" 2>/dev/null) || code=$?
  if [[ $code == 0 ]]; then : >"$2" && return; fi
  if [[ $code == 124 ]]; then said="$1: clang-tidy needed more than two minutes"; fi
  printf '%s\n' "$said"
  return 1
}
export -f tidy_one
