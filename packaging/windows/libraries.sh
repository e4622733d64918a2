#!/usr/bin/env bash
# libraries.sh FOLDER
# Builds what Leat links on Windows into FOLDER, from Debian's own source packages: yaml-cpp, SQLite, libsodium, zstd,
# simdjson, and the runtime of Boost.Test. Libraries that are headers alone (Boost, fmt, spdlog, CLI11, valijson,
# fast_float, and RapidCheck as far as it is: tests/windows/rapidcheck.h) are those of this machine, by links, so that no
# other header of it is ever found; zlib is Debian's.
# Does nothing when FOLDER is made of this very file.
set -euo pipefail

folder=$1
here=$(cd "$(dirname "$0")" && pwd)
target=x86_64-w64-mingw32
compiler=$target-gcc-posix
packages=(yaml-cpp sqlite3 libzstd libsodium simdjson)

stamp=$(sha256sum "$here/libraries.sh" "$here/boost_test.cpp" | sha256sum | cut -c -64)
[ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ] || exit 0

fail() {
    echo "libraries.sh: $1" >&2
    exit 1
}

rm -rf "$folder"
mkdir -p "$folder"/{include,lib,src,apt/lists,apt/cache/archives/partial,logs}
folder=$(cd "$folder" && pwd)

# What follows writes to a log of its own; its end is shown when it fails.
step() {
    local name=$1
    shift
    echo "  $name"
    # Beside this shell, where `set -e` holds: it does not in what a condition waits for.
    (set -e && "$@") >"$folder/logs/$name.log" 2>&1 &
    wait $! && return
    tail -n 20 "$folder/logs/$name.log" >&2
    fail "the step $name failed; all of its words are in $folder/logs/$name.log"
}

# The sources of what apt of this machine installs, from where it has that, fixes of security among them; in a list of
# our own, as /etc/apt seldom has sources in it, and stays as it is.
fetch() {
    apt-get indextargets 'Created-By: Packages' 'Origin: Debian' 'Component: main' --format \
        'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(SITE) $(RELEASE) $(COMPONENT)' |
        sort -u >"$folder/apt/sources.list"
    local apt=(apt-get -qq -o "Dir::Etc::SourceList=$folder/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt/cache" -o APT::Sandbox::User=root
        -o APT::Update::Error-Mode=any -o Acquire::Retries=3)
    cd "$folder/src"
    if ! { "${apt[@]}" update && "${apt[@]}" source --download-only "${packages[@]}"; }; then
        echo "Debian's sources of ${packages[*]} cannot be had from
$(sed 's/.*] /  /' "$folder/apt/sources.list")
See that \`apt-get update\` reaches the mirrors in /etc/apt, and start again."
        return 1
    fi
    local package
    for package in "${packages[@]}"; do
        # apt has checked what it downloaded; the patches of Debian are put on here.
        dpkg-source --no-check --extract "$package"_*.dsc "$package"
    done
}

build_yaml_cpp() {
    cmake -S "$folder/src/yaml-cpp" -B "$folder/src/yaml-cpp/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_TOOLCHAIN_FILE="$here/toolchain.cmake" -DLEAT_WINDOWS_LIBRARIES="$folder" \
        -DCMAKE_INSTALL_PREFIX="$folder" -DYAML_CPP_BUILD_TESTS=OFF -DYAML_CPP_BUILD_TOOLS=OFF \
        -DYAML_BUILD_SHARED_LIBS=OFF
    cmake --build "$folder/src/yaml-cpp/build" --target install
}

build_sqlite3() {
    # The one file that SQLite is compiled from is made by programs of this machine.
    mkdir "$folder/src/sqlite3/build"
    cd "$folder/src/sqlite3/build"
    ../configure --disable-shared
    make sqlite3.c
    $compiler -c -O2 -DNDEBUG -DSQLITE_THREADSAFE=1 -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_MATH_FUNCTIONS \
        -DSQLITE_ENABLE_UNLOCK_NOTIFY -DSQLITE_ENABLE_DBSTAT_VTAB sqlite3.c -o sqlite3.o
    $target-ar rcs "$folder/lib/libsqlite3.a" sqlite3.o
    cp sqlite3.h "$folder/include/"
}

build_libsodium() {
    # By hand: its configure would have to be made first. What is faster on some processors is left out.
    cd "$folder/src/libsodium"
    mkdir objects
    cp builds/msvc/version.h src/libsodium/include/sodium/
    local file
    find src/libsodium -name '*.c' | while read -r file; do
        $compiler -c -O2 -DNDEBUG -DCONFIGURED=1 -DSODIUM_STATIC -DNATIVE_LITTLE_ENDIAN=1 -DHAVE_TI_MODE=1 \
            -I src/libsodium/include/sodium "$file" -o "objects/$(tr / _ <<<"$file").o"
    done
    $target-ar rcs "$folder/lib/libsodium.a" objects/*.o
    cp -r src/libsodium/include/sodium src/libsodium/include/sodium.h "$folder/include/"
}

build_libzstd() {
    cd "$folder/src/libzstd"
    mkdir objects
    local file
    for file in lib/common/*.c lib/compress/*.c lib/decompress/*.c; do
        $compiler -c -O2 -DNDEBUG -DXXH_NAMESPACE=ZSTD_ -DZSTD_DISABLE_ASM "$file" -o "objects/$(basename "$file" .c).o"
    done
    $target-ar rcs "$folder/lib/libzstd.a" objects/*.o
    cp lib/zstd.h lib/zstd_errors.h "$folder/include/"
}

build_simdjson() {
    cd "$folder/src/simdjson/singleheader"
    $target-g++-posix -std=c++17 -c -O2 -DNDEBUG simdjson.cpp -o simdjson.o
    $target-ar rcs "$folder/lib/libsimdjson.a" simdjson.o
    cp simdjson.h "$folder/include/"
}

build_boost_test() {
    $target-g++-posix -std=c++17 -c -O1 -I "$folder/include" "$here/boost_test.cpp" -o "$folder/src/boost_test.o"
    $target-ar rcs "$folder/lib/libboost_unit_test_framework.a" "$folder/src/boost_test.o"
}

for headers in boost fmt spdlog CLI valijson fast_float rapidcheck rapidcheck.h; do
    [ -e "/usr/include/$headers" ] || fail "/usr/include/$headers is missing; run packaging/deps.sh"
    ln -s "/usr/include/$headers" "$folder/include/$headers"
done
for file in libz.a zlib.h zconf.h; do
    found=$(find /usr/$target -name $file | head -n 1)
    [ -n "$found" ] || fail "there is no $file for Windows; run packaging/deps.sh --windows"
    case $file in
        *.a) cp "$found" "$folder/lib/" ;;
        *) cp "$found" "$folder/include/" ;;
    esac
done

step fetch fetch
step yaml-cpp build_yaml_cpp
step sqlite3 build_sqlite3
step libsodium build_libsodium
step libzstd build_libzstd
step simdjson build_simdjson
step boost_test build_boost_test
echo "$stamp" >"$folder/stamp"
