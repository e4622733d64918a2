#!/usr/bin/env bash
# Kills leat as often as it is told to, and looks whether each row is in its target once.
#
# run.sh [KILLS] [SEED]     by default 2000 kills; build/dev must be built
set -euo pipefail
cd "$(dirname "$0")/../.."
export LEAT_KILLS=${1:-2000}
[[ -z ${2:-} ]] || export LEAT_SEED=$2
build/dev/bin/crash_test --catch_system_errors=no --color_output=no --log_level=message
