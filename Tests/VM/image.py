#!/usr/bin/env python3
"""image.py DIRECTORY: writes oci.tar (an oci-archive), docker.tar (a docker-archive) and expected.txt there.

The image has two layers over busybox. Below /tree stands what unpacking can get wrong: owners, modes, set-id bits, links,
whiteouts, opaque directories, a file capability. expected.txt lists what a container must see of it, in the form that
list.sh prints.
"""

import gzip
import hashlib
import io
import json
import os
import sys
import tarfile

APPLETS = ["sh", "cat", "find", "sort", "stat", "sha256sum", "readlink", "id", "touch", "echo", "true", "false", "sleep",
           "tail", "dd", "setsid", "timeout", "sed", "mknod", "kill",
           "ls", "printf", "fallocate", "cut", "grep", "rm", "mkdir", "test", "chown"]
# Version 2 of struct vfs_cap_data: effective, permitted = CAP_NET_BIND_SERVICE. All its bytes are ASCII.
BIND_SERVICE = "\x01\x00\x00\x02\x00\x04\x00\x00" + "\x00" * 12
BIG = bytes(range(256)) * 4096


class Layer:
    """A tar archive in memory."""

    def __init__(self):
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, path, kind=tarfile.REGTYPE, data=b"", mode=0o644, owner=(0, 0), link="", attributes=None):
        entry = tarfile.TarInfo(path)
        entry.type, entry.size, entry.mode, entry.linkname = kind, len(data), mode, link
        entry.uid, entry.gid = owner
        entry.mtime = 1_600_000_000
        entry.pax_headers = {"SCHILY.xattr." + name: value for name, value in (attributes or {}).items()}
        self._tar.addfile(entry, io.BytesIO(data))

    def directory(self, path, mode=0o755, owner=(0, 0)):
        self.add(path, tarfile.DIRTYPE, mode=mode, owner=owner)

    def bytes(self):
        self._tar.close()
        return self._buffer.getvalue()


def layers(busybox):
    base = Layer()
    for name in ["bin", "dev", "etc", "proc", "run", "sys", "tree"]:
        base.directory(name)
    base.directory("tmp", mode=0o1777)
    base.add("bin/busybox", data=busybox, mode=0o755)
    for applet in APPLETS:
        base.add("bin/" + applet, tarfile.SYMTYPE, mode=0o777, link="busybox")
    base.add("etc/passwd", data=b"root:x:0:0::/:/bin/sh\nworker:x:1000:1000::/:/bin/sh\n")
    base.add("etc/group", data=b"root:x:0:\nworker:x:1000:\n")
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest/list.sh"), "rb") as file:
        base.add("bin/list", data=file.read(), mode=0o755)
    base.directory("tree/private", mode=0o700, owner=(1000, 1000))
    base.directory("tree/sticky", mode=0o1777)
    base.directory("tree/group", mode=0o2755, owner=(0, 50))
    base.add("tree/plain", data=b"plain\n")
    base.add("tree/same", data=b"plain\n")
    base.add("tree/same-other-mode", data=b"plain\n", mode=0o600)
    base.add("tree/same-other-owner", data=b"plain\n", owner=(1000, 1000))
    base.add("tree/empty", mode=0o444)
    base.add("tree/big", data=BIG, owner=(65534, 65534))
    base.add("tree/setuid", data=b"#!/bin/sh\n", mode=0o4755)
    base.add("tree/setgid", data=b"#!/bin/sh\n", mode=0o2755, owner=(0, 43))
    base.add("tree/unreadable", data=b"secret\n", mode=0o000)
    base.add("tree/hard-a", data=b"one file\n", mode=0o640, owner=(33, 33))
    base.add("tree/hard-b", tarfile.LNKTYPE, mode=0o640, owner=(33, 33), link="tree/hard-a")
    base.add("tree/soft", tarfile.SYMTYPE, mode=0o777, link="plain", owner=(5, 6))
    base.add("tree/soft-absolute", tarfile.SYMTYPE, mode=0o777, link="/nowhere")
    base.directory("tree/cap")
    base.add("tree/cap/cat", data=busybox, mode=0o755, attributes={"security.capability": BIND_SERVICE})
    base.add("tree/fifo", tarfile.FIFOTYPE, mode=0o620)
    base.add("tree/spaces and \u00e9", data=b"name\n")
    base.add("tree/gone", data=b"gone\n")
    base.directory("tree/gone-directory")
    base.add("tree/gone-directory/file", data=b"gone\n")
    base.directory("tree/opaque")
    base.add("tree/opaque/below", data=b"below\n")
    base.add("tree/replaced", data=b"old\n")
    base.directory("tree/becomes-file")
    base.add("tree/becomes-file/x", data=b"x\n")

    upper = Layer()
    upper.add("tree/.wh.gone")
    upper.add("tree/.wh.gone-directory")
    upper.directory("tree/opaque", mode=0o711)
    upper.add("tree/opaque/.wh..wh..opq")
    upper.add("tree/opaque/above", data=b"above\n")
    upper.add("tree/replaced", data=b"new\n", mode=0o640, owner=(1, 2))
    upper.add("tree/becomes-file", data=b"file\n")
    return [base.bytes(), upper.bytes()]


