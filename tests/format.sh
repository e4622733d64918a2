#!/usr/bin/env bash
# Says which C and C++ files clang-format 14 would change. To change them: tests/format.sh --fix
set -euo pipefail
cd "$(dirname "$0")/.."

# Another version formats otherwise, so that every file would be found wrong.
formatter=$(command -v clang-format-14 || command -v clang-format) || formatter=
case $("${formatter:-true}" --version) in
    *" version 14."*) ;;
    *) echo "format.sh: needs clang-format 14 (packaging/deps.sh installs it), found: ${formatter:-none}" >&2; exit 1 ;;
esac

mapfile -t files < <(find host sdk plugins tests -name '*.[ch]' -o -name '*.[ch]pp' | LC_ALL=C sort)
[ "${#files[@]}" -gt 0 ] || { echo "format.sh: no files found in $PWD" >&2; exit 1; }
if [ "${1:-}" = --fix ]; then
    exec "$formatter" -i "${files[@]}"
fi
wrong=()
# All at once is fast; one by one only when something is wrong, to name the files.
if ! "$formatter" --dry-run -Werror "${files[@]}" 2>/dev/null; then
    for file in "${files[@]}"; do
        "$formatter" --dry-run -Werror "$file" 2>/dev/null || wrong+=("$file")
    done
    printf '%s: not formatted; run bash tests/format.sh --fix\n' "${wrong[@]}"
fi
echo "${#files[@]} files, ${#wrong[@]} not formatted"
[ "${#wrong[@]}" -eq 0 ]
