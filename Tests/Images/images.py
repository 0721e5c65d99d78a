#!/usr/bin/env python3
"""Builds the images that the tests run, byte for byte under our control: OCI layouts, OCI archives, Docker archives.

    images.py NAME OUTPUT.tar      one image of those in IMAGES, as an archive
    images.py all DIRECTORY        every image that needs nothing but busybox-static

Nothing here needs a network. Times are fixed, so that digests stay the same from one build to the next.
"""
import gzip
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tarfile

BUSYBOX = "/bin/busybox"
EPOCH = 1600000000
OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64"}
ARCHITECTURE = MACHINES[os.uname().machine]


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layer:
    """A layer's tar, entry by entry."""

    def __init__(self, format=tarfile.PAX_FORMAT):
        self.buffer = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.buffer, mode="w", format=format)

    def add(self, name, data=b"", type=tarfile.REGTYPE, mode=0o644, uid=0, gid=0, link="", mtime=EPOCH, pax=None,
            device=(0, 0)):
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.uid, info.gid, info.linkname, info.mtime = type, mode, uid, gid, link, mtime
        info.devmajor, info.devminor = device
        if pax:
            info.pax_headers = pax
        if isinstance(data, str):
            data = data.encode()
        if type == tarfile.REGTYPE:
            info.size = len(data)
        self.tar.addfile(info, io.BytesIO(data) if type == tarfile.REGTYPE else None)
        return self

    def directory(self, name, mode=0o755, **more):
        return self.add(name, type=tarfile.DIRTYPE, mode=mode, **more)

    def symlink(self, name, target, **more):
        return self.add(name, type=tarfile.SYMTYPE, mode=0o777, link=target, **more)

    def hardlink(self, name, target, **more):
        return self.add(name, type=tarfile.LNKTYPE, link=target, **more)

    def whiteout(self, name):
        head, tail = os.path.split(name)
        return self.add(os.path.join(head, ".wh." + tail))

    def opaque(self, name):
        return self.add(name + "/.wh..wh..opq")

    def bytes(self):
        self.tar.close()
        return self.buffer.getvalue()


class Raw:
    """A layer whose tar was written by somebody else."""

    def __init__(self, data):
        self.data = data

    def bytes(self):
        return self.data


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


COMPRESSIONS = {"gzip": lambda d: gzip.compress(d, 6, mtime=0), "zstd": zstd, "plain": lambda d: d}


class Image:
    """Layers and a configuration; written as an OCI layout or as what `docker save` writes."""

    def __init__(self, layers, config=None, name="image:latest", compression="gzip", architecture=ARCHITECTURE,
                 variant=None):
        self.tars = [layer.bytes() for layer in layers]
        self.name = name
        self.compression = compression
        document = {
            "created": "2020-09-13T12:26:40Z", "architecture": architecture, "os": "linux", "config": config or {},
            "rootfs": {"type": "layers", "diff_ids": [sha256(t) for t in self.tars]},
            "history": [{"created": "2020-09-13T12:26:40Z", "created_by": f"layer {i}"}
                        for i in range(len(self.tars))],
        }
        if variant:
            document["variant"] = variant
        self.config = json.dumps(document).encode()
        self.architecture, self.variant = architecture, variant

    def blobs(self):
        """(manifest descriptor, {digest: bytes})"""
        media = {"gzip": OCI + "layer.v1.tar+gzip", "zstd": OCI + "layer.v1.tar+zstd", "plain": OCI + "layer.v1.tar"}
        store = {}

        def put(data, kind):
            store[sha256(data)] = data
            return {"mediaType": kind, "digest": sha256(data), "size": len(data)}

        layers = [put(COMPRESSIONS[self.compression](t), media[self.compression]) for t in self.tars]
        config = put(self.config, OCI + "config.v1+json")
        manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": config, "layers": layers}
        return put(json.dumps(manifest).encode(), OCI + "manifest.v1+json"), store

    def files(self):
        """The files of an OCI layout that holds this image alone."""
        descriptor, store = self.blobs()
        descriptor = dict(descriptor, annotations={"org.opencontainers.image.ref.name": self.name})
        return layout([descriptor], store)

    def docker_files(self):
        digest = sha256(self.config)[7:]
        files = {f"{digest}.json": self.config}
        names = []
        for t in self.tars:
            name = sha256(t)[7:] + ".tar"
            files[name] = t
            names.append(name)
        files["manifest.json"] = json.dumps(
            [{"Config": f"{digest}.json", "RepoTags": [self.name], "Layers": names}]).encode()
        return files


