#!/usr/bin/env bash
# reproduce.sh [--against DIR]
# Builds the packages of the last commit twice, from two folders, at two times, without ccache, and compares every byte;
# with --against once, and compares with those in DIR. Takes as long as two builds from nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

against=
case "${1:-}" in
    "") ;;
    --against) against=$(realpath "$2") ;;
    *) echo "reproduce.sh: $1 is not an option; see the head of $0" >&2; exit 2 ;;
esac

work=$(mktemp -d "${TMPDIR:-/tmp}/leat-reproduce.XXXXXX")
trap 'rm -rf "$work"' EXIT
epoch=$(git log -1 --format=%ct)
one() { # FOLDER OUT UMASK LANGUAGE ZONE
    mkdir -p "$work/$1"
    (umask "$3" && git archive HEAD | tar -x -C "$work/$1")
    echo "Building in $work/$1"
    env CCACHE_DISABLE=1 SOURCE_DATE_EPOCH="$epoch" LANG="$4" TZ="$5" \
        bash "$work/$1/packaging/package.sh" --out "$2" >/dev/null
}
if [ -z "$against" ]; then
    against=$work/first
    one a "$against" 022 C.UTF-8 UTC
fi
one another/folder/b "$work/second" 077 de_DE.UTF-8 Pacific/Auckland

code=0
for file in "$work"/second/*; do
    name=$(basename "$file")
    [ -e "$against/$name" ] || { echo "differs: $name is not in $against"; code=1; continue; }
    if cmp -s "$file" "$against/$name"; then
        echo "same: $(sha256sum <"$file" | cut -c1-16) $name"
    else
        echo "differs: $name"
        code=1
    fi
done
exit "$code"
