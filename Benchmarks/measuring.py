"""What the benchmarks beside podman need: their options, a scratch directory, an unprivileged user, whole processes measured
in turn, a table, a bar."""

import argparse
import ctypes
import os
import pwd
import resource  # noqa: F401  os.wait4 loads it late, when the interpreter may be out of reach for the user
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback

PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_SLAVE = 0x1000, 0x4000, 0x80000
LIBC = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """Something that makes the measurement pointless; the message is for the user."""


def tool(name):
    """The path of a program, looked for where Debian puts the ones that only root is meant to find, too."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def as_unprivileged(user, scratch_parent, body):
    """Calls body(scratch) as an unprivileged user in a directory of the user's own and returns its result.

    Called by root it forks and changes to `user`; called by anybody else it stays who it is. Whatever body leaves
    running, a namespace keeper for instance, is ended; the directory is removed with all that subordinate ids own.
    """
    scratch = tempfile.mkdtemp(prefix="swiftpod-bench-", dir=scratch_parent)
    os.chmod(scratch, 0o755)
    if os.geteuid() != 0:
        try:
            return _in_scratch(scratch, body)
        finally:
            remove_tree(scratch)
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        os.rmdir(scratch)
        raise Failure(f"no user {user}: name one with --user, or make it: useradd -m {user}") from None
    os.chown(scratch, account.pw_uid, account.pw_gid)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 125
        try:
            _show_cgroup2_only()
            os.initgroups(user, account.pw_gid)
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
            status = _in_scratch(scratch, body)
        except (Failure, OSError, subprocess.CalledProcessError, KeyboardInterrupt) as error:
            print(f"{sys.argv[0]}: {error}", file=sys.stderr)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    try:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _show_cgroup2_only():
    """Where cgroup v1 and v2 are mounted side by side, crun and with it podman refuse to start a rootless container.
    We and our children get to see v2 alone, in a mount namespace of our own."""
    unified = "/sys/fs/cgroup/unified"
    if not os.path.isdir(unified):
        return
    for call in (
            lambda: LIBC.unshare(CLONE_NEWNS), lambda: LIBC.mount(None, b"/", None, MS_REC | MS_SLAVE, None),
            lambda: LIBC.mount(unified.encode(), b"/sys/fs/cgroup", None, MS_BIND, None)):
        if call() != 0:
            raise OSError(ctypes.get_errno(), "mount cgroup2 alone: " + os.strerror(ctypes.get_errno()))


def scratch_place():
    """Where scratch directories go unless said otherwise: memory, since a disk's file system measures what others have
    done to it as well."""
    place = "/dev/shm"
    usable = os.access(place, os.W_OK) and not os.statvfs(place).f_flag & os.ST_NOEXEC
    return place if usable else tempfile.gettempdir()


def _in_scratch(scratch, body):
    # Orphans come to us, so that they can be ended without looking for them by name.
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    runtime = os.path.join(scratch, "run")
    os.mkdir(runtime, 0o700)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    account = pwd.getpwuid(os.getuid())
    os.environ.clear()
    os.environ.update(
        kept, HOME=scratch, USER=account.pw_name, LOGNAME=account.pw_name, XDG_RUNTIME_DIR=runtime,
        XDG_DATA_HOME=os.path.join(scratch, "data"), XDG_CONFIG_HOME=os.path.join(scratch, "config"))
    os.chdir(scratch)
    try:
        return body(scratch)
    finally:
        end_children()


def end_children():
    """Kills and reaps every child that is left, adopted orphans included."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="utf-8") as file:
            children = [int(pid) for pid in file.read().split()]
        if not children:
            return
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for pid in children:
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                pass


def remove_tree(path):
    """Removes a directory, with what belongs to the caller's subordinate ids."""
    shutil.rmtree(path, ignore_errors=True)
    if os.path.exists(path):
        subprocess.run(
            ["unshare", "--user", "--map-root-user", "--map-auto", "rm", "-rf", path], check=False,
            stderr=subprocess.DEVNULL)


