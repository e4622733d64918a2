#!/usr/bin/env bash
# test.sh [--packages DIR] [--debian DIR]
# Tries the packages as an operator and an author of plugins use them, in a Debian 12 of its own, made by debootstrap: the
# debs installed by apt, the main job from the installed paths, an upgrade over an edited configuration and a state,
# removal without a trace; plugins built against leat-dev; the rpms in a root of their own. Root only, as chroot is.
# Without --packages, packaging/package.sh builds them; --debian is a tree that debootstrap has made before, which is copied
# and not changed. The Debian is thrown away at the end; nothing else is touched.
# LEAT_MIRROR is where Debian comes from (http://deb.debian.org/debian).
set -euo pipefail

[ "$(id -u)" = 0 ] || { echo "test.sh: only root can chroot; run it as root: sudo bash packaging/test.sh" >&2; exit 2; }
# Mounts of its own, which end with it.
[ -n "${LEAT_TEST_UNSHARED:-}" ] || LEAT_TEST_UNSHARED=1 exec unshare --mount --propagation private bash "$0" "$@"
packages='' debian=''
while [ $# -gt 0 ]; do
    case $1 in
        --packages) packages=$(realpath "$2") ;;
        --debian) debian=$(realpath "$2") ;;
        *) echo "test.sh: $1 is not an option; see the head of $0" >&2; exit 2 ;;
    esac
    shift 2
done
cd "$(dirname "$0")/.."

bash packaging/deps.sh --build --package
work=$(mktemp -d "${TMPDIR:-/tmp}/leat-packages.XXXXXX")
log=$work/log
finish() {
    local code=$?
    umount -q "$work"/*/proc "$work"/*/dev 2>/dev/null || true
    if [ "$code" = 0 ]; then
        rm -rf --one-file-system "$work"
        echo "=== all $steps steps passed in $SECONDS s"
    else
        echo "=== FAILED in step $steps: $step; $log has all that was said, and $work the roots" >&2
    fi
}
trap finish EXIT
steps=0 step=start
step() {
    steps=$((steps + 1)) step=$1
    echo "$(printf '%2d' "$steps") $step"
    echo "=== $step" >>"$log"
}
fail() {
    echo "    $*" >&2
    tail -n 15 "$log" | sed 's/^/    | /' >&2
    exit 1
}
expect() { # EXPECTED SEEN WHAT
    [ "$1" = "$2" ] || fail "$3: expected $1, but it is $2"
}
quietly() { "$@" >>"$log" 2>&1 || fail "failed (exit code $?): $*"; }

