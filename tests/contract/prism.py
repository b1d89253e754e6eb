"""Prism, which answers as Front's OpenAPI says and refuses with 422 what it does not allow; and a door to it that keeps records."""
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess

import pytest

from serving import Drop, Server
from wait import until

PACKAGE, VERSION = "@stoplight/prism-cli", "5.14.2"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "front-bridge" / f"prism-{VERSION}"


def program():
    """Where Prism is; it is installed once, into the user's cache."""
    found = CACHE / "node_modules" / ".bin" / "prism"
    if found.exists():
        return found
    if not shutil.which("npm"):
        pytest.skip("npm is not installed, so there is no Prism")
    CACHE.mkdir(parents=True, exist_ok=True)
    words = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", CACHE, f"{PACKAGE}@{VERSION}"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm took too long to install {PACKAGE}")
    if done.returncode or not found.exists():
        pytest.skip(f"npm could not install {PACKAGE}: {done.stderr.strip()[-300:]}")
    return found


def tightened(document):
    """Front's documents leave every body optional, and name only JSON; its prose says more: bodies are needed, files come as forms."""
    for item in document["paths"].values():
        for operation in item.values():
            body = resolved(document, operation.get("requestBody") if isinstance(operation, dict) else None)
            schema = resolved(document, body.get("content", {}).get("application/json", {}).get("schema"))
            if body:
                body["required"] = True
            if "attachments" in schema.get("properties", {}):
                body["content"]["multipart/form-data"] = {"schema": form_of(document, schema)}
    return document


def form_of(document, schema):
    """The fields of a form with files: sender[handle], metadata[external_id] and so on."""
    form = {"type": "object", "properties": {}, "required": []}

    def add(schema, prefix, is_required):
        for key, value in schema.get("properties", {}).items():
            value, name = resolved(document, value), f"{prefix}[{key}]" if prefix else key
            is_needed = is_required and key in schema.get("required", ())
            if "properties" in value:
                add(value, name, is_needed)
            elif value.get("type") not in ("object", "array"):
                limits = {k: v for k, v in value.items() if k in ("enum", "maxLength") and value.get("type") == "string"}
                form["properties"][name] = {"type": "string", **limits}
                form["required"] += [name] if is_needed else []

    add(schema, "", True)
    return form


def resolved(document, part):
    while part and "$ref" in part:
        part = look_up(document, part["$ref"])
    return part or {}


def look_up(document, ref):
    for key in ref.removeprefix("#/").split("/"):
        document = document[key]
    return document


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Prism:
    """One process for one document."""

    def __init__(self, spec, folder):
        document = tightened(json.loads(spec.read_text()))
        self.paths = [(path.strip("/").split("/"), set(item)) for path, item in document["paths"].items()]
        file = folder / spec.name
        file.write_text(json.dumps(document))
        self.port = free_port()
        self.log = open(folder / f"{spec.stem}.log", "wb+")
        words = [program(), "mock", "-h", "127.0.0.1", "-p", str(self.port), file]
        self.process = subprocess.Popen(words, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        until(self.is_up, 120, lambda: f"Prism listens: {pathlib.Path(self.log.name).read_text()[-2000:]}")

    def is_up(self):
        assert self.process.poll() is None, pathlib.Path(self.log.name).read_text()[-2000:]
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def knows(self, method, path):
        parts = path.split("?")[0].strip("/").split("/")
        return any(
            method.lower() in methods and len(parts) == len(template) and all(t.startswith("{") or t == p for t, p in zip(template, parts))
            for template, methods in self.paths
        )

    def ask(self, method, path, headers, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Front(Server):
    """Hands every request to the Prism that knows its path and method, and keeps what was said."""

    HOP = ("connection", "transfer-encoding", "content-length", "keep-alive", "host", "expect")

    def __init__(self, prisms):
        self.prisms = prisms
        self.seen = []  # (method, path, body, status, what was wrong)
        self.losing = None  # a part of a path: the answer to the next POST there is lost
        super().__init__()

    def handle(self, method, path, headers, body):
        prism = next((p for p in self.prisms if p.knows(method, path)), None)
        if not prism:
            status, answered, content = 404, {}, b'{"no":"such operation in Front\'s documents"}'
        else:
            kept = {k: v for k, v in headers.items() if k.lower() not in self.HOP}
            status, answered, content = prism.ask(method, path, kept, body)
        # Front's own examples of answers break its schemas; only what is wrong with the request is ours.
        wrong = [v for v in json.loads(answered.get("sl-violations") or "[]") if v["location"][0] == "request"]
        if status >= 400:
            wrong.append(content.decode())
        with self.lock:
            self.seen.append((method, path, body, status, wrong))
            is_lost = method == "POST" and self.losing and self.losing in path
            if is_lost:
                self.losing = None
        if is_lost:
            raise Drop
        return status, {k: v for k, v in answered.items() if k.lower() not in self.HOP}, content

    def called(self, method, part):
        with self.lock:
            return [s for s in self.seen if s[0] == method and part in s[1]]

    def mistakes(self):
        with self.lock:
            return [s for s in self.seen if s[4]]
