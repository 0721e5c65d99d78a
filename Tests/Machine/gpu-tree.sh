#!/bin/sh
# gpu-tree.sh DIR [wsl]: a machine with GPUs, made up in DIR, which must not exist: what drivers show under /proc, /sys and
# /dev, and stub libraries under their real names with a cache made by ldconfig. Needs root, for device nodes; they have
# the numbers of /dev/null, /dev/zero and the like, so that they can be opened. `wsl`: what the Windows Subsystem for Linux
# shows of one. See Tests/Machine/gpu-image.sh too.
set -eu
top=$1
version=580.95.05
triple=$(cc -dumpmachine | sed 's/-pc-/-/; s/-unknown-/-/')
lib=$top/usr/lib/$triple
mkdir "$top"
chmod 755 "$top"

file() { # PATH TEXT
    mkdir -p "$top/${1%/*}"
    printf '%b' "$2" >"$top/$1"
}
node() { # PATH MINOR MODE: character device 1:MINOR
    mkdir -p "$top/${1%/*}"
    mknod -m "$3" "$top/$1" c 1 "$2"
}
pci() { # ADDRESS VENDOR DRIVER NODE...
    device=devices/pci0000:00/$1
    file sys/$device/vendor "$2\n"
    file sys/$device/numa_node "${numa:-0}\n"
    file sys/$device/local_cpulist "0-1\n"
    mkdir -p "$top/sys/bus/pci/devices" "$top/sys/bus/pci/drivers/$3"
    ln -s "../../../$device" "$top/sys/bus/pci/devices/$1"
    ln -s "../../../bus/pci/drivers/$3" "$top/sys/$device/driver"
    address=$1
    shift 3
    for name; do
        mkdir -p "$top/sys/$device/drm/$name" "$top/sys/class/drm"
        ln -s "../../$device/drm/$name" "$top/sys/class/drm/$name"
        ln -s ../.. "$top/sys/$device/drm/$name/device"
        kind=${name%%[0-9]*}
        mkdir -p "$top/dev/dri/by-path"
        ln -s "../$name" "$top/dev/dri/by-path/pci-$address-$(echo "$kind" | sed s/renderD/render/)"
    done
}
library() { # NAME SONAME SYMBOL VALUE
    echo "int $3(void) { return $4; }" >"$top/stub.c"
    cc -shared -nostdlib -fPIC -Wl,-soname,"$2" -o "$lib/$1" "$top/stub.c"
    rm "$top/stub.c"
}

if [ "${2:-}" = wsl ]; then
    # One node for all GPUs, and Windows' own directory of drivers, of which one is NVIDIA's.
    node dev/dxg 5 666
    file usr/lib/wsl/drivers/u0123456.inf_amd64_0123456789abcdef/libother.so 'of another vendor'
    lib=$top/usr/lib/wsl/drivers/nv_dispi.inf_amd64_0123456789abcdef
    mkdir -p "$lib"
    library libcuda.so.1.1 libcuda.so.1 cuInit 42
    library libcuda_loader.so libcuda_loader.so load 43
    library libnvidia-ml.so.1 libnvidia-ml.so.1 nvmlInit 44
    library libnvidia-ptxjitcompiler.so.1 libnvidia-ptxjitcompiler.so.1 jit 45
    for name in nvcubins.bin nvcuda64.dll readme.txt; do echo "$name" >"$lib/$name"; done
    printf '#!/bin/sh\necho smi\n' >"$lib/nvidia-smi"
    chmod 755 "$lib/nvidia-smi"
    lib=$top/usr/lib/wsl/lib
    mkdir -p "$lib"
    library libdxcore.so libdxcore.so core 46
    exit
fi

