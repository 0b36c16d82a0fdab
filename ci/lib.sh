# Sourced by the scripts beside it: strict mode, the project's root as working directory, progress with elapsed time.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null

started=${FURROW_STARTED:-$(date +%s)}
export FURROW_STARTED=$started

# say TEXT..: one line of progress, with the time since the outermost script began.
say() {
  local passed=$(($(date +%s) - started))
  printf '[%3d:%02d] %s\n' $((passed / 60)) $((passed % 60)) "$*"
}

# quietly LOG COMMAND..: runs COMMAND with its output in LOG; shows the end of it and gives up where it fails.
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  if ! "$@" >"$log" 2>&1; then
    tail -n 60 "$log"
    say "failed: $* (all of it in $log)"
    exit 1
  fi
}

# build PRESET [TARGET..]: configures and builds.
build() {
  local preset=$1
  shift
  say "building $preset"
  quietly "build/logs/$preset-configure.log" cmake --preset "$preset"
  quietly "build/logs/$preset-build.log" build_twice "$preset" "$@"
}
# A test program is asked for its cases the moment it is linked, which the kernel may refuse as busy: once more, then.
build_twice() {
  local preset=$1
  shift
  cmake --build --preset "$preset" ${@:+--target "$@"} || cmake --build --preset "$preset" ${@:+--target "$@"}
}

# beside LOG COMMAND..: quietly, and beside as many others as there are processors left; all_done waits for all of them.
beside() {
  while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n; done
  quietly "$@" &
}
all_done() {
  while (($(jobs -p | wc -l) > 0)); do wait -n; done
}
