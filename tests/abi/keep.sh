#!/usr/bin/env bash
# keep.sh: keeps what a new minor version is, once it is done: header and table (layout.py), and on x86_64 a plugin that
# was compiled against it. What is kept already stays as it is.
set -euo pipefail
cd "$(dirname "$0")"
python3 layout.py keep ../../sdk/include released
for version in released/1.*; do
    kept=$version/x86_64/kept.so
    [ ! -e "$kept" ] || continue
    [ "$(uname -m)" = x86_64 ] || { echo "keep.sh: run this on x86_64 too; $kept is missing" >&2; exit 1; }
    mkdir -p "$(dirname "$kept")"
    # Small, since it stays in history for ever.
    gcc -std=c99 -Os -s -shared -fPIC -fvisibility=hidden -Wl,-z,noseparate-code "-I$version" '-DPLUGIN_ID="kept"' \
        plugins/every_kind.c -o "$kept"
    echo "kept $kept, $(stat -c %s "$kept") bytes"
done
