#!/usr/bin/env bash
# tidy.sh [BUILD_DIRECTORY [PATTERN]]
# Runs clang-tidy 14 with ../.clang-tidy over all sources that the build (build/dev) compiles, or those whose path
# matches the extended regular expression PATTERN.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/dev} pattern=${2:-.}

tidy=$(command -v clang-tidy-14) || { echo "tidy.sh: clang-tidy-14 is missing: bash packaging/deps.sh installs it" >&2; exit 1; }
commands=$build/compile_commands.json
[ -f "$commands" ] || { echo "tidy.sh: $commands is missing: cmake --preset dev makes it" >&2; exit 1; }

mapfile -t files < <(python3 -c '
import json, os, sys
root = os.getcwd()
entries = json.load(open(sys.argv[1], encoding="utf-8"))
print("\n".join(sorted({os.path.relpath(entry["file"], root) for entry in entries})))' "$commands" | grep -E "$pattern")
# Each file once, on all cores; one that fails does not keep the others from being checked. gcc has warnings that clang
# does not know.
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 timeout 10m "$tidy" --quiet -p "$build" \
    --extra-arg=-Wno-unknown-warning-option 2> >(grep -vE '^[0-9]+ (warning|error)s?.*generated' >&2) || { echo "${#files[@]} files checked, not all are clean"; exit 1; }
echo "${#files[@]} files checked, all clean"
