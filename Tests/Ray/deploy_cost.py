#!/usr/bin/python3.11
"""CPU seconds from `serve deploy` to RUNNING, two applications, by way of running them.

    deploy_cost.py BINARY PLACE [--rounds N] [WAY...]     as root; PLACE is prepare.sh's; ways: host, plugin, container,
                                                          podman (the real one, which has to be installed)

host: without containers. Every round is a new cluster of each way in turn, over images that have been run before. CPU is
that of everything below this program, counted by a cgroup: Ray, the workers, and whatever starts them.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import ray_test

MARK = "SWIFTPOD_DEPLOY_COST"


class Way(ray_test.Cluster):
    """A cluster whose store stays from round to round."""

    def __init__(self, way, binary, place):
        root = tempfile.mkdtemp(prefix="swiftpod-ray-", dir="/var/tmp")
        super().__init__(binary, place, root, plugin=way == "plugin")
        self.way = way
        self.tool = "podman" if way == "podman" else "swiftpod"
        if way == "podman":
            # In front of the directory of ours that has another of this name.
            os.unlink(f"{self.root}/bin/podman")
            os.symlink(shutil.which("podman"), f"{self.root}/bin/podman")
            configuration = f"{self.root}/home/.config/containers"
            os.makedirs(configuration)
            for name, text in (("storage", '[storage]\ndriver = "overlay"\n'),
                               ("containers", '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')):
                with open(f"{configuration}/{name}.conf", "w") as file:
                    file.write(text)
            subprocess.run(["chown", "-R", str(self.account.pw_uid), f"{self.root}/home/.config"], check=True)
        if way != "host":
            self.load()

    def call(self, *words, **options):
        if words[0] == "swiftpod":
            words = (self.tool,) + words[1:]
        return super().call(*words, **options)

    def applications(self):
        if self.way == "plugin":
            return {name: ray_test.plugin(name) for name in "ab"}
        if self.way == "host":
            return {name: {"env_vars": {"PYTHONPATH": f"{self.place}/extra-{name}:{self.place}/rootfs/app"}}
                    for name in "ab"}
        return {name: ray_test.container(name) for name in "ab"}

    def deployed(self):
        """Wall and CPU seconds."""
        os.makedirs(self.ray, exist_ok=True)
        os.chown(self.ray, self.account.pw_uid, self.account.pw_gid)
        self.start()
        try:
            # Serve itself first, which is the same in every way; and the workers that Ray starts ahead.
            self.deploy({})
            time.sleep(6)
            began, before = time.time(), cpu()
            self.deploy(self.applications())
            while not self.runs():
                ray_test.expect(time.time() < began + 240, f"{self.way}: not RUNNING\n{self.errors()}")
                time.sleep(0.1)
            return time.time() - began, cpu() - before
        finally:
            self.call("ray", "stop", "--force", check=False, seconds=60)
            if self.way == "podman":
                self.call("podman", "rm", "-fa", check=False)
            shutil.rmtree(self.ray, ignore_errors=True)
            time.sleep(2)

    def runs(self):
        address = f"http://127.0.0.1:{ray_test.PORTS['dashboard']}/api/serve/applications/"
        try:
            with urllib.request.urlopen(address, timeout=5) as reply:
                found = json.load(reply)["applications"]
        except OSError:
            return False
        states = [found.get(name, {}).get("status") for name in "ab"]
        ray_test.expect("DEPLOY_FAILED" not in states, f"{self.way}: {found}\n{self.errors()}")
        return states == ["RUNNING", "RUNNING"]

    def end(self):
        if self.way == "podman":
            self.call("podman", "system", "migrate", check=False)
        super().end()
        self.remove()


def cpu():
    with open(f"{os.environ[MARK]}/cpu.stat") as file:
        return int(file.readline().split()[1]) / 1e6


def enter_cgroup():
    """Comes back in a cgroup of its own, delegated to the user, where cgroup2 alone is to be seen: podman wants it so. And in a
    pid namespace of its own: `ray stop` ends every Ray that it sees."""
    if MARK in os.environ:
        return
    script = """
        mount --make-rprivate /
        [ -e /sys/fs/cgroup/cgroup.procs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
        mkdir -p /dev/mqueue
        mount -t mqueue mqueue /dev/mqueue
        top=$(mktemp -d /sys/fs/cgroup/deploy-cost-XXXXXX)
        mkdir "$top/run"
        chown -R "$1" "$top"
        chmod 755 "$top"
        echo $$ > "$top/run/cgroup.procs"
        mount --make-rshared /
        export %s="$top"
        shift
        exec "$@" """ % MARK
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-ec", script, "sh", ray_test.USER,
         sys.executable] + sys.argv)
    sys.exit(done.returncode)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("place")
    parser.add_argument("ways", nargs="*", default=["host", "plugin", "container", "podman"])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    enter_cgroup()
    ways, taken = [], {}
    try:
        for name in arguments.ways:
            ways.append(Way(name, arguments.binary, arguments.place))
        for number in range(arguments.rounds + 1):
            for way in ways:
                wall, used = way.deployed()
                print(f"round {number} {way.way}: {wall:.1f} s, {used:.1f} CPU s", flush=True)
                if number:
                    taken.setdefault(way.way, []).append((used, wall))
    finally:
        for way in ways:
            way.end()
    base = statistics.median(used for used, _ in taken[ways[0].way])
    for name, values in taken.items():
        used = statistics.median(value[0] for value in values)
        wall = statistics.median(value[1] for value in values)
        print(f"{name}: {used:.1f} CPU s (x {used / base:.2f}), {wall:.1f} s")


if __name__ == "__main__":
    main()