def expected(busybox):
    """What stands below /tree in the end, sorted by bytes as list.sh sorts: type, mode, owner, path, content."""
    def content(data):
        return hashlib.sha256(data).hexdigest()

    plain = content(b"plain\n")
    hard = ("regular", 0o640, "33:33", content(b"one file\n"))
    entries = {
        "private": ("directory", 0o700, "1000:1000", ""), "sticky": ("directory", 0o1777, "0:0", ""),
        "group": ("directory", 0o2755, "0:50", ""), "opaque": ("directory", 0o711, "0:0", ""),
        "plain": ("regular", 0o644, "0:0", plain), "same": ("regular", 0o644, "0:0", plain),
        "same-other-mode": ("regular", 0o600, "0:0", plain),
        "same-other-owner": ("regular", 0o644, "1000:1000", plain),
        "empty": ("regular", 0o444, "0:0", content(b"")), "big": ("regular", 0o644, "65534:65534", content(BIG)),
        "setuid": ("regular", 0o4755, "0:0", content(b"#!/bin/sh\n")),
        "setgid": ("regular", 0o2755, "0:43", content(b"#!/bin/sh\n")),
        "unreadable": ("regular", 0o000, "0:0", content(b"secret\n")),
        "hard-a": hard, "hard-b": hard,
        "soft": ("symlink", 0o777, "5:6", "plain"), "soft-absolute": ("symlink", 0o777, "0:0", "/nowhere"),
        "cap": ("directory", 0o755, "0:0", ""), "cap/cat": ("regular", 0o755, "0:0", content(busybox)), "fifo": ("fifo", 0o620, "0:0", ""),
        "spaces and \u00e9": ("regular", 0o644, "0:0", content(b"name\n")),
        "opaque/above": ("regular", 0o644, "0:0", content(b"above\n")),
        "replaced": ("regular", 0o640, "1:2", content(b"new\n")),
        "becomes-file": ("regular", 0o644, "0:0", content(b"file\n")),
    }
    lines = [f"{kind} {mode:o} {owner} ./{name} {what}".rstrip() for name, (kind, mode, owner, what) in entries.items()]
    return "".join(line + "\n" for line in sorted(lines, key=lambda line: line.encode()))


def tar_of(path, files):
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def main():
    target = sys.argv[1]
    with open("/bin/busybox", "rb") as file:
        busybox = file.read()
    archives = layers(busybox)
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    config = json.dumps({
        "architecture": machine, "os": "linux", "config": {"Cmd": ["list"], "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in archives]},
    }).encode()
    blobs = {}

    def blob(media_type, data):
        digest = hashlib.sha256(data).hexdigest()
        blobs["blobs/sha256/" + digest] = data
        return {"mediaType": "application/vnd.oci.image." + media_type, "digest": "sha256:" + digest, "size": len(data)}

    manifest = blob("manifest.v1+json", json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob("config.v1+json", config),
        "layers": [blob("layer.v1.tar+gzip", gzip.compress(tar, 1, mtime=0)) for tar in archives]}).encode())
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "localhost/vm-oci:latest"}
    tar_of(os.path.join(target, "oci.tar"), {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode(), **blobs})

    name = hashlib.sha256(config).hexdigest()
    files = {f"{number}/layer.tar": tar for number, tar in enumerate(archives)}
    tar_of(os.path.join(target, "docker.tar"), {
        name + ".json": config, **files,
        "manifest.json": json.dumps([{
            "Config": name + ".json", "RepoTags": ["localhost/vm-docker:latest"], "Layers": list(files)}]).encode()})
    with open(os.path.join(target, "expected.txt"), "w", encoding="utf-8") as file:
        file.write(expected(busybox))


if __name__ == "__main__":
    main()
