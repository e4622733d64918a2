#!/usr/bin/env bash
# compile_headers.sh INCLUDE SOURCES RELEASED GCC G++ CLANG CLANG++
# Compiles every file of SOURCES under every standard that the header promises, and the tables in RELEASED as static
# assertions. No compiler is left out.
set -euo pipefail
include=$1 sources=$2 released=$3 gcc=$4 gxx=$5 clang=$6 clangxx=$7
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warnings=(-Wall -Wextra -pedantic -Wshadow -Werror -fsyntax-only "-I$include" "-I$sources")
failures=0
compiled=0
layouts=()

# try COMPILER LANGUAGE STANDARD FILE [flag...]
try() {
    local compiler=$1 language=$2 standard=$3 file=$4
    shift 4
    compiled=$((compiled + 1))
    [[ $file == /* ]] || file=$sources/$file
    if ! "$compiler" -x "$language" "-std=$standard" "${warnings[@]}" "$@" "$file"; then
        echo "FAILED: $compiler -std=$standard $file $*" >&2
        failures=$((failures + 1))
    fi
}

for table in "$released"/1.*/layout.txt; do
    name=$work/$(basename "$(dirname "$table")").h
    python3 "$(dirname "$0")/layout.py" asserts "$table" >"$name"
    grep -q offsetof "$name" || { echo "FAILED: $table made no assertions" >&2; exit 1; }
    layouts+=("$name")
done

# -Wpadded is the test that no struct of the ABI has a hole.
for standard in c99 c11 c17 c2x; do
    for compiler in "$gcc" "$clang"; do
        for file in twice.h arrow_before.h arrow_after.h; do try "$compiler" c "$standard" "$file" -Wpadded; done
    done
done
for standard in c11 c17 c2x; do
    for compiler in "$gcc" "$clang"; do
        for file in "${layouts[@]}"; do try "$compiler" c "$standard" "$file"; done
    done
done
for standard in c++11 c++14 c++17 c++20; do
    for compiler in "$gxx" "$clangxx"; do
        for file in twice.h arrow_before.h arrow_after.h; do try "$compiler" c++ "$standard" "$file" -Wpadded; done
        for file in "${layouts[@]}"; do try "$compiler" c++ "$standard" "$file"; done
    done
done
for standard in c++17 c++20; do
    for compiler in "$gxx" "$clangxx"; do
        try "$compiler" c++ "$standard" wrapper_twice.h -fvisibility=hidden -Wnon-virtual-dtor
    done
done

# An entry that may throw must not fit into a table.
if "$gxx" -x c++ -std=c++17 "${warnings[@]}" "$sources/throwing_entry.h" 2>/dev/null; then
    echo "FAILED: a table took an entry that is not noexcept" >&2
    failures=$((failures + 1))
fi
# The same file is fine when a host asks for plain pointers.
try "$gxx" c++ c++17 throwing_entry.h -DLEAT_NOEXCEPT=

echo "$compiled compilations, $failures failures"
[ "$failures" -eq 0 ]
