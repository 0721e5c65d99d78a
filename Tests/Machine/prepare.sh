#!/bin/sh
# prepare.sh build|test|vm|bench: installs by apt what this Debian machine lacks for that, and, as root, makes the users
# that the tests and the demonstration run as. Does nothing where nothing is missing.
set -eu

build="pkg-config libseccomp-dev libcap-dev zlib1g-dev libzstd-dev libssl-dev libyaml-dev uidmap passt ca-certificates"
test="slirp4netns docker-registry skopeo umoci podman crun debootstrap busybox-static tmux libcap2-bin apache2-utils
python3 curl openssl zstd file"
vm="qemu-system-x86 e2fsprogs kmod busybox-static debootstrap gcc libc6-dev python3 curl"
bench="gcc libc6-dev podman crun runc bubblewrap docker-registry skopeo umoci busybox-static python3 zstd curl"

case ${1:-} in
build) wanted=$build ;;
test) wanted="$build $test" ;;
vm) wanted="$build $vm" ;;
bench) wanted="$build $bench" ;;
*) echo "usage: $0 build|test|vm|bench" >&2; exit 2 ;;
esac

missing=""
for package in $wanted; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ]; then as_root=""; elif command -v sudo >/dev/null; then as_root=sudo; else
        echo "missing:$missing; install them as root" >&2
        exit 1
    fi
    echo "installing$missing"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null
fi
command -v swift >/dev/null || { echo "no swift in PATH: install a Swift 6.2 or later toolchain" >&2; exit 1; }

[ "$(id -u)" = 0 ] || exit 0
# A machine without udev leaves these to root alone; private networks and FUSE need them.
for node in /dev/net/tun /dev/fuse; do
    if [ -c "$node" ]; then chmod 666 "$node"; fi
done
# One user with a range of subordinate ids, as useradd gives it, and one without.
id swiftpodtest >/dev/null 2>&1 || useradd -m -s /bin/sh swiftpodtest
grep -q '^swiftpodtest:' /etc/subuid && grep -q '^swiftpodtest:' /etc/subgid || {
    first=$(awk -F: 'BEGIN {n = 100000} $2 + $3 > n {n = $2 + $3} END {print n}' /etc/subuid /etc/subgid)
    usermod --add-subuids "$first-$((first + 65535))" --add-subgids "$first-$((first + 65535))" swiftpodtest
}
id swiftpodbare >/dev/null 2>&1 || useradd -m -s /bin/sh -K SUB_UID_COUNT=0 -K SUB_GID_COUNT=0 swiftpodbare
