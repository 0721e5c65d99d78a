#!/usr/bin/env python3
"""A registry with faults: a proxy before a real one, on loopback, that cuts, corrupts, redirects, delays and asks.

    registry.py --upstream PORT --listen PORT --log FILE [faults]

Every request becomes a JSON line in the log: method, path, range, authorization (its first word), status, host.
"""
import argparse
import base64
import http.client
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("--upstream", type=int, required=True)
parser.add_argument("--listen", type=int, required=True)
parser.add_argument("--log", required=True)
parser.add_argument("--cut", type=int, help="the first answer for each blob ends after so many bytes")
parser.add_argument("--cut-always", action="store_true", help="every answer for a blob is cut")
parser.add_argument("--no-range", action="store_true", help="a Range is not understood: the whole blob comes")
parser.add_argument("--busy", type=int, default=0, help="so many requests get 429 and Retry-After: 1")
parser.add_argument("--broken", type=int, default=0, help="so many requests get 503")
parser.add_argument("--redirect", type=int, help="blobs are redirected to this port of localhost, served here too")
parser.add_argument("--redirect-loop", action="store_true")
parser.add_argument("--corrupt", action="store_true", help="one byte of every large blob is changed")
parser.add_argument("--longer", type=int, default=0, help="so many bytes come after every blob")
parser.add_argument("--corrupt-manifest", action="store_true")
parser.add_argument("--manifest", help="every manifest is the contents of this file")
parser.add_argument("--bearer", help="USER:PASSWORD that the token server wants; empty for anybody")
parser.add_argument("--slow", type=float, default=0, help="seconds between the pieces of a blob")
options = parser.parse_args()

lock = threading.Lock()
seen = set()
counts = {"busy": options.busy, "broken": options.broken}


def record(**facts):
    with lock, open(options.log, "a") as log:
        log.write(json.dumps(facts) + "\n")


def take(name):
    with lock:
        counts[name] -= 1
        return counts[name] >= 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.note(status)

    def note(self, status):
        word = (self.headers.get("Authorization") or "").split(" ")[0]
        record(method=self.command, path=self.path, range=self.headers.get("Range"), authorization=word, status=status,
               host=self.headers.get("Host"))

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        secondary = self.server.server_port == options.redirect
        blob = "/blobs/" in self.path
        if self.path.startswith("/token"):
            return self.token()
        if not secondary:
            if take("busy"):
                return self.answer(429, [("Retry-After", "1")], b"{}")
            if take("broken"):
                return self.answer(503, [], b"{}")
            if options.bearer is not None and self.headers.get("Authorization") != "Bearer open-sesame":
                realm = f"http://127.0.0.1:{options.listen}/token"
                return self.answer(
                    401, [("WWW-Authenticate", f'Bearer realm="{realm}",service="tests",scope="repository:t:pull"')],
                    b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
            if blob and options.redirect_loop:
                return self.answer(307, [("Location", self.path)])
            if blob and options.redirect:
                return self.answer(307, [("Location", f"http://localhost:{options.redirect}{self.path}")])
        self.forward(blob)

    def token(self):
        if options.bearer:
            given = (self.headers.get("Authorization") or "").split(" ")
            if len(given) != 2 or base64.b64decode(given[1]).decode() != options.bearer:
                return self.answer(401, [], b"{}")
        self.answer(200, [("Content-Type", "application/json")],
                    b'{"token":"open-sesame","access_token":"open-sesame","expires_in":300}')

    def forward(self, blob):
        upstream = http.client.HTTPConnection("127.0.0.1", options.upstream)
        headers = {k: ", ".join(self.headers.get_all(k)) for k in self.headers.keys()
                   if k.lower() not in ("host", "authorization", "connection", "accept-encoding")}
        if options.no_range:
            headers.pop("Range", None)
        upstream.request(self.command, self.path, headers=headers)
        response = upstream.getresponse()
        body = b"" if self.command == "HEAD" else response.read()
        length = response.getheader("Content-Length")
        large = blob and len(body) > 4096
        if "/manifests/" in self.path and response.status == 200 and body:
            if options.corrupt_manifest:
                body = body.replace(b'"schemaVersion"', b' "schemaVersion"', 1)
            if options.manifest:
                with open(options.manifest, "rb") as file:
                    body = file.read()
        if options.corrupt and large:
            body = body[:2000] + bytes([body[2000] ^ 1]) + body[2001:]
        if blob and body:
            body += b"\0" * options.longer
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() in ("content-type", "docker-content-digest", "content-range", "accept-ranges", "etag"):
                self.send_header(name, value)
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        self.note(response.status)
        if self.command == "HEAD":
            return
        cut = None
        if options.cut is not None and large:
            with lock:
                first = self.path not in seen
                seen.add(self.path)
            if first or options.cut_always:
                cut = options.cut
        if cut is not None and cut < len(body):
            self.wfile.write(body[:cut])
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
            return
        if options.slow and large:
            for i in range(0, len(body), 65536):
                self.wfile.write(body[i:i + 65536])
                time.sleep(options.slow)
        else:
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


if options.redirect:
    threading.Thread(target=Server(("localhost", options.redirect), Handler).serve_forever, daemon=True).start()
Server(("127.0.0.1", options.listen), Handler).serve_forever()
