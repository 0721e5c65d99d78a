#!/usr/bin/python3.11
"""Real Ray Serve over a `podman` that is swiftpod: two applications in two images with other versions of one package.

    ray_test.py BINARY PLACE [MODE...]      as root; PLACE is prepare.sh's; modes: container, image_uri, replicas,
                                            options, token, killed, plugin

Everything runs as an unprivileged user. Each mode is a Ray cluster of its own, over one store; one that fails is tried once
more, because Ray gives its own parts times that a busy machine does not keep, and then ends the test. `ray stop`, by which a
mode ends, ends every Ray of the machine: the whole runs in a pid namespace of its own.
"""
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
USER = os.environ.get("SWIFTPOD_TEST_USER", "swiftpodtest")
PORTS = {"gcs": 6391, "dashboard": 8276, "http": 8011, "client": 20012, "agent": 52376}
ODD = 'a b  $HOME "q" ü'


class Failure(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failure(what)


class Cluster:
    """A Ray head of the user's, over a store in `root`; ended and looked after at the end."""

    def __init__(self, binary, place, root, token=False, plugin=False):
        self.account = pwd.getpwnam(USER)
        self.place = place
        self.root = root
        self.ray = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
        for name in ("", "bin", "home", "run"):
            os.makedirs(f"{self.root}/{name}", exist_ok=True)
            os.chmod(f"{self.root}/{name}", 0o755 if name != "run" else 0o700)
            os.chown(f"{self.root}/{name}", self.account.pw_uid, self.account.pw_gid)
        os.chown(self.ray, self.account.pw_uid, self.account.pw_gid)
        os.chmod(self.ray, 0o755)
        # A cluster after one with a token would ask for that one.
        shutil.rmtree(f"{self.root}/home/.ray", ignore_errors=True)
        if not os.path.exists(f"{self.root}/bin/swiftpod"):
            shutil.copy(binary, f"{self.root}/bin/swiftpod")
            os.chmod(f"{self.root}/bin/swiftpod", 0o755)
        if os.path.lexists(f"{self.root}/bin/podman"):
            os.unlink(f"{self.root}/bin/podman")
        if plugin:
            # Whoever calls it all the same is told of.
            with open(f"{self.root}/bin/podman", "w") as file:
                file.write(f"#!/bin/sh\necho \"$@\" >> {self.root}/home/podman-called\nexit 125\n")
            os.chmod(f"{self.root}/bin/podman", 0o755)
        else:
            os.symlink("swiftpod", f"{self.root}/bin/podman")
        self.environment = {
            "HOME": f"{self.root}/home", "USER": USER, "LANG": "C.UTF-8", "RAY_USAGE_STATS_ENABLED": "0",
            "PATH": f"{self.root}/bin:{place}/venv/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": f"{self.root}/run",
        }
        shutil.copytree(
            f"{HERE}/../../Sources/RayPlugin/swiftpod_ray", f"{self.root}/plugin/swiftpod_ray", dirs_exist_ok=True)
        if plugin or token:
            self.environment["RAY_RUNTIME_ENV_PLUGINS"] = '[{"class": "swiftpod_ray.SwiftPodPlugin"}]'
            self.environment["PYTHONPATH"] = f"{self.root}/plugin"
        self.token = token
        if token:
            self.environment["RAY_AUTH_MODE"] = "token"

    def call(self, *words, check=True, seconds=300, stdin=subprocess.DEVNULL):
        done = subprocess.run(
            words, user=self.account.pw_uid, group=self.account.pw_gid, extra_groups=[], env=self.environment,
            cwd=self.root, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds,
            start_new_session=True)
        if check and done.returncode:
            raise Failure(f"{' '.join(words)}: {done.returncode}\n{done.stdout[-2000:]}")
        return done.stdout

    def load(self):
        """The images come by `import`: one tree, another package and another user in each. Once for a store."""
        if os.path.exists(f"{self.root}/loaded"):
            return
        for name, user in (("a", None), ("b", "ray")):
            archive = f"{self.root}/{name}.tar"
            etc = f"{self.root}/etc-{name}/etc"
            os.makedirs(etc)
            os.chmod(os.path.dirname(etc), 0o755)
            with open(f"{self.place}/rootfs/etc/passwd") as file:
                accounts = file.read()
            if user:
                # As images for Ray have it; only a user with the caller's own uid can write Ray's directory.
                accounts += f"{user}:x:{self.account.pw_uid}:100::/home/{user}:/bin/bash\n"
            for file, text in (("passwd", accounts), ("ray-image", name + "\n")):
                with open(f"{etc}/{file}", "w") as out:
                    out.write(text)
                os.chmod(f"{etc}/{file}", 0o644)
            subprocess.run(
                ["tar", "--owner=0", "--group=0", "--numeric-owner", "-cf", archive,
                 "--exclude=./dev/*", "--exclude=./proc/*", "--exclude=./sys/*", "--exclude=./complete",
                 "--exclude=./etc/passwd", "-C", f"{self.place}/rootfs", ".",
                 "-C", f"{self.root}/etc-{name}", "etc/passwd", "etc/ray-image",
                 f"--transform=s,^humanize,usr/local/lib/python3.11/dist-packages/humanize,",
                 "-C", f"{self.place}/extra-{name}"] + sorted(os.listdir(f"{self.place}/extra-{name}")), check=True)
            os.chmod(archive, 0o644)
            words = ["swiftpod", "import", "-q", "-c", "ENV PATH=/usr/local/bin:/usr/bin:/bin", "-c",
                     "ENV PYTHONPATH=/app", "-c", "WORKDIR /app"]
            if user:
                words += ["-c", f"USER {user}"]
            self.call(*words, archive, f"localhost/ray-{name}:latest")
            os.unlink(archive)
        open(f"{self.root}/loaded", "w").close()

    def start(self):
        if self.token:
            self.call("ray", "get-auth-token", "--generate")
        words = [
            "ray", "start", "--head", "--num-cpus=8", "--num-gpus=0", f"--port={PORTS['gcs']}",
            "--node-ip-address=127.0.0.1", f"--dashboard-port={PORTS['dashboard']}", "--dashboard-host=127.0.0.1",
            f"--ray-client-server-port={PORTS['client']}", f"--dashboard-agent-listen-port={PORTS['agent']}",
            f"--temp-dir={self.ray}", "--object-store-memory=200000000", "--disable-usage-stats"]
        # It gives its own processes half a minute, which on a busy machine is not enough.
        for last in (False, False, True):
            try:
                return self.call(*words)
            except Failure as failure:
                if last or "timed out during startup" not in str(failure):
                    raise
            self.call("ray", "stop", "--force", check=False, seconds=60)

    def deploy(self, applications, replicas=1):
        path = f"{self.root}/serve.json"
        with open(path, "w") as file:
            json.dump({
                "proxy_location": "HeadOnly", "http_options": {"host": "127.0.0.1", "port": PORTS["http"]},
                "applications": [
                    {"name": name, "route_prefix": f"/{name}", "import_path": "ray_app:app", "runtime_env": environment,
                     "deployments": [{"name": "App", "num_replicas": replicas, "graceful_shutdown_timeout_s": 2,
                                      "ray_actor_options": {"num_cpus": 0.1}}]}
                    for name, environment in applications.items()]}, file)
        os.chmod(path, 0o644)
        self.call("serve", "deploy", "-a", f"http://127.0.0.1:{PORTS['dashboard']}", path)

    def get(self, name):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORTS['http']}/{name}", timeout=5) as reply:
                return json.load(reply)
        except (OSError, ValueError):
            return None

    def answers(self, name, count=1, seconds=480, other_than=()):
        """What so many different replicas answer."""
        found = {}
        end = time.time() + seconds
        while len(found) < count:
            expect(time.time() < end, f"/{name}: {len(found)} of {count} replicas answer\n{self.errors()}")
            reply = self.get(name)
            if reply and reply["pid"] not in other_than:
                found[reply["pid"]] = reply
            else:
                time.sleep(0.1)
        return list(found.values())

    def errors(self):
        """The last lines of what workers said on stderr, which is where a start that failed is explained."""
        lines = self.call("sh", "-c", f"tail -n 3 {self.ray}/session_latest/logs/raylet.err "
                          f"{self.ray}/session_latest/logs/runtime_env*.log", check=False)
        return lines[-3000:]

    def raylet(self):
        for entry in os.listdir("/proc"):
            if entry.isdigit() and parent_and_name(entry)[1] == "raylet" and self.owns(int(entry)):
                return int(entry)
        raise Failure("no raylet")

    def owns(self, pid):
        try:
            return f"HOME={self.root}/home\0" in open(f"/proc/{pid}/environ").read()
        except OSError:
            return False

    def ours(self):
        names = [parent_and_name(pid)[1] for pid in os.listdir("/proc") if pid.isdigit() and self.owns(int(pid))]
        # The keeper of the user's ids is one for all, whether something runs or not.
        return [name for name in names if name in ("podman", "swiftpod", "swiftpod-superv")]

    def containers(self):
        return self.call("swiftpod", "ps", "-aq").split()

    def files(self):
        """What stands of containers."""
        places = [f"{self.root}/home/.local/share/swiftpod/{name}" for name in ("containers", "active")]
        return [name for place in places if os.path.isdir(place) for name in os.listdir(place)]

    def end(self):
        self.call("ray", "stop", "--force", check=False, seconds=60)
        left = self.containers()
        # Where that is much, a process aside is at it.
        end = time.time() + 30
        while self.files() and time.time() < end:
            time.sleep(0.2)
        left += self.files()
        self.call("swiftpod", "rm", "-a", "-f", "-t", "0", check=False)
        shutil.rmtree(self.ray, ignore_errors=True)
        return left

    def remove(self):
        """The store, too."""
        # The keeper leaves by itself; its record tells which process it is.
        try:
            os.kill(int(os.readlink(f"{self.root}/run/swiftpod/keeper").split(":")[0]), signal.SIGTERM)
        except (OSError, ValueError):
            pass
        shutil.rmtree(self.root, ignore_errors=True)


