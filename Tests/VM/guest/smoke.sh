# Shows that the guest is what the tests need, with a program that has nothing to do with swiftpod: Benchmarks/floor.c.
set -eu
echo "up after $(cut -d' ' -f1 /proc/uptime) s: $(uname -r), $(nproc) CPUs"
mkdir -p /home/tester/rootfs/bin /home/tester/rootfs/proc /home/tester/rootfs/sys /home/tester/rootfs/dev
cp /bin/busybox /home/tester/rootfs/bin/
ln -s busybox /home/tester/rootfs/bin/true
chown -R tester:tester /home/tester
for level in userns namespaces rootfs overlay mounts network; do
    path=/bin/true
    case $level in userns | namespaces) path=/home/tester/rootfs/bin/true ;; esac
    su tester -c "/test/floor $level /home/tester/rootfs /home/tester $path"
    echo "as tester: $level"
done
su tester -c "unshare -r true"