root=
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
# As the service would: its user, in its directory.
as_leat() { in_root setpriv --reuid leat --regid leat --clear-groups sh -c 'cd /var/lib/leat && exec "$@"' sh "$@"; }
apt() { quietly in_root apt-get -qq -y --no-install-recommends -o Dpkg::Options::=--force-confold "$@"; }
# Of a receipt on the last line of a file.
of_receipt() { # FILE KEY
    tail -n 1 "$1" | python3 -c 'import json, sys
receipt = json.load(sys.stdin)
print(receipt[sys.argv[1]] if sys.argv[1] in receipt else sum(one[sys.argv[1]] for one in receipt["pipelines"]))' "$2"
}
rows_of() { sqlite3 "$root/var/lib/leat/$1" "SELECT count(*) FROM $2"; }
# Every file with its type, owner and content, but for what a package manager keeps for itself and its caches.
snapshot() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./sys -o -path ./tmp -o -path ./packages \
        -o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/lib/rpm -o -path ./var/cache -o -path ./var/log \) -prune -o -printf '%p %y %U:%G %m %l\n' |
        grep -vE '^\./(etc/(passwd|group|shadow|gshadow|subuid|subgid)-|etc/\.pwd\.lock|etc/ld\.so\.cache|var/lib/systemd) ' | LC_ALL=C sort
    cat etc/passwd etc/group etc/shadow etc/gshadow)
}
new_root() { # NAME: a copy of the Debian
    root=$work/$1
    cp -a "$debian" "$root"
    mkdir -p "$root/packages"
    mount -t proc proc "$root/proc"
    mount --bind /dev "$root/dev"
}
end_root() {
    umount "$root/proc" "$root/dev"
    rm -rf --one-file-system "$root"
}
# The main job from where it is installed.
main_job() {
    as_leat mkdir -p out
    as_leat leat run --json --state /var/lib/leat/main /usr/share/doc/leat/examples/birdstrikes.yaml >"$work/receipt" 2>>"$log" ||
        fail "leat run: exit code $?"
    expect 10000 "$(of_receipt "$work/receipt" read)" "rows read"
    expect 9171 "$(of_receipt "$work/receipt" delivered)" "rows delivered"
    expect True "$(of_receipt "$work/receipt" balanced)" "the receipt is balanced"
    expect 9171 "$(rows_of out/birdstrikes.db strikes)" "rows in the database"
}
# What /etc/leat names, as leat.service runs it.
service_job() { # READ DELIVERED ROWS-IN-ALL
    as_leat leat run --json --state /var/lib/leat /etc/leat/leat.yaml >"$work/receipt" 2>>"$log" || fail "leat run: exit code $?"
    expect "$1" "$(of_receipt "$work/receipt" read)" "rows read"
    expect "$2" "$(of_receipt "$work/receipt" delivered)" "rows delivered"
    expect True "$(of_receipt "$work/receipt" balanced)" "the receipt is balanced"
    expect "$3" "$(rows_of service.db orders)" "rows in the database"
}
components() { in_root leat plugin list --json | python3 -c 'import json, sys
print(*sorted({one["id"] for one in json.load(sys.stdin)["components"]}))'; }
own="csv generate identity ndjson null sql sqlite stdout"

# What an operator does: a changed value, a pipeline of his own, and rows.
configure() {
    sed -i 's/^#memory: .*/memory: 128MiB/' "$root/etc/leat/leat.yaml"
    grep -q '^memory: 128MiB$' "$root/etc/leat/leat.yaml" || fail "/etc/leat/leat.yaml has no commented memory"
    cat >"$root/etc/leat/conf.d/orders.yaml" <<'YAML'
pipelines:
  orders:
    extract: { csv: { path: "/srv/orders/*.csv", types: { id: int64 } } }
    load: { sqlite: { path: service.db, table: orders } }
YAML
    mkdir -p "$root/srv/orders"
    { echo id,name; seq -f '%.0f,a' 1 1000; } >"$root/srv/orders/1.csv"
}

# ---- the packages
if [ -z "$packages" ]; then
    step "build the packages"
    quietly bash packaging/package.sh
    packages=$PWD/build/packages
    step "packaged again, each has the same bytes"
    quietly bash packaging/package.sh --out "$work/again"
    for file in "$work/again"/*; do
        quietly cmp "$file" "$packages/$(basename "$file")"
    done
    step "a plugin with a package of its own takes its libraries with it"
    quietly bash packaging/package.sh --deb --out "$work/split" -D LEAT_PLUGIN_PACKAGES=ndjson
    dpkg-deb -f "$work"/split/leat-plugin-ndjson_*.deb Depends | grep -q 'leat (= .*libsimdjson' || fail "leat-plugin-ndjson lacks what it needs"
    dpkg-deb -c "$work"/split/leat_*.deb | grep -q 'ndjson\.so' && fail "ndjson.so is still in leat"
    dpkg-deb -f "$work"/split/leat_*.deb Depends | grep -q libsimdjson && fail "leat still depends on libsimdjson"
    cmake --preset package -ULEAT_PLUGIN_PACKAGES >>"$log" 2>&1
fi
one() { # PATTERN: the one file of that name
    local files
    files=("$packages"/$1)
    [ -e "${files[0]}" ] && [ "${#files[@]}" = 1 ] || fail "not one $1 in $packages: ${files[*]}"
    echo "${files[0]}"
}
deb=$(one "leat_*.deb") dev=$(one "leat-dev_*.deb") rpm=$(one "leat-[0-9]*.rpm") devel=$(one "leat-devel-*.rpm")
version=$(dpkg-deb -f "$deb" Version)
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)

step "Python comes with its plugin alone"
python=$(one "leat-plugin-python_*.deb")
dpkg-deb -f "$python" Depends | grep -q 'leat (= .*libpython3' || fail "leat-plugin-python lacks what it needs"
dpkg-deb -f "$deb" Depends | grep -q libpython3 && fail "leat depends on libpython3"

step "lintian and rpmlint find nothing that is not explained"
linted() { quietly lintian --fail-on error,warning,info --display-info --allow-root "$@"; }
linted "$deb" "$dev"
# It finds words in machine code too, which are there in one build and not in the next.
linted --suppress-tags spelling-error-in-binary "$python"
rpmlint -c packaging/rpm/rpmlint.toml "$rpm" "$devel" "$(one "leat-plugin-python-*.rpm")" >"$work/rpmlint" 2>&1 || true
cat "$work/rpmlint" >>"$log"
grep -q ' 0 errors, 0 warnings' "$work/rpmlint" || fail "rpmlint: $(grep -E ': [EW]: ' "$work/rpmlint")"

step "the list of checksums in each deb is of the files that it installs"
for file in "$packages"/*.deb "$packages"/*.ddeb; do
    rm -rf "$work/listed"
    mkdir "$work/listed"
    quietly dpkg-deb -x "$file" "$work/listed"
    dpkg-deb --ctrl-tarfile "$file" | tar -xO ./md5sums >"$work/md5sums"
    (cd "$work/listed" && quietly md5sum -c "$work/md5sums")
    expect "$(cd "$work/listed" && find . -type f | sed 's|^\./||' | LC_ALL=C sort)" \
        "$(sed 's/^[0-9a-f]*  //' "$work/md5sums" | LC_ALL=C sort)" "the files of $(basename "$file")"
done

step "the host exports nothing, and the packages name the libraries that are needed"
mkdir "$work/x"
dpkg-deb -x "$deb" "$work/x"
exported=$(nm -D --defined-only "$work/x/usr/bin/leat" | awk '$2 != "A" && $2 != "w" {print $3}' | grep -v '@' || true)
expect "" "$exported" "symbols that the host exports"
for needed in libc6 libstdc++6 libzstd1 zlib1g; do
    dpkg-deb -f "$deb" Depends | grep -q "\\b$needed\\b" || fail "leat does not depend on $needed: $(dpkg-deb -f "$deb" Depends)"
done
for needed in libc.so.6 libstdc++.so.6 libzstd.so.1 libz.so.1; do
    rpm -qp --requires "$rpm" | grep -qF "$needed()(64bit)" || fail "the rpm does not require $needed"
done

step "the deb of the previous version, with another configuration file"
# The same program as an older package; what dpkg does at an upgrade hangs on version and files.
previous=$work/previous
mkdir "$previous"
dpkg-deb -R "$deb" "$previous/deb"
sed -i 's/^Version: .*/Version: 0.0.9-1/' "$previous/deb/DEBIAN/control"
echo "# as it was" >>"$previous/deb/etc/leat/leat.yaml"
(cd "$previous/deb" && md5sum $(find usr -type f | LC_ALL=C sort) >DEBIAN/md5sums)
quietly dpkg-deb -Zgzip -z1 --root-owner-group -b "$previous/deb" "$previous/leat_0.0.9.deb"

if [ -z "$debian" ]; then
    step "Debian 12 by debootstrap"
    debian=$work/debian
    quietly debootstrap --variant=minbase bookworm "$debian" "${LEAT_MIRROR:-http://deb.debian.org/debian}"
fi

# ---- the deb
new_root deb
cp "$deb" "$root/packages/leat.deb" && cp "$dev" "$root/packages/leat-dev.deb" && cp "$previous/leat_0.0.9.deb" "$root/packages/previous.deb"
snapshot >"$work/before"
step "deb: apt installs the previous version with all that it needs"
apt update
apt install /packages/previous.deb
expect leat "$(in_root id -un leat)" "the user"
expect "750 leat" "$(in_root stat -c '%a %U' /var/lib/leat)" "/var/lib/leat"
expect "$own" "$(components)" "the components that are found"

step "deb: the main job, from the installed paths"
main_job

step "deb: the configuration in /etc/leat, edited, as the service runs it"
as_leat leat check /etc/leat/leat.yaml >"$work/out" 2>&1 && fail "a configuration without pipelines passed the check"
configure
service_job 1000 1000 1000

step "deb: an upgrade keeps the edited configuration and the state"
in_root sha256sum /etc/leat/leat.yaml /etc/leat/conf.d/orders.yaml >"$work/sums"
apt install /packages/leat.deb
expect "$version" "$(in_root dpkg-query -W -f '${Version}' leat)" "the version"
in_root sha256sum -c --quiet - <"$work/sums" >>"$log" 2>&1 || fail "the configuration was changed"
[ -e "$root/etc/leat/leat.yaml.dpkg-dist" ] || fail "what is new in leat.yaml does not lie beside it"

step "deb: the run goes on where it was, and the receipt balances"
service_job 0 0 1000
seq -f '%.0f,b' 1001 1500 >>"$root/srv/orders/1.csv"
service_job 500 500 1500

step "deb: removed, configuration and state are kept"
apt remove leat
[ ! -e "$root/usr/bin/leat" ] && [ ! -e "$root/usr/lib/$multiarch/leat" ] || fail "files of leat are left"
[ -e "$root/etc/leat/conf.d/orders.yaml" ] && [ -e "$root/var/lib/leat/state.db" ] || fail "configuration or state is gone"

step "deb: installed again, it goes on"
apt install /packages/leat.deb
service_job 0 0 1500

step "deb: purged, nothing is left behind"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s /lib/systemd/system/leat.service "$root/etc/systemd/system/multi-user.target.wants/leat.service" # as enabled
apt purge leat
rm -r "$root/srv/orders"
rmdir --ignore-fail-on-non-empty "$root/etc/systemd/system/multi-user.target.wants"
apt autoremove --purge
snapshot >"$work/after"
diff "$work/before" "$work/after" >>"$log" || fail "left behind or lost: $(diff "$work/before" "$work/after" | grep '^[<>]' | head -n 5)"

# ---- plugins of third parties
step "leat-dev: with compilers, beside the host"
apt install /packages/leat.deb /packages/leat-dev.deb gcc g++ make cmake pkg-config dpkg-dev file
examples=/usr/share/doc/leat-dev/examples

step "leat-dev: a plugin by plain gcc, in /usr/local/lib/leat/plugins"
quietly in_root sh -c "gcc -shared -fPIC -Wall -Werror $examples/c/hello.c -o /tmp/hello.so && install -D -m 644 /tmp/hello.so /usr/local/lib/leat/plugins/hello.so"
components | grep -q 'hello.identity' || fail "leat plugin list does not show it: $(components)"

step "leat-dev: a plugin by pkg-config and g++"
quietly in_root sh -c "g++ -std=c++17 -shared -fPIC -fvisibility=hidden -fno-gnu-unique -static-libstdc++ -static-libgcc \
    -Wl,--version-script=\$(pkg-config --variable=plugin_map leat) \$(pkg-config --cflags leat) $examples/cpp/hello.cpp -o /tmp/hello_cpp.so && leat plugin check /tmp/hello_cpp.so"

step "leat-dev: the examples, where they are installed"
quietly in_root sh -c "make -C $examples/c OUT=/tmp/examples all check && make -C $examples/cpp OUT=/tmp/examples-cpp all check"

step "leat-dev: what leat plugin new makes, against the installed headers"
quietly in_root sh -c 'cd /tmp && leat plugin new acme --lang c --kind sink && rm -r acme/include && make -C acme test check'

step "leat-dev: a plugin by CMake, in a deb of its own"
mkdir "$root/tmp/hello"
cp "$root$examples/cpp/hello.cpp" "$root/tmp/hello/"
cat >"$root/tmp/hello/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.17)
project(hello LANGUAGES CXX)
find_package(leat REQUIRED)
leat_add_plugin(hello SOURCES hello.cpp)
leat_package_plugin(hello SUMMARY "plugin that says hello" VERSION 1.2.3 CONTACT "Ann <ann@acme.example>")
CMAKE
quietly in_root sh -c 'cd /tmp/hello && cmake -B build -DCMAKE_INSTALL_PREFIX=/usr && cmake --build build && cd build && cpack -G DEB'
plugin=/tmp/hello/build/leat-plugin-hello_1.2.3_$(dpkg --print-architecture).deb
in_root dpkg-deb -f "$plugin" Depends | grep -q 'libc6 (>=' || fail "it depends on nothing: $(in_root dpkg-deb -I "$plugin")"
in_root dpkg-deb -c "$plugin" | grep -q "usr/lib/$multiarch/leat/plugins/hello.so" || fail "it is not where hosts look: $(in_root dpkg-deb -c "$plugin")"
apt install "$plugin"
components | grep -q 'hello.count hello.identity hello.longer-than' || fail "leat plugin list does not show it: $(components)"

step "leat-dev: all of them in one pipeline"
cat >"$root/tmp/hello.yaml" <<'YAML'
version: 1
pipelines:
  numbers:
    extract: { hello.count: { count: 1000 } }
    transform:
      - hello.identity
      - sql: SELECT CAST(n AS TEXT) AS name FROM batch
      - hello.longer-than: { column: name, min: 2 }
    load: hello.tally
YAML
in_root sh -c 'cd /tmp && leat run --json hello.yaml' >"$work/receipt" 2>>"$log" || fail "leat run: exit code $?"
expect "1000 900 True" "$(of_receipt "$work/receipt" read) $(of_receipt "$work/receipt" delivered) $(of_receipt "$work/receipt" balanced)" "the receipt"
apt remove leat-plugin-hello
components | grep -q hello.count && fail "it is still found"
end_root

# ---- the rpm
step "rpm: installed into a root of its own, with all its dependencies"
new_root rpm
apt update
# shellcheck disable=SC2046
apt install $(dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed 's/(.*//; s/.*|//; s/ //g' | grep -v sysusers)
# What this Debian has, in the words of rpm, so that rpm can hold the requirements against it.
{
    printf 'Name: debian-12\nVersion: 12\nRelease: 1\nSummary: What the root has\nLicense: none\nBuildArch: noarch\n'
    printf 'Provides: /bin/sh\nProvides: /usr/sbin/useradd\nProvides: /usr/sbin/groupadd\nProvides: rtld(GNU_HASH)\n'
    find "$root/usr/lib/$multiarch" "$root/lib/$multiarch/" -maxdepth 1 -name '*.so.*' -type f | sort -u |
        /usr/lib/rpm/elfdeps --provides | sort -u | sed 's/^/Provides: /'
    printf '%%description\nWhat the root has.\n%%files\n'
} >"$work/debian.spec"
quietly rpmbuild -bb --define "_topdir $work/rpmbuild" --define "_rpmdir $work" "$work/debian.spec"
rpm() { command rpm --root "$root" "$@"; }
quietly rpm --initdb
# What the packages filesystem and cmake-filesystem of such a system have.
mkdir -p "$root"/usr/lib/{systemd/system,sysusers.d,tmpfiles.d} "$root/usr/lib64" \
    "$root"/usr/share/{cmake,pkgconfig,zsh/site-functions,bash-completion/completions,man/man1,man/man5}
snapshot >"$work/before"
quietly rpm -i "$work/noarch/debian-12-12-1.noarch.rpm"
quietly rpm -i "$rpm" "$devel"
quietly rpm -V leat leat-devel
expect "$own" "$(components)" "the components that are found"
in_root leat plugin list --json | grep -q '/usr/lib64/leat/plugins/csv.so' || fail "the plugins are not those of /usr/lib64"

step "rpm: the main job, from the installed paths"
main_job

step "rpm: installed anew, the edited configuration and the state are kept"
configure
service_job 1000 1000 1000
quietly rpm -U --replacepkgs --force "$rpm"
grep -q '^memory: 128MiB$' "$root/etc/leat/leat.yaml" || fail "the configuration was changed"
service_job 0 0 1000
rpm -V leat >"$work/out" || true
expect "S.5....T.  c /etc/leat/leat.yaml" "$(cat "$work/out")" "what rpm -V says of an edited configuration"

step "rpm: erased, nothing but configuration and state is left"
quietly rpm -e leat leat-devel debian-12
rm -r "$root/srv/orders"
snapshot >"$work/after"
left=$(diff "$work/before" "$work/after" | grep '^[<>]' | grep -vE '^> (\./(etc|var/lib)/leat[ /]|leat:)' || true)
expect "" "$left" "what is left"
end_root