def parent_and_name(pid):
    try:
        text = open(f"/proc/{pid}/stat").read()
    except OSError:
        return 0, ""
    name = text[text.index("(") + 1:text.rindex(")")]
    return int(text[text.rindex(")") + 2:].split()[1]), name


def state(pid):
    """One letter, or nothing: what has ended and is its new parent's to reap has ended."""
    try:
        text = open(f"/proc/{pid}/stat").read()
    except OSError:
        return ""
    letter = text[text.rindex(")") + 2]
    return "" if letter in "ZX" else letter


def container(name, *options):
    environment = {"container": {"image": f"localhost/ray-{name}:latest"}}
    if options:
        environment["container"]["run_options"] = list(options)
    return environment


def plugin(name, *options):
    return {"swiftpod": {"image": f"localhost/ray-{name}:latest", "run_options": list(options)}}


def check_worker(cluster, name, reply):
    version = {"a": "4.8.0", "b": "4.12.3"}[name]
    expect((reply["image"], reply["version"]) == (name, version), f"/{name}: {reply}")
    expect(reply["uid"] == cluster.account.pw_uid, f"uid: {reply}")
    # The worker is the raylet's own child, and there is no process of ours beside it.
    expect(parent_and_name(reply["pid"])[0] == cluster.raylet(), f"parent: {reply}")
    # The raylet signals it as a group.
    expect(reply["group"] == reply["pid"], f"group: {reply}")
    expect(reply["user"] != os.readlink("/proc/self/ns/user"), f"namespace: {reply}")
    # A process that is about to become a worker, or cleans up after one, is soon done.
    end = time.time() + 60
    while cluster.ours() and time.time() < end:
        time.sleep(0.2)
    expect(cluster.ours() == [], f"processes of ours: {cluster.ours()}")


