#!/usr/bin/env bash
# format.sh [--fix]
# Names the C and C++ files that clang-format 14 would change; --fix changes them.
set -euo pipefail
cd "$(dirname "$0")/.."

# Another version formats otherwise, so that every file would be found wrong.
formatter=$(command -v clang-format-14 || command -v clang-format) || formatter=
case $("${formatter:-true}" --version) in
    *" version 14."*) ;;
    *) echo "format.sh: needs clang-format 14 (packaging/deps.sh installs it), found: ${formatter:-none}" >&2; exit 1 ;;
esac

mapfile -t files < <(find host sdk plugins tests packaging -name '*.[ch]' -o -name '*.[ch]pp' | LC_ALL=C sort)
[ "${#files[@]}" -gt 0 ] || { echo "format.sh: no files found in $PWD" >&2; exit 1; }
if [ "${1:-}" = --fix ]; then
    exec "$formatter" -i "${files[@]}"
fi
if found=$("$formatter" --dry-run -Werror "${files[@]}" 2>&1); then
    echo "${#files[@]} files, all formatted"
    exit 0
fi
wrong=$(sed -nE 's/^([^:]+):[0-9]+:[0-9]+: error: code should be clang-formatted.*/\1/p' <<<"$found" | uniq)
printf '%s\nTo mend it: bash tests/format.sh --fix\n' "${wrong:-$found}"
exit 1
