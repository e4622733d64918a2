#!/usr/bin/env bash
# windows.sh [--no-tests]
# Cross-builds Leat for Windows with mingw-w64 on Debian 12, runs unit suites under Wine, and makes a ZIP in
# build/packages, which is tried from a fresh folder: the main pipeline, also killed, and plugins built against the SDK in
# it. README.md has what is not there on Windows.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

tests=yes
for option in "$@"; do
    case $option in
        --no-tests) tests= ;;
        *) echo "windows.sh: $option is not an option; see the head of $0" >&2; exit 2 ;;
    esac
done

fail() {
    echo "windows.sh: $1" >&2
    exit 1
}

bash packaging/deps.sh --windows
echo "Building the libraries for Windows in build/windows-libraries; the first time takes some minutes"
bash packaging/windows/libraries.sh build/windows-libraries
echo "Building Leat for Windows in build/windows; the first time takes some minutes"
cmake --preset windows >build/windows.log 2>&1 || { tail -n 40 build/windows.log >&2; fail "cmake failed; see above"; }
cmake --build --preset windows -- --quiet

wine=$(command -v wine64 || command -v /usr/lib/wine/wine64 || command -v wine) || fail "there is no Wine; run packaging/deps.sh --windows"
export WINEPREFIX=$root/build/windows/wine WINEDEBUG=-all LC_ALL=C.UTF-8
# Makes the folder that stands for a Windows; what it misses there, nothing of ours needs.
DISPLAY= timeout 300 "$wine" cmd /c exit >build/wine.log 2>&1 || { cat build/wine.log >&2; fail "Wine does not start"; }

[ -z "$tests" ] || ctest --preset windows

