#!/bin/bash
# debian-disk.sh OUTPUT-DIRECTORY: makes `disk` there, an ext4 image of Debian 12 with systemd, D-Bus, and a user `tester`
# whose manager starts at boot (linger) and has every controller delegated. A service of it mounts the second disk on
# /test and runs /test/run. Nothing is done where the image is there and newer than this. Must be root.
set -euo pipefail
output=$1
here=$(readlink -f "$0")
[ ! "$output/disk" -nt "$here" ] || exit 0
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)}
work=$(mktemp -d "$output/debian.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
debootstrap --variant=minbase --include=systemd-sysv,dbus,dbus-user-session,libpam-systemd,uidmap,curl \
    bookworm "$root" "$mirror" > "$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    exit 1
}
chroot "$root" useradd -m -u 1000 -s /bin/sh tester
echo tester:100000:65536 | tee "$root/etc/subuid" > "$root/etc/subgid"
mkdir -p "$root/var/lib/systemd/linger" "$root/test"
touch "$root/var/lib/systemd/linger/tester"
echo vm > "$root/etc/hostname"
: > "$root/etc/fstab"
# What README.md of Sources/Cgroups and the error messages advise.
mkdir -p "$root/etc/systemd/system/user@.service.d"
printf '[Service]\nDelegate=cpu cpuset io memory pids\n' > "$root/etc/systemd/system/user@.service.d/delegate.conf"
cat > "$root/etc/systemd/system/test.service" <<END
[Unit]
After=systemd-user-sessions.service systemd-logind.service user@1000.service dbus.service
Wants=user@1000.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mount -o ro /dev/vdb /test && exec sh /test/start'
[Install]
WantedBy=multi-user.target
END
ln -s ../test.service "$root/etc/systemd/system/multi-user.target.wants/test.service"
# Nobody logs in, and nobody has the time.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
    getty@tty1.service serial-getty@ttyS0.service systemd-journal-flush.service systemd-random-seed.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*
truncate -s 1G "$work/disk"
mke2fs -q -t ext4 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard -d "$root" "$work/disk"
# Whole or not at all.
mv "$work/disk" "$output/disk"
