#!/usr/bin/env bash
# deps.sh [--build] [--bench] [--package] [--windows]
# Installs the Debian 12 packages that building, testing and running Leat need, and fetches promtool into build/tools. Does
# nothing when all are there.
#   --build  only what building Leat and packaging/demo.sh take, nothing for tests
#   --bench  also the programs that tests/bench compares with
#   --package  also what makes packages and tries them: packaging/package.sh and packaging/test.sh
#   --windows  only what packaging/windows.sh takes: it builds for Windows, and runs what it has built
# As root, or through sudo. LEAT_SKIP_DEPS=1 leaves the machine as it is, for other systems.
set -euo pipefail

build=(g++ gcc cmake ninja-build ccache sqlite3
    libboost1.81-dev libyaml-cpp-dev libvalijson-dev libspdlog-dev libcli11-dev
    libsimdjson-dev libfast-float-dev libsqlite3-dev libsodium-dev zlib1g-dev libzstd-dev libpython3-dev)
tests=(libboost-test1.81-dev librapidcheck-dev clang libclang-rt-dev llvm clang-format clang-tidy binutils make minisign
    pkg-config python3 zstd abigail-tools doxygen zsh man-db systemd)
bench=(libbenchmark-dev miller)
package=(python3 dpkg-dev file rpm rpmlint lintian debootstrap systemd man-db)
windows=(g++-mingw-w64-x86-64-posix libz-mingw-w64-dev wine64 cmake ninja-build ccache gcc make tcl dpkg-dev patch xz-utils
    libboost1.81-dev libvalijson-dev libspdlog-dev libcli11-dev libfast-float-dev librapidcheck-dev)
duckdb=@duckdb/node-api@1.4.4-r.4

# Compilers of the plugins that `leat plugin new` makes; often from elsewhere, so that the programs are what counts.
languages=(rustc go)

wanted=("${build[@]}" "${tests[@]}")
programs=("${languages[@]}")
promtool=$(dirname "$0")/../build/tools/promtool # of the package prometheus, which would bring a service along
modules= # where DuckDB's npm package goes
for option in "$@"; do
    case $option in
        --build) wanted=("${build[@]}"); programs=() promtool= ;;
        --bench) wanted+=("${bench[@]}"); programs+=(node npm); modules=$(dirname "$0")/../build/bench ;;
        --package) wanted+=("${package[@]}") ;;
        --windows) wanted=("${windows[@]}"); programs=() promtool= ;;
        *) echo "deps.sh: $option is not an option; see the head of $0" >&2; exit 2 ;;
    esac
done

fail() {
    echo "deps.sh: $1" >&2
    exit 1
}

[ "${LEAT_SKIP_DEPS:-}" != 1 ] || exit 0

missing=()
if command -v dpkg-query >/dev/null; then
    # It fails as soon as it does not know one of them.
    installed=" $({ dpkg-query --show --showformat '${db:Status-Abbrev}${Package}\n' "${wanted[@]}" 2>/dev/null || true; } |
        sed -n 's/^ii *//p' | tr '\n' ' ')"
    for package in "${wanted[@]}"; do
        [[ $installed == *" $package "* ]] || missing+=("$package")
    done
else
    missing=("${wanted[@]}")
fi
# These often come from elsewhere than Debian; the programs are what counts.
for program in "${programs[@]}"; do
    case $program in
        node) package=nodejs ;;
        go) package=golang-go ;;
        *) package=$program ;;
    esac
    command -v "$program" >/dev/null || missing+=("$package")
done

install_missing() {
    local system errors as_root=()
    # Other releases have other versions under these names, so that nothing is installed there.
    # shellcheck source=/dev/null
    system=$(. /etc/os-release 2>/dev/null && echo "$ID ${VERSION_ID:-}") || system=unknown
    [ "$system" = "debian 12" ] || fail "this is $system, not Debian 12, and these packages are missing: ${missing[*]}.
Install what they are called here, then set LEAT_SKIP_DEPS=1."

    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "you are not root, and there is no sudo. As root, run: apt-get install ${missing[*]}"
        as_root=(sudo)
        # Without a terminal nobody can type a password.
        [ -t 0 ] || as_root=(sudo -n)
        "${as_root[@]}" true || fail "sudo does not let you become root. As root, run: apt-get install ${missing[*]}"
    fi
    apt() { # env: sudo drops the variables of the caller
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null
    }

    echo "Installing ${#missing[@]} packages: ${missing[*]}"
    apt update || true # a list that is old may still do; if it does not, the installation says so
    # Boost 1.74's headers and 1.81's exclude each other. Which of them stays is not for a script to decide.
    if ! errors=$(apt install --no-install-recommends --no-remove "${missing[@]}" 2>&1 >/dev/null); then
        head -n 5 <<<"$errors" >&2
        fail "apt-get could not install the packages; its first words are above.
No network: see that \`apt-get update\` reaches the mirrors in /etc/apt.
Packages would have to be removed: libboost-dev (1.74) and libboost1.81-dev exclude each other. If nothing else needs
the former, run: apt-get remove libboost1.74-dev"
    fi
}
[ "${#missing[@]}" -eq 0 ] || install_missing

if [ -n "$promtool" ] && [ ! -x "$promtool" ] && ! command -v promtool >/dev/null; then
    fetched=$(mktemp -d)
    trap 'rm -rf "$fetched"' EXIT
    echo "Fetching promtool"
    (cd "$fetched" && apt-get -qq -o Acquire::Retries=3 download prometheus >/dev/null 2>log) ||
        fail "apt-get could not download the package prometheus, which has promtool: $(head -n 3 "$fetched/log")"
    mkdir -p "$(dirname "$promtool")"
    dpkg-deb --fsys-tarfile "$fetched"/prometheus_*.deb | tar -x -C "$fetched" ./usr/bin/promtool
    mv "$fetched/usr/bin/promtool" "$promtool"
fi

if [ -n "$modules" ] && [ ! -d "$modules/node_modules/@duckdb/node-api" ]; then
    npm install --silent --no-save --prefix "$modules" "$duckdb" || fail "npm could not install $duckdb; see its words above"
fi
