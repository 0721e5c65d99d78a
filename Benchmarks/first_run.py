#!/usr/bin/python3
"""How long the first run of an image under another id mapping takes (`--userns=keep-id`), which every worker of Ray's asks
for: swiftpod lays the image's files out anew, podman copies them.

Whole processes, interleaved, as an unprivileged user. The image is imported anew before each run and removed after it, off
the clock. Called by root, it measures as --user.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile

import layer
from measuring import (
    Failure, Samples, as_unprivileged, complaint, machine, once, print_table, remove_tree, scratch_place, tool)

# swiftpod's median against podman's.
BAR = 1 / 10
HERE = os.path.dirname(os.path.abspath(__file__))


class Runner:
    """A program, and what it adds to every command line."""

    def __init__(self, name, command, store, env):
        self.name, self.command, self.store, self.env = name, command, store, env
        self.samples = Samples()
        self.added = []

    def off_the_clock(self, *words):
        failed = complaint([*self.command, *words], self.env)
        if failed:
            raise Failure(f"{self.name} {words[0]}: {failed}")

    def used(self):
        os.sync()
        usage = os.statvfs(self.store)
        return (usage.f_blocks - usage.f_bfree) * usage.f_frsize

    def first_run(self, archive, counts):
        self.off_the_clock("import", archive, "bench")
        before = self.used()
        command = [*self.command, "run", "--rm", "--network=none", "--userns=keep-id", "bench", "/bin/true"]
        wall, cpu, code = once(command, self.env)
        if code != 0:
            raise Failure(f"{self.name}: {complaint(command, self.env) or f'exit code {code}'}")
        if counts:
            self.samples.add(wall, cpu)
            self.added.append(self.used() - before)
        self.off_the_clock("rmi", "--force", "bench")


def runners(options, scratch):
    found = []
    if options.swiftpod:
        data = os.path.join(scratch, "swiftpod-data")
        found.append(Runner("swiftpod run", [options.swiftpod], data, {"XDG_DATA_HOME": data}))
    podman = tool("podman")
    if podman:
        data = os.path.join(scratch, "podman-data")
        found.append(Runner(
            "podman run", [podman, "--cgroup-manager=cgroupfs", "--events-backend=file"], data,
            {"XDG_DATA_HOME": data, "STORAGE_DRIVER": "overlay"}))
    if not found:
        raise Failure("neither swiftpod (name it with --swiftpod) nor podman is here")
    for runner in found:
        os.mkdir(runner.store)
    return found


def archive_with_program(scratch, shape, program):
    """The generated layer, and a program that does nothing."""
    archive = os.path.join(scratch, "image.tar")
    layer.write_tar(archive, shape)
    with tarfile.open(archive, "a", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("bin/true")
        entry.mode, entry.size, entry.mtime = 0o755, os.fstat(program.fileno()).st_size, 1_700_000_000
        tar.addfile(entry, program)
    with tarfile.open(archive) as tar:
        return archive, sum(1 for _ in tar)


def run(options, scratch):
    if options.swiftpod:
        copy = os.path.join(scratch, "swiftpod")
        with open(copy, "wb") as file:
            shutil.copyfileobj(options.binary, file)
        os.chmod(copy, 0o755)
        options.swiftpod = copy
    archive, entries = archive_with_program(scratch, layer.SMALL if options.small else layer.FULL, options.program)
    rows = runners(options, scratch)
    for number in range(options.warmup + options.runs):
        for row in rows if number % 2 else reversed(rows):
            row.first_run(archive, number >= options.warmup)
    for row in rows:
        remove_tree(row.store)
    size = os.path.getsize(archive) / 1e6
    print(f"{machine()}; {options.runs} runs each, interleaved; {entries} entries, {size:.0f} MB\n")
    podman = next((row.samples.summary for row in rows if row.name.startswith("podman")), None)
    table = []
    for row in rows:
        summary = row.samples.summary
        ratios = [f"{summary[key] / podman[key]:.3f}" if podman else "" for key in ("median", "cpu")]
        added = sorted(row.added)[len(row.added) // 2] / 1e6
        table.append([row.name, *(f"{summary[key]:.2f}" for key in ("min", "median", "p95", "cpu")), *ratios, f"{added:.0f}"])
    print_table(["seconds", "min", "median", "p95", "CPU", "x podman", "x its CPU", "MB more"], table)
    if options.threshold:
        if len(rows) < 2:
            raise Failure("the bar needs both swiftpod and podman")
        held = rows[0].samples.median <= BAR * podman["median"]
        print(f"\n{'held' if held else 'MISSED'}: the bar is a tenth of podman's time")
        return 0 if held else 1
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    release = os.path.join(HERE, "../.build/release/swiftpod")
    parser.add_argument("-n", "--runs", type=int, default=5, help="measured rounds (default %(default)s)")
    parser.add_argument("--warmup", type=int, default=1, help="rounds that do not count (default %(default)s)")
    parser.add_argument("--small", action="store_true", help="a tenth of the image, to try the script out")
    parser.add_argument("--user", default="swiftpodtest", help="who measures when root calls (default %(default)s)")
    parser.add_argument("--swiftpod", default=release if os.path.exists(release) else None, help="the binary")
    parser.add_argument(
        "--program", default=os.path.join(HERE, "../build/swiftpod-floor"),
        help="what the container runs: a static program that does nothing when called true (default: make bench's)")
    parser.add_argument("--scratch", default=scratch_place(), help="where the stores are made (default %(default)s)")
    parser.add_argument("--threshold", action="store_true", help="exit 1 when the bar is missed")
    options = parser.parse_args()
    try:
        options.binary = open(options.swiftpod, "rb") if options.swiftpod else None
        options.program = open(options.program, "rb")
        return as_unprivileged(options.user, options.scratch, lambda scratch: run(options, scratch))
    except (Failure, OSError, subprocess.CalledProcessError) as error:
        print(f"{sys.argv[0]}: {error}", file=sys.stderr)
        return 125


if __name__ == "__main__":
    sys.exit(main())