# --- the ZIP
version=$(sed -n 's/^project(leat VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
name=leat-$version-windows-x86_64
stage=build/windows/stage/$name
rm -rf build/windows/stage
for component in host sdk; do
    cmake --install build/windows --prefix "$stage" --component $component --strip >/dev/null
done
cp -r LICENSE CHANGELOG.md packaging/copyright "$stage/"
mkdir -p "$stage/examples"
cp config/examples/data/birdstrikes.csv "$stage/examples/"
cat >"$stage/examples/birdstrikes.yaml" <<'EOF'
# Ten thousand wildlife strikes on aircraft, from the FAA's CSV into NDJSON. In this folder: ..\bin\leat run birdstrikes.yaml
version: 1
pipelines:
  birdstrikes:
    extract: { csv: { path: birdstrikes.csv, types: { Flight Date: date } } }
    load: { ndjson: { path: birdstrikes.ndjson } }
EOF
mkdir -p build/packages
zip=$root/build/packages/$name.zip
rm -f "$zip"
(cd build/windows/stage && cmake -E tar cf "$zip" --format=zip "$name")

# --- and what somebody who gets it does
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
cd "$fresh"
cmake -E tar xf "$zip"
cd "$name/examples"
leat() {
    timeout 120 "$wine" ../bin/leat.exe "$@"
}
[ "$(leat --version)" = "leat $version" ] || fail "the program in the ZIP does not tell its version"
listed=$(leat plugin list)
for plugin in csv generate ndjson null stdout; do
    grep -q "^$plugin " <<<"$listed" || fail "the program in the ZIP does not find the plugin $plugin"
done
leat plugin check ../lib/leat/plugins/csv.dll | tail -n 1
leat run birdstrikes.yaml
rows=$(($(grep -c '' birdstrikes.csv) - 1))
[ "$(wc -l <birdstrikes.ndjson)" -eq "$rows" ] || fail "birdstrikes.csv has $rows rows, birdstrikes.ndjson others"
# A second run finds nothing new, as the checkpoint of the first says.
leat run birdstrikes.yaml --json | tail -n 1 | grep -q '"read":0,' || fail "the second run has read rows again"
[ "$(wc -l <birdstrikes.ndjson)" -eq "$rows" ] || fail "the second run has written rows again"
for linux in "$root"/build/{dev,release,demo}/bin/leat; do
    [ -x "$linux" ] || continue
    cp birdstrikes.ndjson windows.ndjson
    rm -rf .leat birdstrikes.ndjson*
    "$linux" run birdstrikes.yaml >/dev/null 2>&1
    cmp birdstrikes.ndjson windows.ndjson || fail "Linux and Windows do not write the same bytes"
    echo "$linux writes the same bytes"
    break
done

# --- killed in the middle, again and again, until it has come to its end
seq -f 'row %.0f' 1000000 | awk 'BEGIN { print "id,name" } { print NR "," $0 }' >rows.csv
awk -F, 'NR > 1 { printf "{\"id\":%s,\"name\":\"%s\"}\n", $1, $2 }' rows.csv >expected.ndjson
cat >rows.yaml <<'EOF'
version: 1
bucket: { rows: 5000 }
pipelines:
  rows:
    rate: 100000 rows/s
    extract: { csv: { path: rows.csv } }
    load: { ndjson: { path: rows.ndjson } }
EOF
written() {
    stat -c %s rows.ndjson 2>/dev/null || echo 0
}
kills=0
for _ in $(seq 50); do
    before=$(written)
    leat run rows.yaml >killed.txt 2>&1 &
    run=$!
    # Part of what is left, then TerminateProcess.
    while kill -0 $run 2>/dev/null && [ "$(written)" -lt $((before + 1000000)) ]; do
        sleep 0.02
    done
    timeout 60 "$wine" taskkill /F /IM leat.exe >/dev/null 2>&1 || true
    wait $run || true # Windows tells no more than the number that its killer chose
    ! grep -q '"level":"error"' killed.txt || { cat killed.txt >&2; fail "after $kills kills it does not go on"; }
    ! grep -q '"event":"pipeline-ended"' killed.txt || break
    kills=$((kills + 1))
done
[ "$kills" -ge 3 ] || fail "leat ended after it was killed $kills times, and should have been killed 3 times at least"
cmp rows.ndjson expected.ndjson || fail "after $kills kills rows.ndjson does not have each row once"
leat run rows.yaml --json | tail -n 1 | grep -q '"read":0,' || fail "after $kills kills and the end of the job there were rows to read"
echo "killed $kills times, and each of 1000000 rows is there once"

# --- and who writes plugins: the SDK in it makes a DLL by one command, and by leat_add_plugin
compiler=x86_64-w64-mingw32
mkdir plugins
cp ../share/doc/leat-dev/examples/c{/hello.c,pp/hello.cpp} plugins/
$compiler-gcc-posix -shared -I ../include plugins/hello.c -o plugins/hello_c.dll
cat >plugins/CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.25)
project(hello LANGUAGES CXX)
find_package(leat REQUIRED)
leat_add_plugin(hello SOURCES hello.cpp)
set_target_properties(hello PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_SOURCE_DIR})
EOF
cmake -S plugins -B build -G Ninja -D CMAKE_SYSTEM_NAME=Windows -D CMAKE_CXX_COMPILER=$compiler-g++-posix \
    -D CMAKE_PREFIX_PATH="$PWD/.." >cmake.txt 2>&1 || { cat cmake.txt >&2; fail "the SDK in the ZIP is not found by CMake"; }
cmake --build build -- --quiet
for plugin in hello hello_c; do
    leat plugin check plugins/$plugin.dll >check.txt || { cat check.txt >&2; fail "$plugin.dll is refused"; }
done
cat >hello.yaml <<'EOF'
version: 1
plugins: { directories: [plugins] }
pipelines:
  count:
    extract: { hello.count: { count: 3 } }
    transform: [hello.identity]
    load: { stdout: { format: ndjson } }
EOF
leat run hello.yaml >hello.txt 2>hello.err || { cat hello.err >&2; fail "the plugins of the SDK do not run"; }
[ "$(grep '^{"n"' hello.txt)" = $'{"n":0}\n{"n":1}\n{"n":2}' ] || { cat hello.txt >&2; fail "the plugins of the SDK lose rows"; }
echo "plugins built against the SDK in the ZIP run"
echo "$zip"
