#!/usr/bin/env bash
# reference.sh DIRECTORY: makes the reference of leat.h and leat.hpp, HTML, in DIRECTORY; begin at html/index.html.
# Fails on any warning, and when an entry of leat.h does not say which thread calls it, and since when it is there.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
command -v doxygen >/dev/null || { echo "reference.sh: doxygen is missing; packaging/deps.sh installs it" >&2; exit 1; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"
python3 reference/filter.py --check include/leat/leat.h
version=$(sed -n 's/^#define LEAT_ABI_MINOR \([0-9]*\).*/1.\1/p' include/leat/leat.h)
{
    cat reference/Doxyfile
    echo "INPUT = include/leat/leat.h include/leat/leat.hpp"
    echo "INPUT_FILTER = \"python3 reference/filter.py\""
    echo "OUTPUT_DIRECTORY = \"$out\""
    echo "PROJECT_NUMBER = \"ABI $version\""
} | doxygen -
grep -q leat_sink "$out/html/annotated.html" || { echo "reference.sh: leat_sink is not in the reference" >&2; exit 1; }
echo "$out/html/index.html"
