#!/usr/bin/env bash
# exported_symbols.sh complete|sanitized HOST DIRECTORY...
# Every plugin exports leat_plugin_v1 and nothing else, shares nothing with other plugins, and lacks nothing. The host
# exports nothing that a plugin could take for its own.
set -euo pipefail
linkage=$1 host=$2
shift 2
failures=0
plugins=0
fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}
if [ "$linkage" = complete ]; then # a sanitizer's runtime is in the host, for plugins to find it there
    # The linker copies some of the C++ runtime's own objects into the program, under the version of the runtime.
    exported=$(nm -D --defined-only "$host" | awk '$3 !~ /@(GLIBCXX|CXXABI)_[0-9.]+$/ && ++n <= 5 {print $3}')
    [ -z "$exported" ] || fail "$host exports: $exported"
    [ -n "$(nm "$host")" ] || fail "$host has no symbol at all, so that this test sees nothing"
fi
for directory in "$@"; do
    for plugin in "$directory"/*.so; do
        [ -e "$plugin" ] || { fail "$directory has no plugins: build them first"; continue; }
        plugins=$((plugins + 1))
        exported=$(nm -D --defined-only "$plugin" | awk '{print $2, $3}')
        [ "$exported" = "T leat_plugin_v1" ] || fail "$plugin exports, instead of leat_plugin_v1 alone: $exported"
        # A unique symbol (u) is one for the whole process, whoever else defines it.
        unique=$(nm "$plugin" 2>/dev/null | awk '$2 == "u" {print $3}')
        [ -z "$unique" ] || fail "$plugin has unique symbols: $unique"
        if [ "$linkage" = complete ]; then
            missing=$(ldd -r "$plugin" 2>&1 | grep -E 'undefined symbol|not found' || true)
            [ -z "$missing" ] || fail "$plugin lacks: $missing"
        fi
    done
done
echo "$plugins plugins, $failures failures"
[ "$failures" -eq 0 ]