# NVIDIA: two GPUs, the second partitioned in two.
file proc/driver/nvidia/version "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  $version  Release Build  \
(builder@host)  Tue Sep 23 09:55:41 UTC 2025\nGCC version:  gcc version 12.2.0\n"
file proc/driver/nvidia/params "ResmanDebugLevel: 4294967295\nModifyDeviceFiles: 1\nDeviceFileMode: 438\n"
gpu() { # ADDRESS UUID MINOR
    file "proc/driver/nvidia/gpus/$1/information" "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 100\n\
GPU UUID: \t $2\nBus Type: \t PCIe\nBus Location: \t $1\nDevice Minor: \t $3\nGPU Excluded:\t No\n"
}
gpu 0000:04:00.0 GPU-11111111-2222-3333-4444-555555555555 0
gpu 0000:0a:00.0 GPU-99999999-8888-7777-6666-555555555555 1
capability() { file "proc/driver/nvidia/capabilities/$1/access" "DeviceFileMinor: $2\nDeviceFileMode: 292\n\
DeviceFileModify: 1\n"; }
capability mig/config 1
capability mig/monitor 2
capability gpu1/mig/gi1 12
capability gpu1/mig/gi1/ci0 13
capability gpu1/mig/gi2 21
capability gpu1/mig/gi2/ci0 22
file proc/driver/nvidia-caps/mig-minors "config 1\nmonitor 2\ngpu1/gi1/access 12\ngpu1/gi1/ci0/access 13\n"
file proc/devices "Character devices:\n  1 mem\n195 nvidia\n195 nvidiactl\n234 nvidia-caps\n236 drm\n508 nvidia-uvm\n\
\nBlock devices:\n  7 loop\n"
node dev/nvidia0 3 666
node dev/nvidia1 5 666
node dev/nvidiactl 3 666
node dev/nvidia-uvm 5 666
node dev/nvidia-uvm-tools 3 666
node dev/nvidia-modeset 3 666
for minor in 1 2 12 13 21 22; do node dev/nvidia-caps/nvidia-cap$minor 3 444; done
numa=0 pci 0000:04:00.0 0x10de nvidia card0 renderD128
numa=1 pci 0000:0a:00.0 0x10de nvidia card1 renderD129
mkdir -p "$lib/vdpau" "$top/etc/ld.so.conf.d"
library libcuda.so.$version libcuda.so.1 cuInit 42
library libnvidia-ml.so.$version libnvidia-ml.so.1 nvmlInit 43
library libnvidia-glcore.so.$version libnvidia-glcore.so.$version core 44
library libGLX_nvidia.so.$version libGLX_nvidia.so.0 glx 45
library libnvidia-allocator.so.$version libnvidia-allocator.so.1 alloc 46
library vdpau/libvdpau_nvidia.so.$version libvdpau_nvidia.so.1 vdpau 47
library libnvidia-egl-gbm.so.1.1.2 libnvidia-egl-gbm.so.1 gbm 48
library libother.so.2.0 libother.so.2 other 49
library libcuda.so.470.1.1 libcuda.so.1 cuInit 1
echo "/usr/lib/$triple" >"$top/etc/ld.so.conf"
/sbin/ldconfig -r "$top" 2>/dev/null
ln -sf libcuda.so.$version "$lib/libcuda.so.1"
ln -s libnvidia-ml.so.1 "$lib/libnvidia-ml.so"
file usr/bin/nvidia-smi "#!/bin/sh\necho smi\n"
chmod 755 "$top/usr/bin/nvidia-smi"
file usr/share/glvnd/egl_vendor.d/10_nvidia.json '{}\n'
file usr/share/vulkan/icd.d/nvidia_icd.json '{}\n'
file etc/OpenCL/vendors/nvidia.icd 'libnvidia-opencl.so.1\n'
file lib/firmware/nvidia/$version/gsp_ga10x.bin 'firmware'
mkdir -p "$top/run/nvidia-persistenced"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$top/run/nvidia-persistenced/socket"

file sys/devices/system/node/node0/cpulist "1\\n"

# AMD: one GPU beside the processor's node of the topology.
node dev/kfd 3 660
numa=0
pci 0000:2d:00.0 0x1002 amdgpu card2 renderD130
file sys/class/kfd/kfd/topology/nodes/0/gpu_id "0\n"
file sys/class/kfd/kfd/topology/nodes/0/properties "cpu_cores_count 16\ndrm_render_minor 0\n"
file sys/class/kfd/kfd/topology/nodes/1/gpu_id "54321\n"
file sys/class/kfd/kfd/topology/nodes/1/properties "simd_count 304\ndrm_render_minor 130\nunique_id 11400714785074694791\n"

# Intel: a GPU and a neural processor.
pci 0000:00:02.0 0x8086 i915 card3 renderD131
pci 0000:00:0b.0 0x8086 intel_vpu
mkdir -p "$top/sys/class/accel"
mkdir "$top/sys/class/accel/accel0"
ln -s ../../../devices/pci0000:00/0000:00:0b.0 "$top/sys/class/accel/accel0/device"
node dev/accel/accel0 3 666
for number in 0 1 2 3; do
    node dev/dri/card$number 3 660
    node dev/dri/renderD$((128 + number)) 5 660
done
chgrp 4242 "$top/dev/kfd" "$top"/dev/dri/renderD*
