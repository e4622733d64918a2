#!/usr/bin/env bash
# readme_test.sh README BUILD_DIRECTORY
# Does what sdk/README.md says, outside the tree, against an installed SDK that was moved: every code block is
# compiled, every command is run, and the plugin of the first page runs in a pipeline.
set -euo pipefail
readme=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --component sdk --prefix "$work/installed" >/dev/null
mv "$work/installed" "$work/moved"
export PKG_CONFIG_PATH=$work/moved/share/pkgconfig CMAKE_PREFIX_PATH=$work/moved PATH=$build/bin:$PATH
unset CFLAGS CXXFLAGS LDFLAGS

# A block is ```language name: a file (blocks of one file follow each other in it), "run", or "fragment", which is the
# body of a function with `ctx` and `in`. Blocks without a name are data for other programs.
mkdir "$work/plugin"
awk -v dir="$work/plugin" '
    /^```[a-z]+ / { name = $2; block++; if (name == "run") name = sprintf("run%02d.sh", block)
                    if (name == "fragment") name = sprintf("fragment%02d.inc", block); next }
    /^```/        { name = ""; next }
    name != ""    { print > (dir "/" name) }
' "$readme"

cd "$work/plugin"
for expected in hello.c hello.yaml hello.cpp hello_test.cpp CMakeLists.txt; do
    [ -s "$expected" ] || { echo "FAILED: the README has no $expected" >&2; exit 1; }
done
runs=0 fragments=0
for script in run*.sh; do
    sh -e "$script" | tee -a output
    runs=$((runs + 1))
done
for fragment in fragment*.inc; do
    printf '#include <leat/leat.hpp>\nvoid f(leat::context& ctx, leat::batch& in) {\n(void)in;\n#include "%s"\n}\n' \
        "$fragment" >"$fragment.cpp"
    g++ -std=c++17 -Wall -Wextra -pedantic -Wshadow -Werror -fvisibility=hidden -fsyntax-only \
        $(pkg-config --cflags leat) "$fragment.cpp"
    fragments=$((fragments + 1))
done

# The folder that it makes finds the installed SDK when it has none of its own.
rm -r acme/include
make -s -C acme clean test

# What the README says that the pipeline prints.
rows=$(grep '^{' output)
[ "$rows" = '{"id":1}
{"id":2}
{"id":3}' ] || { echo "FAILED: the pipeline printed, instead of three rows: $rows" >&2; exit 1; }

# The three ways to build gave three plugins with the same one symbol; plain gcc and pkg-config gave no more.
for plugin in hello.so hello_cpp.so build/hello.so; do
    nm -D --defined-only "$plugin" | grep -q ' T leat_plugin_v1$' || { echo "FAILED: $plugin exports no leat_plugin_v1" >&2; exit 1; }
done
for plugin in hello_cpp.so build/hello.so; do
    [ "$(nm -D --defined-only "$plugin" | wc -l)" = 1 ] || { echo "FAILED: $plugin exports more" >&2; exit 1; }
done
echo "$runs commands run, $fragments fragments compiled"
[ "$runs" -ge 4 ] && [ "$fragments" -ge 4 ]
