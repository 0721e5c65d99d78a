"""Starts Ray's workers in containers by swiftpod: a plugin for Ray's runtime environments."""
import asyncio
import json
import logging
import os
import shlex
import shutil
import sys

from ray._private.runtime_env.plugin import RuntimeEnvPlugin

__all__ = ["SwiftPodPlugin"]

default_logger = logging.getLogger(__name__)


class SwiftPodPlugin(RuntimeEnvPlugin):
    """`runtime_env: {"swiftpod": {"image": …, "worker_path": …, "run_options": […]}}`."""

    name = "swiftpod"
    # After what unpacks files and sets variables, whose results the worker's command carries.
    priority = 20

    def __init__(self):
        # By image; images are prepared side by side, so that "the last one" would be another's.
        self._worker_paths = {}

    @staticmethod
    def validate(runtime_env_dict):
        """Raises ValueError for what cannot be meant."""
        _settings(runtime_env_dict)
        for other in ("container", "image_uri"):
            if runtime_env_dict.get(other):
                raise ValueError("runtime_env has both 'swiftpod' and '%s': a worker has one container" % other)

    async def create(self, uri, runtime_env, context, logger=default_logger):
        """Pulls the image and finds the worker in it; next to nothing when that was done before."""
        settings = _settings(runtime_env)
        container = {key: value for key, value in settings.items() if value}
        request = {"applications": [{"name": "worker", "runtime_env": {"container": container}}]}
        command = [_binary(), "serve", "prepare", "--format", "json", "-"]
        logger.info("Preparing image %s", settings["image"])
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        out, err = await process.communicate(json.dumps(request).encode())
        try:
            row = json.loads(out)["containers"][0]
        except (ValueError, LookupError):
            raise RuntimeError("swiftpod could not prepare %s: %s" % (
                settings["image"], err.decode(errors="replace").strip())) from None
        if row["faults"]:
            faults = "; ".join("%s: %s" % (fault["what"], fault["mend"]) for fault in row["faults"])
            raise RuntimeError("swiftpod could not prepare %s: %s" % (settings["image"], faults))
        self._worker_paths[settings["image"]] = row["worker_path"]
        return 0

    def modify_context(self, uris, runtime_env, context, logger=default_logger):
        """Sets the command that a worker is started by. Ray gives it to a shell, behind `exec`."""
        settings = _settings(runtime_env)
        context.override_worker_entrypoint = settings["worker_path"] or self._worker_paths[settings["image"]]
        command = worker_command(settings, context.env_vars, os.environ, _temporary_directory())
        # The one thing that only the shell knows: the job is not chosen yet.
        line = " ".join(shlex.quote(word) for word in command).replace(_JOB, '"RAY_JOB_ID=$RAY_JOB_ID"')
        context.py_executable = line
        logger.info("Starting worker in container with prefix %s", line)


_JOB = "RAY_JOB_ID-of-the-worker"


def worker_command(settings, env_vars, environment, temporary_directory):
    """The words before the worker's path; `environment` is the agent's, of which Ray's own variables go along."""
    words = [
        _binary(), "run", "-v", "%s:%s" % (temporary_directory, temporary_directory), "--cgroup-manager=cgroupfs",
        "--network=host", "--pid=host", "--ipc=host",
        # Root has no other ids to keep its own apart from.
        "--userns=host" if os.geteuid() == 0 else "--userns=keep-id",
    ]
    variables = {name: value for name, value in environment.items() if name.startswith("RAY_")}
    variables.pop("RAY_JOB_ID", None)
    variables.update(env_vars or {})
    token = _token(variables)
    if token:
        words += ["-v", "%s:%s:ro" % (token, token)]
        variables["RAY_AUTH_TOKEN_PATH"] = token
    for name, value in variables.items():
        words += ["--env", "%s=%s" % (name, value)]
    words += ["--env", _JOB]
    for option in settings["run_options"]:
        words += shlex.split(option)
    return words + ["--entrypoint", "python", settings["image"]]


def _settings(runtime_env):
    """The plugin's own part of a runtime_env, whole and checked."""
    given = runtime_env["swiftpod"]
    if isinstance(given, str):
        given = {"image": given}
    if not isinstance(given, dict):
        raise ValueError("runtime_env['swiftpod'] is neither an image's name nor a dictionary")
    unknown = set(given) - {"image", "worker_path", "run_options"}
    if unknown:
        raise ValueError("runtime_env['swiftpod'] has unknown keys: %s" % ", ".join(sorted(map(str, unknown))))
    image, path, options = given.get("image"), given.get("worker_path") or "", given.get("run_options") or []
    if not isinstance(image, str) or not image or image.startswith("-"):
        raise ValueError("runtime_env['swiftpod']['image'] is not an image's name")
    if not isinstance(path, str):
        raise ValueError("runtime_env['swiftpod']['worker_path'] is not a path")
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        raise ValueError("runtime_env['swiftpod']['run_options'] is not a list of strings")
    for option in options:
        try:
            shlex.split(option)
        except ValueError as error:
            raise ValueError("runtime_env['swiftpod']['run_options']: %s in %r" % (error, option)) from None
    return {"image": image, "worker_path": path, "run_options": options}


def _binary():
    path = os.environ.get("SWIFTPOD_BINARY") or shutil.which("swiftpod")
    if not path:
        raise RuntimeError("swiftpod is not in PATH of Ray's runtime environment agent: install it there, or set "
                           "SWIFTPOD_BINARY")
    return path


def _temporary_directory():
    """Ray's, where its sockets and logs are: the agent that loads the plugin was told."""
    for index, word in enumerate(sys.argv):
        if word.startswith("--temp-dir="):
            return word.split("=", 1)[1]
        if word == "--temp-dir" and index + 1 < len(sys.argv):
            return sys.argv[index + 1]
    return os.path.join(os.environ.get("RAY_TMPDIR", "/tmp"), "ray")


def _token(variables):
    """The file with the cluster's token, where Ray asks for one; older Rays know of none."""
    try:
        from ray._private.authentication.authentication_token_setup import _get_default_token_path
        from ray._private.authentication.authentication_utils import is_token_auth_enabled
    except ImportError:
        return None
    if not is_token_auth_enabled() or "RAY_AUTH_TOKEN" in variables:
        return None
    path = os.path.abspath(variables.get("RAY_AUTH_TOKEN_PATH") or _get_default_token_path())
    return path if os.path.isfile(path) else None
