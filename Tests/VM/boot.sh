#!/bin/bash
# boot.sh KERNEL-DIRECTORY DIRECTORY: boots `disk` and `initramfs` of DIRECTORY under QEMU's emulation, with `payload` as
# second disk where there is one, shows what the guest's test writes, and exits with its status; with 125 where the guest
# did not come to an end. What the guest writes to its disks is gone afterwards.
set -uo pipefail
kernel=$1
directory=$2
seconds=${SWIFTPOD_VM_TIMEOUT:-1200}
memory=${SWIFTPOD_VM_MEMORY:-1024}
disks=()
for disk in disk payload; do
    [ ! -e "$directory/$disk" ] ||
        disks+=(-drive "file=$directory/$disk,if=virtio,format=raw,cache=unsafe,snapshot=on")
done
: > "$directory/test.log"
echo "a machine of QEMU's, emulated: 2 processors, $memory MiB, at most $seconds s"
tail -n +1 -f "$directory/test.log" --pid=$$ & follow=$!
timeout -k 5 "$seconds" qemu-system-x86_64 \
    -accel tcg,thread=multi -machine pc -cpu Nehalem -smp 2 -m "$memory" \
    -object memory-backend-ram,id=a,size="$((memory / 2))M" -numa node,cpus=0,memdev=a \
    -object memory-backend-ram,id=b,size="$((memory - memory / 2))M" -numa node,cpus=1,memdev=b \
    -nodefaults -no-user-config -display none -monitor none -no-reboot \
    -serial "file:$directory/console.log" -serial "file:$directory/test.log" \
    "${disks[@]}" \
    -kernel "$kernel/vmlinuz" -initrd "$directory/initramfs" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on" \
    < /dev/null 2> "$directory/qemu.log"
status=$?
sleep 0.3
kill "$follow" 2> /dev/null
wait "$follow" 2> /dev/null
# Powering off ends QEMU with 0, but so does a panic, which leaves no last line.
told=$(tr -d '\r' < "$directory/test.log" | sed -n '$s/^GUEST-STATUS //p')
if [ "$status" -eq 0 ] && [ -n "$told" ]; then
    [ "$told" -le 100 ] || told=100
    exit "$told"
fi
echo "boot.sh: the guest did not come to an end (QEMU: $status); the end of its console:" >&2
tail -n 20 "$directory/console.log" >&2
cat "$directory/qemu.log" >&2
exit 125
