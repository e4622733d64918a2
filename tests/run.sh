#!/usr/bin/env bash
# tests/run.sh [--quick]
# Installs what is missing, builds everything, and runs all tests; --quick leaves out the sanitizers and the demo.
# The tests of the dev build come last, so that ctest's summary of all of them ends the output. Exits 1 when anything
# failed. Every step has a limit: a hang is a failure, never a wait.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
    "") sanitizers=yes ;;
    --quick) sanitizers= ;;
    *) echo "run.sh: $1 is not an option; see the head of $0" >&2; exit 2 ;;
esac

jobs=$(nproc)
failures=()
# At a terminal, Ctrl-C must reach the step; without one, its whole process group is ended at the limit.
limited=(timeout --kill-after=30s)
[ ! -t 0 ] || limited+=(--foreground)

# step NAME LIMIT COMMAND...: false when it failed.
step() {
    local name=$1 limit=$2 code=0
    shift 2
    echo "=== $name (at $((SECONDS / 60)) min $((SECONDS % 60)) s)"
    "${limited[@]}" "$limit" "$@" || code=$?
    if [ "$code" -eq 124 ] || [ "$code" -eq 137 ]; then
        failures+=("$name (not done after $limit)")
    elif [ "$code" -ne 0 ]; then
        failures+=("$name (exit code $code)")
    fi
    return "$code"
}
finish() {
    [ "${#failures[@]}" -eq 0 ] && exit 0
    printf '=== FAILED: %s\n' "${failures[@]}"
    exit 1
}

# run_tests PRESET CTEST-OPTION...: false when one failed. Names the case in which a test crashed or was killed.
run_tests() {
    local code=0 file
    rm -f "build/$1/Testing/"*.running
    step "$1: tests" 30m ctest --preset "$@" -j "$jobs" || code=$?
    for file in "build/$1/Testing/"*.running; do
        [ ! -e "$file" ] || echo "$(basename "$file" .running) did not come to its end: $(cat "$file")"
    done
    return "$code"
}

build() { # PRESET [--target TARGET...]
    step "$1: configure" 5m cmake --preset "$1" -D LEAT_TESTS_IN_ONE_PIECE=ON -Wno-dev --log-level=NOTICE &&
        step "$1: build" 40m cmake --build --preset "$@" -- -k 0 --quiet
}

step "packages" 20m bash packaging/deps.sh || finish
build dev || finish # what does not compile here compiles nowhere
# Compilers and files have nothing that a sanitizer could see, and plugins that crash and leak on purpose too much.
# Threads are the business of the host alone; what a kill leaves behind has nothing to do with them.
if [ -n "$sanitizers" ] && build asan; then
    run_tests asan -LE '^(abi|tree|packaging|conformance)$' -E '^sdk_readme$' || true
fi
if [ -n "$sanitizers" ] && build tsan --target tests_unit tests_integration; then
    run_tests tsan -L '^(unit|integration)$' -E '^crash_test$' || true
fi
# The optimised build, as a new user gets it.
[ -z "$sanitizers" ] || step "demo" 30m bash packaging/demo.sh || true
[ "${#failures[@]}" -eq 0 ] || printf '=== FAILED so far: %s\n' "${failures[@]}"
run_tests dev || finish
[ "${#failures[@]}" -eq 0 ] || finish
