#!/usr/bin/env bash
# windows.sh [--no-tests]
# Cross-builds Leat for Windows with mingw-w64 on Debian 12, runs a unit suite and the main pipeline under Wine, and
# makes a ZIP in build/packages, which is tried from a fresh folder too. README.md has what is not there on Windows.
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
echo "$zip"
