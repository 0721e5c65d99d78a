#!/usr/bin/env python3
"""How long a container that does nothing takes, beside the kernel's own price and the other runtimes.

Every row is a whole process, from its start to its exit, as an unprivileged user. Rows are measured interleaved, in an
order that is shuffled each round, so that a slow spell of the machine hits all of them. What is not installed is left
out. Called by root, it measures as --user.
"""

import argparse
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field

from measuring import Failure, Samples, as_unprivileged, complaint, machine, once, print_table, scratch_place, tool

IMAGE = "localhost/bench:latest"
APPLETS = ["true", "sh", "cat", "ls", "echo", "sleep"]
FLOOR_LEVELS = ["spawn", "userns", "namespaces", "rootfs", "overlay", "mounts", "network", "cgroup"]

# The bars that --threshold holds: row, row it is compared with, largest ratio of the medians.
BARS = [
    ("swiftpod --network=none", "floor network", 3.0),
    ("swiftpod --network=host", "floor mounts", 3.0),
    ("swiftpod --network=none", "crun run", 1.0),
    ("swiftpod --network=none", "podman --network=none", 0.1),
]


@dataclass
class Row:
    name: str
    command: list
    # The floor's level that does the same work.
    floor: str
    env: dict = field(default_factory=dict)
    samples: Samples = field(default_factory=Samples)


def make_rootfs_tar(path):
    """A root file system with busybox and nothing else: small, static, the same for everybody."""
    busybox = tool("busybox")
    if not busybox:
        raise Failure("busybox is missing: apt-get install busybox-static")
    with tarfile.open(path, "w") as tar:
        for name in ["bin", "dev", "etc", "proc", "run", "sys", "tmp"]:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        with open(busybox, "rb") as file:
            content = file.read()
        entry = tarfile.TarInfo("bin/busybox")
        entry.mode, entry.size = 0o755, len(content)
        tar.addfile(entry, io.BytesIO(content))
        for applet in APPLETS:
            entry = tarfile.TarInfo("bin/" + applet)
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)


def build_floor(scratch):
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "floor.c")
    program = os.path.join(scratch, "floor")
    compiler = tool("cc") or tool("gcc") or tool("clang")
    if not compiler:
        raise Failure("no C compiler: apt-get install gcc libc6-dev")
    subprocess.run([compiler, "-O2", "-static", "-Wall", "-Wextra", "-o", program, source], check=True)
    return program


def floor_rows(scratch, rootfs):
    program = build_floor(scratch)
    upper = os.path.join(scratch, "floor.d")
    os.mkdir(upper)
    levels = [level for level in FLOOR_LEVELS if level != "cgroup" or "FLOOR_CGROUP" in os.environ]
    for level in levels:
        # Before the root changes, the same program has another path.
        inside = FLOOR_LEVELS.index(level) >= FLOOR_LEVELS.index("rootfs")
        true = "/bin/true" if inside else os.path.join(rootfs, "bin/true")
        yield Row("floor " + level, [program, level, rootfs, upper, true], level)


def swiftpod_rows(program, archive):
    failed = complaint([program, "import", archive, IMAGE])
    if failed:
        raise Failure(f"swiftpod import: {failed}")
    for network, floor in [("none", "network"), ("host", "mounts")]:
        command = [program, "run", "--rm", f"--network={network}", IMAGE, "/bin/true"]
        yield Row(f"swiftpod --network={network}", command, floor)


def make_bundle(runtime, bundle, rootfs):
    """The runtime's own rootless example, with our root file system and command."""
    os.mkdir(bundle)
    subprocess.run([runtime, "spec", "--rootless"], cwd=bundle, check=True, stdout=subprocess.DEVNULL)
    path = os.path.join(bundle, "config.json")
    with open(path, encoding="utf-8") as file:
        spec = json.load(file)
    spec["process"].update(args=["/bin/true"], terminal=False)
    spec["root"] = {"path": rootfs, "readonly": False}
    kinds = {namespace["type"] for namespace in spec["linux"]["namespaces"]}
    for kind in ["network", "cgroup"]:
        if kind not in kinds:
            spec["linux"]["namespaces"].append({"type": kind})
    if "network" not in kinds:
        # The examples bind /sys where they share the host's network; with a network of its own it can be mounted.
        spec["mounts"] = [m for m in spec["mounts"] if m["destination"] != "/sys"] + [
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]}]
    # Limits need a delegated cgroup, which most users do not have.
    spec["linux"].pop("resources", None)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(spec, file)


def peer_rows(scratch, rootfs, archive):
    for name, options in [("crun", ["--cgroup-manager=disabled"]), ("runc", [])]:
        runtime = tool(name)
        if not runtime:
            continue
        bundle = os.path.join(scratch, name)
        make_bundle(runtime, bundle, rootfs)
        state = os.path.join(scratch, "run", name)
        yield Row(f"{name} run", [runtime, *options, "--root", state, "run", "--bundle", bundle, "bench"], "network")
    bwrap = tool("bwrap")
    if bwrap:
        yield Row("bwrap --unshare-all", [
            bwrap, "--unshare-all", "--uid", "0", "--gid", "0", "--bind", rootfs, "/", "--proc", "/proc", "--dev", "/dev",
            "--mqueue", "/dev/mqueue", "/bin/true"], "network")
    podman = tool("podman")
    if podman:
        yield from podman_rows(podman, archive)


