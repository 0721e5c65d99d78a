#!/usr/bin/env python3
"""Holds a running `swiftpod service` against its OpenAPI document: every operation is called, every answer is checked.

    service.py SOCKET IMAGE DIRECTORY    IMAGE is Tests/Images' `worker`; DIRECTORY is for files

Prints one line per failure and exits 1 when there was any.
"""
import array
import http.client
import json
import os
import socket
import sys
import threading
import time

failures = []


def check(condition, message):
    if not condition:
        failures.append(message)


class Connection(http.client.HTTPConnection):
    """HTTP over a local socket, with descriptors."""

    def __init__(self, path, descriptors=()):
        super().__init__("localhost")
        self.path, self.descriptors = path, descriptors

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def send(self, data):
        if self.sock is None:
            self.connect()
        if self.descriptors and isinstance(data, bytes):
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", self.descriptors))
            self.descriptors = ()
            sent = self.sock.sendmsg([data], [rights])
            data = data[sent:]
        if data:
            super().send(data)


class Schema:
    """As much of JSON Schema as the document uses."""

    def __init__(self, document):
        self.document = document

    def resolve(self, schema):
        while "$ref" in schema:
            place = self.document
            for part in schema["$ref"].lstrip("#/").split("/"):
                place = place[part]
            schema = place
        return schema

    def errors(self, value, schema, path="$"):
        schema = self.resolve(schema)
        if "anyOf" in schema:
            if not any(not list(self.errors(value, one, path)) for one in schema["anyOf"]):
                yield path + " fits none of anyOf"
            return
        kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
                 "null": type(None)}
        kind = schema.get("type")
        if kind and (not isinstance(value, kinds[kind]) or (kind != "boolean" and isinstance(value, bool))):
            yield "%s is no %s: %r" % (path, kind, value)
            return
        if "enum" in schema and value not in schema["enum"]:
            yield "%s is not one of %r: %r" % (path, schema["enum"], value)
        if kind == "object":
            known = schema.get("properties", {})
            for name in schema.get("required", []):
                if name not in value:
                    yield "%s has no %s" % (path, name)
            for name, inner in value.items():
                if name in known:
                    yield from self.errors(inner, known[name], path + "." + name)
                elif schema.get("additionalProperties", True) is False:
                    yield "%s has an unknown %s" % (path, name)
        if kind == "array":
            for index, inner in enumerate(value):
                yield from self.errors(inner, schema.get("items", {}), "%s[%d]" % (path, index))


