#!/usr/bin/env bash
# Random plans, on the real pools and thread by thread, with new seeds again and again; counts every row.
#
# soak.sh [MINUTES] [PRESET]     by default 10 minutes of build/dev, which must be built; tsan works too
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-10}
preset=${2:-dev}
bin=build/$preset/bin
until=$((SECONDS + 60 * minutes))
rounds=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

run() { # BINARY TEST: one round; its output only if it fails
    if ! LEAT_SIMULATIONS=20 timeout 1200 "$bin/$1" --catch_system_errors=no --color_output=no --run_test="$2" >"$log" 2>&1; then
        cat "$log"
        echo "soak: $1 failed in round $rounds; the line with seed= above runs it again: RC_PARAMS=\"seed=...\"" >&2
        exit 1
    fi
}

while ((SECONDS < until)); do
    rounds=$((rounds + 1))
    run unit_runtime_test flow/random_plans_hold_on_the_real_pools
    run unit_runtime_test typed_pipeline/settles_every_item_once_whatever_happens
    run unit_runtime_test bucket/rows_are_conserved_with_many_threads
    [[ ! -x $bin/simulation_test ]] || run simulation_test engine/random_plans_hold_in_any_order
    echo "soak: round $rounds, $((until > SECONDS ? (until - SECONDS) / 60 : 0)) minutes to go"
done
echo "soak: $rounds rounds without a lost row"
