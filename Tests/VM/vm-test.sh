#!/bin/bash
# vm-test.sh SWIFTPOD [DIRECTORY]: tests a static swiftpod in a virtual machine with Debian's kernel 6.1, where trees are
# made of hard links. `vm-test.sh --smoke [DIRECTORY]` tests the machine alone. DIRECTORY (default .build/vm) keeps the
# kernel from one run to the next. Must be root.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
program=$1
directory=${2:-.build/vm}
here=Tests/VM

missing=
for need in qemu-system-x86_64:qemu-system-x86 mke2fs:e2fsprogs modprobe:kmod newuidmap:uidmap busybox:busybox-static; do
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
if [ "$program" = --smoke ]; then
    cp "$here/guest/smoke.sh" "$payload/run"
    cc -O2 -static -o "$payload/floor" Benchmarks/floor.c
else
    cp "$here/guest/test.sh" "$payload/run"
    cp "$here/guest/as.sh" "$here/guest/limits.sh" "$payload/"
    cp "$program" "$payload/swiftpod"
    chmod 755 "$payload/swiftpod"
    python3 "$here/image.py" "$payload"
fi
"$here/disk.sh" "$directory/kernel" "$directory" "$payload"/*
"$here/boot.sh" "$directory/kernel" "$directory"
