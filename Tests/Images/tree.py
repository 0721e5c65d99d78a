#!/usr/bin/env python3
"""Lists a directory tree, one JSON line an entry: path, type, mode, owner, time, size, links, attributes, content.

    tree.py ROOT [--pid PID] [--user-namespace PID] [--skip PATH]...

With --user-namespace, ids and attributes are those seen from inside that process's user namespace. With --pid, mount
points of that process are left out.
"""
import argparse
import ctypes
import hashlib
import json
import os
import stat
import sys

KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo",
         stat.S_IFCHR: "character", stat.S_IFBLK: "block", stat.S_IFSOCK: "socket"}


def enter(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
    if os.readlink(f"/proc/{pid}/ns/user") == os.readlink("/proc/self/ns/user"):
        return
    if libc.setns(fd, 0x10000000) != 0:
        sys.exit(f"setns: {os.strerror(ctypes.get_errno())}")
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def mount_points(pid):
    with open(f"/proc/{pid}/mountinfo") as table:
        return {line.split()[4].encode().decode("unicode_escape").strip("/") for line in table} - {""}


def describe(path, info, groups, relative):
    entry = {"path": relative, "type": KINDS[stat.S_IFMT(info.st_mode)], "mode": oct(stat.S_IMODE(info.st_mode)),
             "uid": info.st_uid, "gid": info.st_gid}
    attributes = {}
    for name in os.listxattr(path, follow_symlinks=False):
        if name.startswith(("user.overlay.", "trusted.overlay.", "security.selinux", "user.rootlesscontainers",
                            "user.umoci")):
            continue
        attributes[name] = os.getxattr(path, name, follow_symlinks=False).hex()
    if attributes:
        entry["xattrs"] = attributes
    if entry["type"] != "directory":
        entry["mtime"] = info.st_mtime_ns
    if entry["type"] == "file":
        entry["size"] = info.st_size
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
        entry["sha256"] = digest.hexdigest()
        if info.st_nlink > 1:
            groups.setdefault(info.st_ino, []).append(entry)
    elif entry["type"] == "symlink":
        entry["target"] = os.readlink(path).decode("utf-8", "surrogateescape")
    elif entry["type"] in ("character", "block"):
        entry["device"] = [os.major(info.st_rdev), os.minor(info.st_rdev)]
    return entry


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--pid")
    parser.add_argument("--user-namespace")
    parser.add_argument("--skip", action="append", default=[])
    options = parser.parse_args()
    skip = set(options.skip)
    if options.pid:
        skip |= mount_points(options.pid)
    if options.user_namespace:
        enter(options.user_namespace)
    root = os.fsencode(options.root)
    entries, groups = [], {}

    def walk(path, relative):
        for name in sorted(os.listdir(path)):
            child, below = path + b"/" + name, (relative + b"/" + name).lstrip(b"/")
            text = below.decode("utf-8", "surrogateescape")
            if text in skip:
                continue
            info = os.lstat(child)
            entries.append(describe(child, info, groups, text))
            if stat.S_ISDIR(info.st_mode):
                walk(child, below)

    walk(root, b"")
    for members in groups.values():
        names = sorted(member["path"] for member in members)
        if len(names) > 1:
            for member in members:
                member["same"] = names
    for entry in entries:
        print(json.dumps(entry, sort_keys=True))


main()