def layout(descriptors, store):
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    for digest, data in store.items():
        files["blobs/sha256/" + digest[7:]] = data
    files["index.json"] = json.dumps(
        {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": descriptors}).encode()
    return files


def archive(files):
    """A tar of the given files."""
    out = Layer(tarfile.GNU_FORMAT)
    for name, data in files.items():
        out.add(name, data)
    return out.bytes()


# The images

def busybox_layer():
    """A root file system of one static busybox, its applets as hard links, and the accounts the tests look up."""
    layer = Layer()
    for name, mode in [("bin", 0o755), ("sbin", 0o755), ("usr", 0o755), ("usr/bin", 0o755), ("etc", 0o755),
                       ("root", 0o700), ("home", 0o755), ("var", 0o755), ("var/tmp", 0o1777), ("tmp", 0o1777),
                       ("proc", 0o555), ("sys", 0o555), ("dev", 0o755), ("run", 0o755)]:
        layer.directory(name, mode)
    layer.directory("home/app", 0o755, uid=1000, gid=1000)
    with open(BUSYBOX, "rb") as file:
        layer.add("bin/busybox", file.read(), mode=0o755)
    applets = subprocess.run([BUSYBOX, "--list"], stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    for applet in applets:
        if applet not in ("busybox",):
            layer.hardlink("bin/" + applet, "bin/busybox", mode=0o755)
    layer.symlink("usr/bin/env", "/bin/env")
    layer.add("etc/passwd", "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\nsvc:x:33:33::/var:/bin/sh\n"
              "app:x:1000:1000:An App:/home/app:/bin/sh\n")
    layer.add("etc/group", "root:x:0:\ndaemon:x:1:\nsvc:x:33:\napp:x:1000:\nextra:x:2000:app\nshared:x:2001:\n")
    layer.add("etc/os-release", 'ID=tiny\nPRETTY_NAME="Tiny"\n')
    layer.add("etc/not-executable", "#!/bin/sh\n")
    layer.add("bin/no-interpreter", "#!/nowhere\n", mode=0o755)
    layer.add("bin/no-format", "\0\1\2\3 not a program", mode=0o755)
    return layer


def tiny(name="localhost/tiny:latest"):
    return Image([busybox_layer()], {"Env": ["PATH=/usr/bin:/bin:/sbin", "FROM_IMAGE=yes"], "Cmd": ["/bin/sh"]}, name)


def configured():
    """Every member of the image configuration that `run` looks at."""
    more = Layer()
    more.directory("work", uid=1000, gid=1000)
    more.directory("vol", 0o775, uid=1000, gid=1000)
    more.add("vol/seed", "seed\n", uid=1000, gid=1000, mode=0o640)
    more.directory("vol/sub", 0o700, uid=33, gid=33)
    more.symlink("vol/link", "seed")
    return Image(
        [busybox_layer(), more],
        {"Env": ["PATH=/usr/bin:/bin:/sbin", "COLOUR=blue", "EMPTY="], "Entrypoint": ["/bin/echo", "entry"],
         "Cmd": ["default", "words"], "WorkingDir": "/work", "User": "app", "Volumes": {"/vol": {}},
         "StopSignal": "SIGUSR1", "Labels": {"colour": "blue", "org.example.kind": "test"},
         "ExposedPorts": {"8080/tcp": {}}},
        "localhost/configured:latest")


def capability(permitted, effective=True, version=2):
    """A security.capability attribute, as the kernel's vfs_cap_data of version 2."""
    magic = version << 24 | (1 if effective else 0)
    return struct.pack("<5I", magic, permitted & 0xffffffff, 0, permitted >> 32, 0).decode("latin-1")


def torture():
    """What a layer can hold: every entry type, ownership, attributes, names, and removals over several layers."""
    a = busybox_layer()
    a.directory("t")
    a.add("t/plain", "plain\n", mode=0o640, uid=1000, gid=2000, mtime=EPOCH + 1)
    a.add("t/empty", "")
    a.add("t/setuid", "#!/bin/sh\n", mode=0o4755)
    a.add("t/setgid", "#!/bin/sh\n", mode=0o2755, gid=33)
    a.add("t/setuid-user", "#!/bin/sh\n", mode=0o6711, uid=1000, gid=1000)
    a.directory("t/sticky", 0o1777)
    a.directory("t/setgid-directory", 0o2775, gid=2000)
    a.directory("t/closed", 0o000)
    a.add("t/unreadable", "secret\n", mode=0o000)
    a.add("t/high", "high\n", uid=65534, gid=65534)
    a.add("t/link-a", "linked\n", mode=0o600, uid=33, gid=33)
    a.hardlink("t/link-b", "t/link-a", mode=0o600, uid=33, gid=33)
    a.hardlink("t/sticky/link-c", "t/link-a", mode=0o600, uid=33, gid=33)
    a.symlink("t/symlink", "plain", uid=1000, gid=1000)
    a.symlink("t/dangling", "/nowhere/at/all")
    a.symlink("t/up", "../../../../etc/passwd")
    a.add("t/fifo", type=tarfile.FIFOTYPE, mode=0o620)
    a.add("t/xattr", "x\n", pax={"SCHILY.xattr.user.colour": "blue", "SCHILY.xattr.user.empty": "",
                                 "SCHILY.xattr.user.long": "v" * 2000})
    a.directory("t/xattr-directory", pax={"SCHILY.xattr.user.kind": "directory"})
    a.add("t/filecap", "#!/bin/sh\n", mode=0o755, pax={"SCHILY.xattr.security.capability": capability(1 << 10)})
    a.add("t/fraction", "f\n", pax={"mtime": "1234567890.123456789"})
    a.add("t/old", "old\n", mtime=0)
    a.directory("t/" + "d" * 99)
    a.add("t/" + "d" * 99 + "/" + "f" * 200, "long\n")
    a.add("t/" + "n" * 255, "longest\n")
    a.symlink("t/long-target", "/" + "t" * 300)
    deep = "t/deep"
    a.directory(deep)
    for i in range(30):
        deep += "/level%02d" % i
        a.directory(deep)
    a.add(deep + "/bottom", "bottom\n")
    a.add("t/sp ace\n and 'quotes' \"too\" \\ back", "odd\n")
    a.add("t/\u00fcml\u00e4ut-\u65e5\u672c", "unicode\n")
    a.add("t/-dash", "dash\n")
    a.add("t/.hidden", "hidden\n")
    a.add("t/big", bytes(range(256)) * 8192)
    for name in ("kept", "removed", "replaced-by-directory", "changed", "twice"):
        a.add("t/" + name, name + " of the first layer\n")
    for name in ("whole", "opaque", "replaced-by-file", "came-back", "by-link"):
        a.directory("t/" + name)
        a.add("t/" + name + "/one", "one\n")
        a.directory("t/" + name + "/inner")
        a.add("t/" + name + "/inner/two", "two\n")
    b = Layer(tarfile.GNU_FORMAT)
    b.whiteout("t/removed").whiteout("t/whole").whiteout("t/link-b")
    b.directory("t/opaque", 0o750, gid=33).opaque("t/opaque").add("t/opaque/new", "new\n")
    b.directory("t/replaced-by-directory").add("t/replaced-by-directory/inside", "inside\n")
    b.add("t/replaced-by-file", "now a file\n")
    b.add("t/changed", "changed by the second layer\n", mode=0o755, uid=33)
    b.whiteout("t/came-back")
    b.whiteout("t/by-link/one").whiteout("t/nothing-of-that-name")
    b.add("t/" + "g" * 60 + "/" + "g" * 120 + "/gnu", "parents made on the way\n")
    b.symlink("t/gnu-target", "/" + "u" * 200)
    c = Layer(tarfile.USTAR_FORMAT)
    c.directory("t/came-back", 0o711).add("t/came-back/three", "three\n")
    c.add("./t/dot-slash", "dot slash\n")
    c.add("t//double//slash", "double slash\n")
    c.add("t/" + "u" * 90 + "/" + "v" * 90, "ustar prefix\n")
    return Image([a, b, c], {"Env": ["PATH=/usr/bin:/bin:/sbin"], "Cmd": ["/bin/sh"]}, "localhost/torture:latest")


def crossing():
    """Where podman goes wrong and umoci does not: links to the layer below, a whiteout whose directory is not named."""
    a = busybox_layer()
    a.directory("t").add("t/kept", "kept\n", mode=0o640, gid=33).add("t/replaced", "old\n")
    a.directory("t/sticky", 0o1777, gid=33).add("t/sticky/removed", "x")
    b = Layer()
    b.whiteout("t/sticky/removed")
    b.hardlink("t/link", "t/kept", mode=0o640, gid=33)
    b.add("t/replaced", "new\n").hardlink("t/replaced-link", "t/replaced")
    return Image([a, b], {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/sh"]}, "localhost/crossing:latest")


def duplicates():
    """One layer that names a path more than once: the last entry counts. Not every tool takes it."""
    a = busybox_layer()
    a.directory("t").add("t/twice", "first\n", mode=0o600).add("t/twice", "second\n", mode=0o755)
    a.add("t/kind", "file\n").directory("t/kind").add("t/kind/inside", "x\n")
    a.add("t/linked", "one\n").hardlink("t/link", "t/linked").add("t/linked", "two\n")
    return Image([a], {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/sh"]}, "localhost/duplicates:latest")


def devices():
    """Device nodes: made for root, left out (with nothing else lost) for everybody else."""
    a = busybox_layer()
    a.directory("nodes")
    a.add("nodes/null", type=tarfile.CHRTYPE, mode=0o666, device=(1, 3))
    a.add("nodes/block", type=tarfile.BLKTYPE, mode=0o660, device=(7, 200))
    a.add("nodes/after", "after\n")
    return Image([a], {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/sh"]}, "localhost/devices:latest")


def many_layers():
    """Thirty layers over the base: each adds a file, rewrites one, and removes what the one before it added."""
    layers = [busybox_layer()]
    for i in range(30):
        layer = Layer()
        layer.directory("many").add(f"many/added-{i:02}", f"{i}\n").add("many/last", f"{i}\n")
        if i:
            layer.whiteout(f"many/added-{i - 1:02}" if i % 2 else "many/nothing")
        if i % 10 == 9:
            layer.opaque("many")
        layers.append(layer)
    return Image(layers, {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/sh"]}, "localhost/many:latest")


def sparse():
    """A GNU sparse file of 1 GiB with two islands of data, as GNU tar writes it (old GNU and PAX 1.0)."""
    def make(option):
        import tempfile
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "sparse" + option)
            with open(path, "wb") as file:
                file.write(b"start")
                file.seek(512 << 20)
                file.write(b"middle")
                file.truncate(1 << 30)
            command = ["tar", "-C", directory, "--sparse", "--owner=0", "--group=0", "--mtime=@%d" % EPOCH, "-cf", "-",
                       "--hole-detection=seek"]
            command += {"gnu": ["--format=gnu"], "pax": ["--format=pax", "--pax-option=delete=atime,delete=ctime"]}[option]
            return subprocess.run(command + ["sparse" + option], stdout=subprocess.PIPE, check=True).stdout
    return Image([busybox_layer(), Raw(make("gnu")), Raw(make("pax"))], {"Env": ["PATH=/usr/bin:/bin"]},
                 "localhost/sparse:latest")


def large():
    """A few layers of some megabytes that do not compress, for pulls that are to be cut or killed half-way."""
    layers = [busybox_layer()]
    for i in range(4):
        block = hashlib.shake_256(b"layer %d" % i).digest(6 << 20)
        layer = Layer()
        layer.directory("large")
        for j in range(12):
            layer.add(f"large/{i}-{j}", block[j << 19:(j + 1) << 19])
        for j in range(300):
            layer.add(f"large/small-{i}-{j}", f"{i} {j}\n")
        layers.append(layer)
    return Image(layers, {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/sh"]}, "localhost/large:latest")


def worker(name="worker", ray="2.60.0", python="3.11.2", user=None, has_python=True):
    """A home of Ray's workers, with a shell script for a Python: it says what it is asked by -c, and runs shell files."""
    more = Layer()
    path = "/ray/_private/workers/default_worker.py"
    facts = {"python": python}
    if ray:
        facts.update(ray=ray, workerPath=path)
        more.directory("ray").directory("ray/_private").directory("ray/_private/workers")
        more.add(path[1:], "echo worker of %s: $$ $(id -u) \"$@\"\n" % name)
    if has_python:
        said = json.dumps(facts)[:-1]
        more.add("usr/bin/python", "#!/bin/sh\nif [ \"$1\" = -c ]; then\n    echo noise\n"
                 "    [ -d /tmp/ray ] && { touch /tmp/ray/.probe.$$ && rm /tmp/ray/.probe.$$; } 2>/dev/null && w=true || w=false\n"
                 "    [ -d /tmp/ray ] || w=null\n    [ -z \"$3\" ] && g=null || { [ -e \"$3\" ] && g=true || g=false; }\n"
                 "    echo 'swiftpod-probe:%s, \"uid\": '$(id -u)', \"writes\": '$w', \"hasGiven\": '$g'}'\n    exit 0\nfi\n"
                 "exec /bin/sh \"$@\"\n" % said, mode=0o755)
    config = {"Env": ["PATH=/usr/bin:/bin:/sbin"], "Cmd": ["/bin/sh"]}
    if user:
        config["User"] = user
    return Image([busybox_layer(), more], config, "localhost/%s:latest" % name)


# A Python in which Ray is installed, as far as Ray's own command lines can tell: what it is given it writes down, and
# ends as the variable FAKE says.
FAKE_PYTHON = """#!/bin/sh
site=/usr/lib/python3.11/site-packages/ray/_private/workers/default_worker.py
case $1 in
-c)
    case $2 in
    *worker_path.txt*) printf %s $site > /shared/worker_path.txt ;;
    *print*) echo $site ;;
    *) exit 2 ;;
    esac ;;
*) exec /bin/sh "$@" ;;
esac
"""

FAKE_WORKER = """
fact() { printf '%s=%s\\n' "$1" "$2"; }
status() { sed -n "s/^$1:[[:space:]]*//p" /proc/$$/status | tr '\\t' ' '; }
fact pid $$
stat=$(cat /proc/$$/stat)
set_facts() { fact parent $2; fact group $3; fact session $4; fact terminal $5; }
set_facts ${stat##*) }
fact uid "$(status Uid)"
fact gid "$(status Gid)"
fact groups "$(status Groups)"
fact ignored "$(status SigIgn)"
fact blocked "$(status SigBlk)"
# The script itself is open above these.
ls /proc/$$/fd > /tmp/descriptors
fact descriptors "$(grep '^.$' /tmp/descriptors | tr '\\n' ' ')"
fact account "$(grep ":x:$(id -u):\\|:\\*:$(id -u):" /etc/passwd)"
fact HOME "$HOME"
fact TERM "$TERM"
fact container "$container"
fact cwd "$(pwd)"
fact hostname "$(hostname)"
for name in pid net ipc user mnt uts cgroup; do fact ns-$name "$(readlink /proc/self/ns/$name)"; done
fact shm "$(cat "$APP_MARK" 2>/dev/null)"
fact mqueue "$(ls -d /dev/mqueue 2>/dev/null)"
fact writable "$(touch written && echo yes)"
fact ray "$(ls /tmp/ray 2>/dev/null | tr '\\n' ' ')"
[ -w /tmp/ray ] && echo here > /tmp/ray/from-worker
for word; do fact argument "$word"; done
env | sed -n 's/^\\(RAY_\\|APP_\\)/variable=&/p'
fact end here
eval "$FAKE"
"""


def ray(name, config=None, version="2.60.0", python=True):
    layer = Layer()
    site = ""
    for part in ("usr/lib", "python3.11", "site-packages", "ray", "_private", "workers"):
        site = site + "/" + part if site else part
        layer.directory(site)
    layer.add("usr/lib/python3.11/site-packages/ray/_version.py", f'commit = "x"\nversion = "{version}"\n')
    layer.add(site + "/default_worker.py", FAKE_WORKER)
    layer.directory("usr/local").directory("usr/local/bin")
    if python:
        layer.add("usr/local/bin/python", FAKE_PYTHON, mode=0o755)
    layer.directory("srv").directory("srv/app", 0o777)
    layer.add("bin/entry", '#!/bin/sh\nexec "$@"\n', mode=0o755)
    settings = {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "APP_COLOUR=blue"], "WorkingDir": "/srv/app",
                "Entrypoint": ["/bin/entry"]}
    settings.update(config or {})
    return Image([busybox_layer(), layer], settings, f"localhost/{name}:latest")


def ray_user():
    return ray("ray-user", {"User": "app"})


def ray_old():
    return ray("ray-old", version="2.48.0")


def ray_without_python():
    return ray("ray-bare", python=False)


IMAGES = {
    "ray": lambda: ray("ray"), "ray-user": ray_user, "ray-old": ray_old, "ray-bare": ray_without_python,
    "worker": worker,
    "worker-old": lambda: worker("worker-old", ray="2.9.3", python="3.9.18"),
    "worker-user": lambda: worker("worker-user", user="app"),
    "worker-without-ray": lambda: worker("worker-without-ray", ray=None),
    "worker-without-python": lambda: worker("worker-without-python", has_python=False),
    "tiny": tiny, "configured": configured, "torture": torture, "crossing": crossing, "devices": devices, "duplicates": duplicates, "many": many_layers,
    "sparse": sparse, "large": large,
}


def rootfs(tar_path, name):
    """An image of one layer from a tarball of a root file system."""
    with open(tar_path, "rb") as file:
        return Image([Raw(file.read())], {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                                          "Cmd": ["/bin/bash"]}, name)


def write(path, data):
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "wb") as file:
        file.write(data)
    os.rename(temporary, path)


def main(arguments):
    if arguments[0] == "all":
        for name, make in IMAGES.items():
            image = make()
            write(os.path.join(arguments[1], name + ".tar"), archive(image.files()))
            if name == "configured":
                write(os.path.join(arguments[1], name + ".docker.tar"), archive(image.docker_files()))
            if name == "tiny":
                tar = image.tars[0]
                write(os.path.join(arguments[1], "tiny.rootfs.tar"), tar)
    elif arguments[0] == "rootfs":
        write(arguments[3], archive(rootfs(arguments[1], arguments[2]).files()))
    else:
        write(arguments[1], archive(IMAGES[arguments[0]]().files()))


if __name__ == "__main__":
    main(sys.argv[1:])