def podman_rows(podman, archive):
    env = {"STORAGE_DRIVER": "overlay"}
    base = [podman, "--events-backend=file", "--cgroup-manager=cgroupfs"]
    failed = complaint([*base, "import", archive, IMAGE], env)
    if failed:
        print(f"left out podman: import: {failed}", file=sys.stderr)
        return
    for network, floor in [("none", "network"), ("host", "mounts")]:
        command = [*base, "run", "--rm", f"--network={network}", IMAGE, "/bin/true"]
        yield Row(f"podman --network={network}", command, floor, env)


def gather(options, scratch):
    archive = os.path.join(scratch, "rootfs.tar")
    make_rootfs_tar(archive)
    rootfs = os.path.join(scratch, "rootfs")
    os.mkdir(rootfs)
    with tarfile.open(archive) as tar:
        tar.extractall(rootfs)
    rows = list(floor_rows(scratch, rootfs))
    program = options.swiftpod
    if program:
        rows += swiftpod_rows(program, archive)
    elif options.threshold:
        raise Failure("no swiftpod: name it with --swiftpod")
    rows += peer_rows(scratch, rootfs, archive)
    if options.rows:
        needed = {name for bar in BARS for name in bar[:2]} if options.threshold else set()
        rows = [row for row in rows if row.name in needed or any(word in row.name for word in options.rows)]
    usable = []
    for row in rows:
        failed = complaint(row.command, row.env)
        if failed is None:
            usable.append(row)
        elif row.name.startswith(("swiftpod", "floor")):
            raise Failure(f"{row.name}: {failed}")
        else:
            print(f"left out {row.name}: {failed}", file=sys.stderr)
    return usable


def measure(rows, options):
    order = list(rows)
    shuffle = random.Random(1)
    for number in range(options.warmup + options.runs):
        shuffle.shuffle(order)
        for row in order:
            wall, cpu, code = once(row.command, row.env)
            if code != 0:
                raise Failure(f"{row.name}: exit code {code} in round {number}")
            if number >= options.warmup:
                row.samples.add(wall, cpu)


def report(rows):
    floors = {row.floor: row.samples.median for row in rows if row.name.startswith("floor ")}
    table = []
    for row in rows:
        summary = row.samples.summary
        floor = floors.get(row.floor)
        ratio = f"{summary['median'] / floor:.2f}" if floor and not row.name.startswith("floor ") else ""
        table.append([
            row.name, *(f"{summary[key] * 1000:.2f}" for key in ("min", "median", "p95", "cpu")), ratio])
    print_table(["milliseconds", "min", "median", "p95", "CPU", "x floor"], table)


def check_bars(rows):
    medians = {row.name: row.samples.median for row in rows}
    passed = True
    for name, other, limit in BARS:
        if name not in medians or other not in medians:
            print(f"not checked: {name} against {other}: not measured")
            continue
        ratio = medians[name] / medians[other]
        held = ratio <= limit
        passed = passed and held
        print(f"{'held' if held else 'MISSED'}: {name} takes {ratio:.2f} x {other}, the bar is {limit:g}")
    return passed


def run(options, scratch):
    if options.swiftpod:
        # The checkout may be in a home that the user cannot enter.
        copy = os.path.join(scratch, "swiftpod")
        shutil.copyfileobj(options.binary, open(copy, "wb"))
        os.chmod(copy, 0o755)
        options.swiftpod = copy
    rows = gather(options, scratch)
    measure(rows, options)
    print(f"{machine()}; {options.runs} runs each, interleaved\n")
    report(rows)
    if options.json:
        results = {row.name: row.samples.summary for row in rows}
        print(json.dumps({"machine": machine(), "seconds": results}), file=options.json, flush=True)
    if options.threshold:
        print()
        return 0 if check_bars(rows) else 1
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    release = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.build/release/swiftpod")
    parser.add_argument("-n", "--runs", type=int, default=50, help="measured rounds (default %(default)s)")
    parser.add_argument("--warmup", type=int, default=5, help="rounds that do not count (default %(default)s)")
    parser.add_argument("--user", default="swiftpodtest", help="who measures when root calls (default %(default)s)")
    parser.add_argument("--swiftpod", default=release if os.path.exists(release) else None, help="the binary")
    parser.add_argument("--rows", nargs="+", metavar="WORD", help="only rows whose name has one of the words")
    parser.add_argument("--scratch", default=scratch_place(), help="where the scratch directory is made (default %(default)s)")
    parser.add_argument("--json", type=argparse.FileType("w"), help="write the figures to this file as well")
    parser.add_argument("--threshold", action="store_true", help="exit 1 when a bar is missed")
    options = parser.parse_args()
    options.binary = open(options.swiftpod, "rb") if options.swiftpod else None
    try:
        return as_unprivileged(options.user, options.scratch, lambda scratch: run(options, scratch))
    except (Failure, OSError, subprocess.CalledProcessError) as error:
        print(f"{sys.argv[0]}: {error}", file=sys.stderr)
        return 125


if __name__ == "__main__":
    sys.exit(main())