class Service:
    def __init__(self, path):
        self.path, self.called = path, set()
        self.schema = None
        connection = Connection(path)
        connection.request("GET", "/v1/openapi.json")
        self.document = json.load(connection.getresponse())
        self.schema = Schema(self.document)

    def call(self, method, template, body=None, id=None, descriptors=(), status=None):
        """Calls an operation by its path in the document and checks request and answer against it."""
        operation = self.document["paths"][template][method.lower()]
        self.called.add((method.lower(), template))
        if body is not None and status != 400:
            for error in self.schema.errors(body, operation["requestBody"]["content"]["application/json"]["schema"]):
                failures.append("%s %s: request: %s" % (method, template, error))
        connection = Connection(self.path, descriptors)
        connection.request(method, template.replace("{id}", str(id)), json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        text = answer.read()
        known = operation["responses"].get(str(answer.status), operation["responses"]["default"])
        where = "%s %s -> %d" % (method, template, answer.status)
        value = None
        if "content" in known:
            check(answer.getheader("Content-Type") == "application/json", where + ": content type")
            value = json.loads(text)
            for error in self.schema.errors(value, known["content"]["application/json"]["schema"]):
                failures.append("%s: %s" % (where, error))
        else:
            check(text == b"", where + ": has a body")
        wanted = status or int(min(key for key in operation["responses"] if key != "default"))
        check(answer.status == wanted, "%s, not %d: %s" % (where, wanted, text.decode(errors="replace").strip()))
        return value


def events(service, lines):
    connection = Connection(service.path)
    connection.request("GET", "/v1/events")
    service.called.add(("get", "/v1/events"))
    answer = connection.getresponse()
    schema = service.document["paths"]["/v1/events"]["get"]["responses"]["200"]["content"]["application/x-ndjson"]
    lines.append(None)
    for line in answer:
        value = json.loads(line)
        for error in service.schema.errors(value, schema["schema"]):
            failures.append("event: " + error)
        lines.append(value)


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def exercise(service, image, directory):
    call = service.call
    shell = {"entrypoint": ["/bin/sh", "-c"]}
    seen = []
    threading.Thread(target=events, args=(service, seen), daemon=True).start()
    until(lambda: seen)

    check(call("GET", "/v1/version")["api"] == "1", "api")
    call("GET", "/v1/openapi.json")
    prepared = call("POST", "/v1/prepare", {"image": image})
    check(prepared.get("worker_path") == "/ray/_private/workers/default_worker.py", "prepared: %r" % prepared)
    check(prepared.get("ray_version") == "2.60.0", "prepared: %r" % prepared)

    # Log files, environment, run options.
    log = os.path.join(directory, "log")
    worker = call("POST", "/v1/workers", {
        "image": image, "run_options": ["-e 'C=x y'"], "arguments": ["echo $A $C; echo err >&2; exit 4"],
        "environment": {"A": "1"}, "options": shell, "streams": {"stdout": {"file": log}, "stderr": {"file": log}}})
    ended = call("POST", "/v1/workers/{id}/wait", {}, id=worker["id"])
    check(ended["state"] == "ended" and ended["exit_code"] == 4, "wait: %r" % ended)
    check(open(log).read() == "1 x y\nerr\n", "log: %r" % open(log).read())
    call("DELETE", "/v1/workers/{id}", id=worker["id"])
    call("GET", "/v1/workers/{id}", id=worker["id"], status=404)

    # Descriptors.
    ours, theirs = os.pipe()
    back, forth = os.pipe()
    worker = call("POST", "/v1/workers", {
        "image": image, "arguments": ["cat; sleep 1000"], "options": {**shell, "mounts": [{"source": directory}]},
        "streams": {"stdin": {"descriptor": 1}, "stdout": {"descriptor": 0}}}, descriptors=[theirs, back])
    os.close(theirs)
    os.close(back)
    os.write(forth, b"through")
    os.close(forth)
    check(os.read(ours, 100) == b"through", "descriptors")
    running = call("POST", "/v1/workers/{id}/wait", {"timeout_ms": 50}, id=worker["id"])
    check(running["state"] == "running", "wait with a limit: %r" % running)
    check([w["id"] for w in call("GET", "/v1/workers")["workers"]] == [worker["id"]], "list")
    call("GET", "/v1/workers/{id}", id=worker["id"])
    call("DELETE", "/v1/workers/{id}", id=worker["id"], status=409)
    call("POST", "/v1/workers/{id}/signal", {"signal": 10}, id=worker["id"])
    ended = call("POST", "/v1/workers/{id}/wait", id=worker["id"])
    check(ended.get("signal") == 10, "signal: %r" % ended)
    check(os.read(ours, 100) == b"", "the worker's end of the pipe is still open")

    # Pools.
    pool = call("POST", "/v1/pools", {"image": image, "size": 2, "options": shell})
    check(call("GET", "/v1/pools")["pools"] == [pool], "pools")
    pids = set()
    for number in range(5):
        worker = call("POST", "/v1/pools/{id}/acquire", {
            "arguments": ["exit $N"], "environment": {"N": str(number)}}, id=pool["id"])
        ended = call("POST", "/v1/workers/{id}/terminate" if number == 9 else "/v1/workers/{id}/wait", id=worker["id"])
        check(ended.get("exit_code") == number, "pool: %r" % ended)
        pids.add(worker["id"])
    check(len(pids) == 5, "pool gave one sandbox twice")
    worker = call("POST", "/v1/pools/{id}/acquire", {"arguments": ["trap '' TERM; while :; do sleep 0.1; done"]}, id=pool["id"])
    time.sleep(0.3)
    ended = call("POST", "/v1/workers/{id}/terminate", {"grace_ms": 100}, id=worker["id"])
    check(ended.get("signal") == 9, "terminate: %r" % ended)
    call("DELETE", "/v1/pools/{id}", id=pool["id"])
    call("POST", "/v1/pools/{id}/acquire", {}, id=pool["id"], status=404)

    # Mistakes.
    call("POST", "/v1/workers", {"image": image, "argument": []}, status=400)
    call("POST", "/v1/workers", {"image": image, "run_options": ["--bogus"]}, status=400)
    call("POST", "/v1/workers", {"image": image, "streams": {"stdout": {"descriptor": 0}}}, status=400)
    call("POST", "/v1/workers", {"image": "localhost/none", "run_options": ["--pull=never"]}, status=404)
    call("POST", "/v1/workers", {"image": image, "options": {"entrypoint": ["no-such-program"]}}, status=422)
    connection = Connection(service.path)
    connection.request("PUT", "/v1/workers")
    answer = connection.getresponse()
    answer.read()
    check(answer.status == 405 and answer.getheader("Allow"), "PUT: %d" % answer.status)
    # The same connection goes on.
    connection.request("GET", "/v1/nothing")
    check(connection.getresponse().status == 404, "unknown path")
    for wire, status in [(b"nonsense\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nA" + b"x" * 70000, 413),
                         (b"POST /v1/workers HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
                         (b"POST /v1/workers HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413)]:
        raw = socket.socket(socket.AF_UNIX)
        raw.connect(service.path)
        try:
            raw.sendall(wire)
        except OSError:
            pass
        answer = raw.recv(100)
        check(answer.startswith(b"HTTP/1.1 %d " % status), "%r: %r" % (wire[:20], answer))

    kinds = [event["event"] for event in seen if event]
    check(kinds.count("started") >= 8 and until(lambda: [e["event"] for e in seen if e].count("ended") >= 8),
          "events: %r" % kinds)


def main(path, image, directory):
    check(os.stat(path).st_mode & 0o777 == 0o600, "mode of the socket: %o" % os.stat(path).st_mode)
    service = Service(path)
    exercise(service, image, directory)
    for template, methods in service.document["paths"].items():
        for method in methods:
            check((method, template) in service.called, "%s %s: never called" % (method, template))
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
