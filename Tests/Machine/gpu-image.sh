#!/bin/sh
# gpu-image.sh DIR TAR [compat]: a root file system of busybox, this machine's libc and a program that looks libraries
# up as programs for GPUs do, `probe LIBRARY FUNCTION`; with a libcuda of its own that has to give way. With `compat` it
# has libraries for a newer CUDA, as NVIDIA's images do. DIR is made and removed.
set -eu
root=$1
mkdir -p "$root/bin" "$root/etc/ld.so.conf.d" "$root/opt/old" "$root/tmp" "$root/proc" "$root/dev" "$root/sys"
chmod 755 "$root"
cp /bin/busybox "$root/bin/busybox"
for name in sh cat ls head od grep id env stat wc test; do ln -s busybox "$root/bin/$name"; done
cat >"$root/probe.c" <<END
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **words) {
    void *library = dlopen(words[1], RTLD_NOW);
    int (*function)(void) = library ? (int (*)(void))dlsym(library, words[2]) : 0;
    if (!function) return puts(dlerror()), 1;
    return printf("%d\n", function()), 0;
}
END
cc -o "$root/bin/probe" "$root/probe.c" -ldl
rm "$root/probe.c"
ldd "$root/bin/probe" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root${library%/*}"
    cp -L "$library" "$root$library"
done
library() { # PATH SONAME VALUE
    mkdir -p "$root${1%/*}"
    echo "int cuInit(void) { return $3; }" >"$root/stub.c"
    cc -shared -nostdlib -fPIC -Wl,-soname,"$2" -o "$root$1" "$root/stub.c"
    rm "$root/stub.c"
}
library /opt/old/libcuda.so.1 libcuda.so.1 7
library /opt/old/libown.so.3 libown.so.3 8
echo /opt/old >"$root/etc/ld.so.conf"
/sbin/ldconfig -r "$root"
if [ "${3:-}" = compat ]; then
    library /usr/local/cuda-13/compat/libcuda.so.590.1.1 libcuda.so.1 99
    ln -s libcuda.so.590.1.1 "$root/usr/local/cuda-13/compat/libcuda.so.1"
    ln -s cuda-13 "$root/usr/local/cuda"
fi
tar -C "$root" -cf "$2" .
rm -rf "$root"
