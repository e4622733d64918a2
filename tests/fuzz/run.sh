#!/usr/bin/env bash
# run.sh [--built DIRECTORY] [--seed N] [SECONDS]
# Runs every fuzzer, SECONDS in all, 600 unless they are given; builds them first in build/asan, unless --built says where
# they are. Ends with 1 when one has crashed, leaked, or taken more than ten seconds for one input; the input is kept, and
# the last lines tell where. Meant for every night, with another seed each time; the tests run it for a minute with one that
# stays, so that what they find is what the last change has brought.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
built=
if [ "${1:-}" = --built ]; then
    built=$2
    shift 2
fi
seed=0 # another one each time
if [ "${1:-}" = --seed ]; then
    seed=$2
    shift 2
fi
seconds=${1:-600}
if [ -z "$built" ]; then
    built=$here/../../build/asan/fuzz
    fuzzers=(batch descriptors elf config state csv ndjson)
    (cd "$here/../.." && cmake --preset asan -Wno-dev --log-level=NOTICE &&
        cmake --build --preset asan --target "${fuzzers[@]/#/fuzz_}" -- --quiet)
fi

shopt -s nullglob
programs=("$built"/fuzz_*)
[ "${#programs[@]}" -gt 0 ] || { echo "run.sh: no fuzzers in $built" >&2; exit 1; }
each=$((seconds / ${#programs[@]}))
[ "$each" -gt 0 ] || each=1
failed=()
for program in "${programs[@]}"; do
    name=${program##*/fuzz_}
    corpus=$built/corpus/$name # what it has found stays for the next time
    mkdir -p "$corpus" "$built/found"
    [ -d "$here/seeds/$name" ] || { echo "run.sh: $here/seeds/$name is missing" >&2; exit 1; }
    dictionary=()
    [ ! -e "$here/$name.dict" ] || dictionary=("-dict=$here/$name.dict")
    if "$program" -seed="$seed" -max_total_time="$each" -timeout=10 -rss_limit_mb=3000 -max_len=8192 -print_final_stats=1 \
        -artifact_prefix="$built/found/$name-" "${dictionary[@]}" "$corpus" "$here/seeds/$name" >"$built/$name.log" 2>&1; then
        echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$built/$name.log") inputs," \
            "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$built/$name.log" | tail -1) places reached"
    else
        failed+=("$name")
        echo "FAILED: $name"
        grep -E '^FAILED|ERROR|SUMMARY|runtime error|Test unit written' "$built/$name.log" | head -20 || true
        tail -5 "$built/$name.log"
    fi
done
[ "${#failed[@]}" -eq 0 ] || {
    echo "A fuzzer is run on one input by: $built/fuzz_NAME FILE. Mend it, and put the input into tests/fuzz/seeds/NAME."
    exit 1
}