def both(cluster, environments, replicas=1):
    cluster.deploy(environments, replicas)
    return {name: cluster.answers(name, replicas) for name in environments}


def mode_container(cluster):
    for name, replies in both(cluster, {name: container(name) for name in "ab"}).items():
        for reply in replies:
            check_worker(cluster, name, reply)


def mode_image_uri(cluster):
    for name, replies in both(cluster, {n: {"image_uri": f"localhost/ray-{n}:latest"} for n in "ab"}).items():
        for reply in replies:
            check_worker(cluster, name, reply)


def mode_replicas(cluster):
    for name, replies in both(cluster, {name: container(name) for name in "ab"}, replicas=4).items():
        for reply in replies:
            check_worker(cluster, name, reply)
    expect(len(cluster.containers()) == 8, "eight containers")


def mode_options(cluster):
    environment = container("a", *options(cluster))
    environment["env_vars"] = {"ODD": ODD, "EMPTY": ""}
    check_options(cluster, both(cluster, {"a": environment})["a"][0])


def options(cluster):
    return [f"-v {cluster.place}/rootfs/etc:/mnt:ro", "--cap-drop=ALL", "--security-opt=label=disable",
            "--ulimit nofile=1234:1234", "--hostname=inside"]


def check_options(cluster, reply):
    check_worker(cluster, "a", reply)
    expect(reply["odd"] == ODD and reply["empty"] == "", f"odd characters: {reply}")
    expect(reply["mounted"] and not reply["mount_writable"], f"-v: {reply}")
    expect(reply["capabilities"] == "0000000000000000", f"--cap-drop: {reply}")
    expect(reply["files"] == 1234 and reply["hostname"] == "inside", f"--ulimit, --hostname: {reply}")


