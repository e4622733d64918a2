#!/usr/bin/env bash
# package.sh [--deb] [--rpm] [--version V] [--out DIR] [--build DIR] [-D NAME=VALUE...]
# Builds Leat in build/package, and of it the debs and rpms into build/packages; with --deb or --rpm only those.
#   --version  of the packages, where it is not that of the program: to try an upgrade
#   --out      another folder for the packages
#   --build    another folder for the build
#   -D         for CMake: LEAT_PACKAGE_CONTACT='Name <address>', LEAT_PACKAGE_RELEASE=2, LEAT_PLUGIN_PACKAGES=ndjson
# The same commit gives the same bytes: all times are that of the commit, or SOURCE_DATE_EPOCH when it is set.
set -euo pipefail
umask 022
from=$PWD
cd "$(dirname "$0")/.."

formats=() options=(-UCMAKE_INSTALL_LIBDIR -ULEAT_PACKAGE_VERSION -ULEAT_PLUGIN_PACKAGES) build=build/package packages=$PWD/build/packages
while [ $# -gt 0 ]; do
    case $1 in
        --deb) formats+=(deb) ;;
        --rpm) formats+=(rpm) ;;
        --version) options+=("-DLEAT_PACKAGE_VERSION=$2"); shift ;;
        --out) packages=$(cd "$from" && realpath -m "$2"); shift ;;
        --build) build=$2; shift ;;
        -D) options+=("-D$2"); shift ;;
        *) echo "package.sh: $1 is not an option; see the head of $0" >&2; exit 2 ;;
    esac
    shift
done
[ "${#formats[@]}" -gt 0 ] || formats=(deb rpm)

bash packaging/deps.sh --build --package
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
# With a base directory, ccache gives the compiler other names of files than a build without ccache has.
export CCACHE_BASEDIR=
unset CCACHE_NOHASHDIR

log=$build/package.log
mkdir -p "$build" "$packages"
quietly() { # COMMAND...: shows what it says only when it fails
    "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; echo "package.sh: failed: $*; all it said is in $log" >&2; exit 1; }
}
# CPack 3.25 lists the file of a package of debug symbols by where it lay in the build, for dpkg to look for it there.
mend_checksums() { # FILE.ddeb
    local tree=$build/ddeb
    rm -rf "$tree"
    quietly dpkg-deb --raw-extract "$1" "$tree"
    sed -i 's|  /.*-dbgsym/|  |' "$tree/DEBIAN/md5sums"
    quietly dpkg-deb --root-owner-group --threads-max=1 -Zxz --build "$tree" "$1"
}
# One build for both: the formats differ only in where things are installed.
for format in "${formats[@]}"; do
    libdir=()
    [ "$format" != rpm ] || libdir=(-DCMAKE_INSTALL_LIBDIR=lib64)
    quietly cmake --preset package -B "$build" "${options[@]}" -DLEAT_PACKAGE_FORMAT="$format" "${libdir[@]}"
    quietly cmake --build "$build" -j "${JOBS:-$(nproc)}"
    rm -rf "$build/packages"
    quietly cpack --config "$build/CPackConfig.cmake"
    for file in "$build"/packages/*."$format" "$build"/packages/*.ddeb; do
        [ -e "$file" ] || continue
        case $file in *.ddeb) mend_checksums "$file" ;; esac
        name=$(basename "$file")
        mv "$file" "$packages/$name"
        echo "$packages/$name"
    done
done
