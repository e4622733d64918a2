#!/usr/bin/env bash
# tidy.sh [PATTERN]
# Runs clang-tidy 14 with ../.clang-tidy over all sources, or over those whose path matches the extended regular
# expression PATTERN. Not part of run.sh: all of it takes longer than all tests.
set -euo pipefail
cd "$(dirname "$0")/.."

tidy=$(command -v clang-tidy-14) || { echo "tidy.sh: clang-tidy-14 is missing: bash packaging/deps.sh installs it" >&2; exit 1; }
# clang-tidy is clang: it must be told what clang would be told, not gcc.
cmake --preset dev -B build/tidy -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
    -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON --log-level=NOTICE >/dev/null
mapfile -t files < <(python3 -c '
import json, os
entries = json.load(open("build/tidy/compile_commands.json", encoding="utf-8"))
print("\n".join(sorted({os.path.relpath(entry["file"]) for entry in entries})))' | grep -E "${1:-.}")
[ "${#files[@]}" -gt 0 ] || { echo "tidy.sh: no source matches $1" >&2; exit 1; }

# Each file once, on all cores; one that fails does not keep the others from being checked.
count='^[0-9]+ (warning|error).* generated'
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 timeout 10m "$tidy" --quiet -p build/tidy 2> >(grep -vE "$count" >&2) ||
    { echo "${#files[@]} files checked, not all are clean"; exit 1; }
echo "${#files[@]} files checked, all clean"
