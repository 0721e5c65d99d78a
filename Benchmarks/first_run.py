#!/usr/bin/python3
"""How long the first run of an image under another id mapping takes (`--userns=keep-id`), which every worker of Ray's asks
for: swiftpod lays the image's files out anew, podman copies them.

Whole processes, interleaved, as an unprivileged user. The image is imported anew before each run and removed after it, off
the clock. Called by root, it measures as --user.
"""

import argparse
import os
import sys
import tarfile

import layer
from measuring import (
    Failure, Samples, complaint, machine, measure, once, option_parser, print_table, take_turns, tool, verdict)

# swiftpod's median against podman's.
BAR = 1 / 10


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
    archive, entries = archive_with_program(scratch, layer.SMALL if options.small else layer.FULL, options.program)
    rows = runners(options, scratch)
    take_turns(options, rows, lambda row, counts: row.first_run(archive, counts))
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
    return verdict(options, rows, BAR, "a tenth")


def main():
    parser = option_parser(__doc__)
    parser.add_argument(
        "--program", type=argparse.FileType("rb"),
        default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../build/swiftpod-floor"),
        help="what the container runs: a static program that does nothing when called true (default: make bench's)")
    return measure(parser.parse_args(), run)


if __name__ == "__main__":
    sys.exit(main())