def once(command, env=None):
    """Runs a command to its end: wall seconds, CPU seconds of it and the children it waited for, exit code."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
        start = time.perf_counter()
        pid = os.posix_spawn(command[0], command, {**os.environ, **(env or {})}, file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - start
    finally:
        os.close(null)
    return wall, usage.ru_utime + usage.ru_stime, os.waitstatus_to_exitcode(status)


def complaint(command, env=None):
    """Runs a command and says why it failed: the last line that it wrote; None where it did not fail."""
    result = subprocess.run(
        command, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    if result.returncode == 0:
        return None
    lines = result.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit code {result.returncode}"


def percentile(values, fraction):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(fraction * (len(ordered) - 1)))]


class Samples:
    """The measurements of one row."""

    def __init__(self):
        self.wall = []
        self.cpu = []

    def add(self, wall, cpu):
        self.wall.append(wall)
        self.cpu.append(cpu)

    @property
    def median(self):
        return statistics.median(self.wall)

    @property
    def summary(self):
        return {
            "runs": len(self.wall), "min": min(self.wall), "median": self.median,
            "p95": percentile(self.wall, 0.95), "cpu": statistics.fmean(self.cpu),
        }


def print_table(header, rows):
    """A Markdown table, its columns aligned for people as well; all but the first column are numbers."""
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
    for number, row in enumerate([header, *rows]):
        cells = [str(c).ljust(w) if i == 0 else str(c).rjust(w) for i, (c, w) in enumerate(zip(row, widths))]
        print("| " + " | ".join(cells) + " |")
        if number == 0:
            print("|" + "|".join(("-" * (w + 2)) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|")


def machine():
    """One line about where this was measured."""
    system = os.uname()
    return f"Linux {system.release} {system.machine}, {os.cpu_count()} CPUs"


def option_parser(doc):
    """The options that all have."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    release = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.build/release/swiftpod")
    parser.add_argument("-n", "--runs", type=int, default=5, help="measured rounds (default %(default)s)")
    parser.add_argument("--warmup", type=int, default=1, help="rounds that do not count (default %(default)s)")
    parser.add_argument("--small", action="store_true", help="a tenth of the layer, to try the script out")
    parser.add_argument("--user", default="swiftpodtest", help="who measures when root calls (default %(default)s)")
    parser.add_argument("--swiftpod", default=release if os.path.exists(release) else None, help="the binary")
    parser.add_argument("--scratch", default=scratch_place(), help="where the stores are made (default %(default)s)")
    parser.add_argument("--threshold", action="store_true", help="exit 1 when the bar is missed")
    return parser


def measure(options, run):
    """Calls run(options, scratch) as_unprivileged, with a binary that the user can reach. Returns the exit code."""
    def run_with_copy(scratch):
        if binary:
            options.swiftpod = os.path.join(scratch, "swiftpod")
            with open(options.swiftpod, "wb") as file:
                shutil.copyfileobj(binary, file)
            os.chmod(options.swiftpod, 0o755)
        return run(options, scratch)

    try:
        binary = open(options.swiftpod, "rb") if options.swiftpod else None
        return as_unprivileged(options.user, options.scratch, run_with_copy)
    except (Failure, OSError, subprocess.CalledProcessError) as error:
        print(f"{sys.argv[0]}: {error}", file=sys.stderr)
        return 125


def take_turns(options, rows, step):
    """Calls step(row, counts) for each row in each round, and empties the rows' stores at the end."""
    if not rows:
        raise Failure("neither swiftpod (name it with --swiftpod) nor podman is here")
    for number in range(options.warmup + options.runs):
        for row in rows if number % 2 else reversed(rows):
            step(row, number >= options.warmup)
    for row in rows:
        remove_tree(row.store)


def verdict(options, rows, bar, words):
    """The exit code: with --threshold, whether swiftpod's median, the first row's, is at most that part of podman's."""
    if not options.threshold:
        return 0
    if len(rows) < 2:
        raise Failure("the bar needs both swiftpod and podman")
    held = rows[0].samples.median <= bar * rows[1].samples.median
    print(f"\n{'held' if held else 'MISSED'}: the bar is {words} of podman's time")
    return 0 if held else 1
