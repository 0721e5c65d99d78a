"""A Serve application that exists inside the images alone: it answers with what it finds there."""
import importlib.metadata
import os
import resource
import socket

import humanize
from ray import serve


@serve.deployment
class App:
    async def __call__(self, request):
        return {
            "pid": os.getpid(), "uid": os.getuid(), "gid": os.getgid(), "group": os.getpgrp(),
            "version": importlib.metadata.version("humanize"), "sample": humanize.naturalsize(3_000_000),
            "image": open("/etc/ray-image").read().strip(), "home": os.environ.get("HOME"),
            "user": os.readlink("/proc/self/ns/user"), "mnt": os.readlink("/proc/self/ns/mnt"),
            "odd": os.environ.get("ODD"), "empty": os.environ.get("EMPTY"),
            "mounted": os.path.exists("/mnt/hostname"), "mount_writable": not os.statvfs("/mnt").f_flag & os.ST_RDONLY,
            "capabilities": next(line.split()[1] for line in open("/proc/self/status") if line.startswith("CapBnd")),
            "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0], "hostname": socket.gethostname(),
            "token": os.path.exists(os.environ.get("RAY_AUTH_TOKEN_PATH", "")),
        }


app = App.bind()
