#!/usr/bin/env python3
"""The plugin as Ray's agent uses it, with a stand-in for the few lines of Ray that it needs, and the real swiftpod.

Tests/Images' `worker` must be in the store; SWIFTPOD_BINARY names the binary.
"""
import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import types
import unittest

here = os.path.dirname(os.path.abspath(__file__))
IMAGE = "localhost/worker:latest"


class RuntimeEnvPlugin:
    name = None
    priority = 10


def module(name, **members):
    made = types.ModuleType(name)
    vars(made).update(members)
    sys.modules[name] = made


for package in ("ray", "ray._private", "ray._private.runtime_env"):
    module(package, __path__=[])
module("ray._private.runtime_env.plugin", RuntimeEnvPlugin=RuntimeEnvPlugin)
sys.path.insert(0, os.environ.get("SWIFTPOD_RAY_PLUGIN") or os.path.join(here, "../../Sources/RayPlugin"))
import swiftpod_ray  # noqa: E402


class Context:
    """Ray's RuntimeEnvContext, as far as it goes."""

    def __init__(self, env_vars=None):
        self.env_vars, self.py_executable, self.override_worker_entrypoint = env_vars or {}, sys.executable, None


def start(context, arguments, environment):
    """As Ray's setup_worker: a shell executes the command, the worker's path in the first argument's place."""
    import shlex
    words = [context.override_worker_entrypoint] + arguments
    line = " ".join(["exec", context.py_executable] + [shlex.quote(word) for word in words])
    return subprocess.run(["bash", "-c", line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, env=environment)


class PluginTests(unittest.TestCase):
    def prepared(self, settings, env_vars=None):
        plugin, context = swiftpod_ray.SwiftPodPlugin(), Context(env_vars)
        runtime_env = {"swiftpod": settings}
        plugin.validate(runtime_env)
        asyncio.run(plugin.create(None, runtime_env, context, logging.getLogger()))
        plugin.modify_context([], runtime_env, context, logging.getLogger())
        return context

    def test_worker_runs(self):
        odd = "a b'\"$HOME `id`\\ \u00fc*"
        context = self.prepared({"image": IMAGE, "run_options": ["-e 'C=x y'", "--cap-drop=ALL"]}, {"ODD": odd})
        self.assertEqual(context.override_worker_entrypoint, "/ray/_private/workers/default_worker.py")
        environment = dict(os.environ, RAY_JOB_ID="01000000")
        done = start(context, ["--worker-id=x y", "--empty="], environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^worker of worker: \d+ %d --worker-id=x y --empty=\n$" % os.getuid())
        context.override_worker_entrypoint = "-c"
        context.py_executable = context.py_executable.replace("--entrypoint python", "--entrypoint /bin/sh")
        done = start(context, ["printf '%s\\n' \"$ODD\" \"$C\" \"$RAY_JOB_ID\""], environment)
        self.assertEqual(done.stdout, odd + "\nx y\n01000000\n", done.stderr)

    def test_worker_path_is_taken_as_given(self):
        context = self.prepared({"image": IMAGE, "worker_path": "/my/worker.py"})
        self.assertEqual(context.override_worker_entrypoint, "/my/worker.py")

    def test_image_alone(self):
        self.assertIn(IMAGE, self.prepared(IMAGE).py_executable)

    def test_what_is_wrong_is_said(self):
        for settings, reason in [({"image": "localhost/nowhere", "run_options": ["--pull=never"]}, "image not known"),
                                 ({"image": IMAGE, "run_options": ["--bogus"]}, "unknown flag: --bogus")]:
            with self.assertRaisesRegex(RuntimeError, reason):
                self.prepared(settings)

    def test_what_cannot_be_meant(self):
        for settings in [5, {}, {"image": ""}, {"image": "-v"}, {"image": "x", "run_option": []},
                         {"image": "x", "run_options": "--rm"}, {"image": "x", "run_options": ["'"]}]:
            with self.assertRaises(ValueError, msg=repr(settings)):
                swiftpod_ray.SwiftPodPlugin.validate({"swiftpod": settings})
        with self.assertRaises(ValueError):
            swiftpod_ray.SwiftPodPlugin.validate({"swiftpod": "x", "image_uri": "y"})


if __name__ == "__main__":
    # As Ray's agent is told; the place is this test's, and not a raylet's.
    with tempfile.TemporaryDirectory() as directory:
        sys.argv.append("--temp-dir=" + directory)
        unittest.main(argv=sys.argv[:1])
