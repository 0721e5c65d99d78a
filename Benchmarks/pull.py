#!/usr/bin/python3
"""How long a pull takes: one large layer from a registry on loopback into an empty store, swiftpod beside podman.

Whole processes, interleaved, as an unprivileged user. The stores are removed between the runs, off the clock. Called by
root, it measures as --user.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time

import layer
from measuring import (
    Failure, Samples, complaint, machine, measure, once, option_parser, print_table, remove_tree, take_turns, tool, verdict)

# swiftpod's median against podman's.
BAR = 1 / 3


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_registry(scratch):
    """Starts a registry of our own on loopback; it ends with us. Returns its address."""
    program = tool("docker-registry") or tool("registry")
    if not program:
        raise Failure("docker-registry is missing: apt-get install docker-registry")
    address = f"127.0.0.1:{free_port()}"
    config = os.path.join(scratch, "registry.yml")
    with open(config, "w", encoding="utf-8") as file:
        json.dump({
            "version": 0.1, "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": os.path.join(scratch, "registry")}},
            "http": {"addr": address}}, file)
    with open(os.path.join(scratch, "registry.log"), "wb") as log:
        server = subprocess.Popen([program, "serve", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    host, port = address.split(":")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return address
        except OSError:
            time.sleep(0.05)
    raise Failure("docker-registry does not listen")


def push(scratch, address, shape):
    skopeo = tool("skopeo")
    if not skopeo:
        raise Failure("skopeo is missing: apt-get install skopeo")
    layout = os.path.join(scratch, "layout")
    os.mkdir(layout)
    sizes = layer.write_image(layout, shape)
    image = f"{address}/bench:latest"
    failed = complaint([
        skopeo, "--insecure-policy", "copy", "--dest-tls-verify=false", f"oci:{layout}:bench", f"docker://{image}"])
    if failed:
        raise Failure(f"skopeo copy: {failed}")
    shutil.rmtree(layout)
    return image, sizes


class Puller:
    """A program, and how it is told to pull into a store of its own."""

    def __init__(self, name, command, store, env=None):
        self.name, self.command, self.store, self.env = name, command, store, env or {}
        self.samples = Samples()

    def pull(self, counts):
        remove_tree(self.store)
        wall, cpu, code = once(self.command, self.env)
        if code != 0:
            raise Failure(f"{self.name}: {complaint(self.command, self.env) or f'exit code {code}'}")
        if counts:
            self.samples.add(wall, cpu)


def pullers(options, scratch, image):
    found = []
    if options.swiftpod:
        data = os.path.join(scratch, "swiftpod-data")
        found.append(Puller(
            "swiftpod pull", [options.swiftpod, "pull", "-q", "--tls-verify=false", image], data,
            {"XDG_DATA_HOME": data}))
    podman = tool("podman")
    if podman:
        policy = os.path.join(os.environ["XDG_CONFIG_HOME"], "containers")
        os.makedirs(policy)
        with open(os.path.join(policy, "policy.json"), "w", encoding="utf-8") as file:
            json.dump({"default": [{"type": "insecureAcceptAnything"}]}, file)
        data = os.path.join(scratch, "podman-data")
        found.append(Puller(
            "podman pull", [podman, "pull", "-q", "--tls-verify=false", image], data,
            {"XDG_DATA_HOME": data, "STORAGE_DRIVER": "overlay"}))
    return found


def run(options, scratch):
    image, (tar, packed) = push(scratch, start_registry(scratch), layer.SMALL if options.small else layer.FULL)
    rows = pullers(options, scratch, image)
    take_turns(options, rows, Puller.pull)
    print(f"{machine()}; {options.runs} runs each, interleaved; {tar / 1e6:.0f} MB tar, {packed / 1e6:.0f} MB gzip\n")
    podman = next((row.samples.median for row in rows if row.name.startswith("podman")), None)
    table = []
    for row in rows:
        summary = row.samples.summary
        ratio = f"{summary['median'] / podman:.2f}" if podman else ""
        table.append([row.name, *(f"{summary[key]:.2f}" for key in ("min", "median", "p95", "cpu")), ratio])
    print_table(["seconds", "min", "median", "p95", "CPU", "x podman"], table)
    return verdict(options, rows, BAR, "a third")


if __name__ == "__main__":
    sys.exit(measure(option_parser(__doc__).parse_args(), run))