def mode_token(cluster):
    """Ray's own way and the plugin's: a worker without the token is turned away by the cluster."""
    for name, replies in both(cluster, {"a": container("a"), "b": plugin("b")}).items():
        check_worker(cluster, name, replies[0])
        expect(replies[0]["token"], f"no token: {replies[0]}")


def mode_killed(cluster):
    """A replica is killed and comes back; the raylet is killed and nothing stays."""
    kill_replica_and_raylet(cluster, both(cluster, {name: container(name) for name in "ab"}))


def kill_replica_and_raylet(cluster, replies):
    first = replies["a"][0]["pid"]
    os.kill(first, signal.SIGKILL)
    after = cluster.answers("a", len(replies["a"]), other_than=(first,))
    for reply in after:
        check_worker(cluster, "a", reply)
    workers = [reply["pid"] for reply in after + replies["b"]]
    os.kill(cluster.raylet(), signal.SIGKILL)
    # Their last moments take a processor: three seconds of a machine that has one to spare.
    end = time.time() + 3 * max(1, os.getloadavg()[0] / os.cpu_count())
    while any(map(state, workers)) and time.time() < end:
        time.sleep(0.05)
    left = [f"{pid} {state(pid)} of {parent_and_name(pid)}" for pid in workers if state(pid)]
    expect(not left, f"workers outlive the raylet: {left}")
    expect(cluster.containers() == [], "containers outlive the raylet")


def mode_plugin(cluster):
    """The same without a podman."""
    environment = plugin("a", *options(cluster))
    environment["env_vars"] = {"ODD": ODD, "EMPTY": ""}
    check_options(cluster, both(cluster, {"options": environment})["options"][0])
    replies = both(cluster, {name: plugin(name) for name in "ab"}, replicas=2)
    for name in replies:
        for reply in replies[name]:
            check_worker(cluster, name, reply)
    kill_replica_and_raylet(cluster, replies)
    called = f"{cluster.root}/home/podman-called"
    expect(not os.path.exists(called), "podman was called")


MODES = {name[5:]: function for name, function in list(globals().items()) if name.startswith("mode_")}


def run(mode, binary, place, root):
    """What went wrong, or nothing."""
    cluster = Cluster(binary, place, root, token=mode == "token", plugin=mode == "plugin")
    fault = None
    try:
        cluster.load()
        cluster.start()
        MODES[mode](cluster)
    except (Failure, subprocess.TimeoutExpired) as failure:
        fault = str(failure)
    finally:
        left = cluster.end()
    return fault or (f"left behind: {left}" if left else None)


def main(binary, place, *modes):
    root = tempfile.mkdtemp(prefix="swiftpod-ray-", dir="/var/tmp")
    try:
        for mode in modes or MODES:
            for last in (False, True):
                print(f"{mode}: ", end="", flush=True)
                began = time.time()
                fault = run(mode, binary, place, root)
                if not fault:
                    print(f"passed ({time.time() - began:.0f} s)")
                    break
                print(f"FAILED: {fault}" + ("" if last else "\n(once more)"), flush=True)
                if last:
                    return 1
    finally:
        Cluster(binary, place, root).remove()
    return 0


def alone():
    """Comes back as the first process of a pid namespace."""
    mark = "SWIFTPOD_RAY_TEST_ALONE"
    if mark not in os.environ:
        words = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable] + sys.argv
        sys.exit(subprocess.run(words, env={**os.environ, mark: "1"}).returncode)


if __name__ == "__main__":
    alone()
    sys.exit(main(*sys.argv[1:]))
