#!/bin/bash
# vm-test.sh SWIFTPOD [DIRECTORY]: tests a static swiftpod in a virtual machine with Debian's kernel 6.1, where trees are
# made of hard links and every controller is cgroup v2's. `vm-test.sh --systemd SWIFTPOD [DIRECTORY]` does it in a Debian
# that systemd manages, `vm-test.sh --smoke [DIRECTORY]` tests the machine alone. DIRECTORY (default .build/vm) keeps the
# kernel and Debian from one run to the next. Must be root.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
kind=plain
case $1 in --smoke | --systemd) kind=${1#--}; shift ;; esac
program=
if [ "$kind" != smoke ]; then
    program=$1
    shift
fi
directory=${1:-.build/vm}
here=Tests/VM

needs="qemu-system-x86_64:qemu-system-x86 mke2fs:e2fsprogs modprobe:kmod newuidmap:uidmap busybox:busybox-static curl:curl cc:gcc"
[ "$kind" != systemd ] || needs="$needs debootstrap:debootstrap"
missing=
for need in $needs; do
    command -v "${need%%:*}" > /dev/null || missing="$missing ${need#*:}"
done
if [ -n "$missing" ]; then
    echo "vm-test.sh: missing, apt-get install --no-install-recommends$missing" >&2
    exit 125
fi
mkdir -p "$directory"
directory=$(readlink -f "$directory")
"$here/kernel.sh" "$directory/kernel"

payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT
if [ "$kind" = smoke ]; then
    cp "$here/guest/smoke.sh" "$payload/run"
    cc -O2 -static -o "$payload/floor" Benchmarks/floor.c
else
    cp "$here"/guest/*.sh /bin/busybox "$payload/"
    mv "$payload/test.sh" "$payload/run"
    cc -O2 -static -Wall -o "$payload/pages" "$here/guest/pages.c"
    cp "$program" "$payload/swiftpod"
    chmod 755 "$payload/swiftpod"
    python3 "$here/image.py" "$payload"
fi
guest=$directory
if [ "$kind" = systemd ]; then
    mv "$payload/systemd.sh" "$payload/run"
    cp "$here/guest/systemd-start" "$payload/start"
    guest=$directory/debian
    mkdir -p "$guest"
    "$here/debian-disk.sh" "$guest"
    rm -f "$guest/payload"
    truncate -s 256M "$guest/payload"
    mke2fs -q -t ext4 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard -d "$payload" "$guest/payload"
else
    "$here/disk.sh" "$guest" "$payload"/*
fi
"$here/initramfs.sh" "$directory/kernel" "$guest/initramfs"
status=0
"$here/boot.sh" "$directory/kernel" "$guest" || status=$?
# A machine that others use, too, spoils a measurement now and then; a fault does not go away when it is looked at again.
if [ $status -ge 1 ] && [ $status -le 3 ]; then
    echo "--- once more"
    status=0
    "$here/boot.sh" "$directory/kernel" "$guest" || status=$?
fi
exit $status
