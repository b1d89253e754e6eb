"""A real bridge process: its configuration, its life, and the two things that its peers do to it."""
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import yaml

import backend as backend_module
import evidence
import frontapi
import signing
from wait import until

ROOT = pathlib.Path(__file__).parents[2]
BINARY = pathlib.Path(os.environ.get("FRONT_BRIDGE_BIN", ROOT / "build-debug" / "front-bridge"))
SECRET = "the-company-api-secret"
APP_UID, APP_SECRET = "app_uid_1", "the-secret-of-the-app"

_counter = [0]


def next_id():
    _counter[0] += 1
    return f"{_counter[0]:x}"


def message(text="Hello", to="ada", conversation=None, **fields):
    """A Message object as Front sends it."""
    n = next_id()
    conversation = conversation or f"cnv_{n}"
    recipients = [{"_links": {"related": {"contact": None}}, "name": None, "handle": "support-line", "role": "from"}]
    for handle in [to] if isinstance(to, str) else to:
        recipients.append({"_links": {"related": {"contact": None}}, "name": handle.title(), "handle": handle, "role": "to"})
    return {
        "_links": {
            "self": f"https://acme.api.frontapp.com/messages/msg_{n}",
            "related": {"conversation": f"https://acme.api.frontapp.com/conversations/{conversation}"},
        },
        "id": f"msg_{n}",
        "type": "custom",
        "is_inbound": False,
        "created_at": round(time.time(), 3),
        "blurb": text[:40],
        "body": f"<p>{text}</p>",
        "text": text,
        "author": {"id": "tea_1", "email": "grace@example.com", "first_name": "Grace", "last_name": "Hopper"},
        "recipients": recipients,
        "attachments": [],
        "metadata": {},
        **fields,
    }


class Answer:
    def __init__(self, status, headers, body, seconds):
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body!r} after {self.seconds:.3f} s>"


class Bridge:
    def __init__(self, folder, backend=None, front=None, channels=None, env=None, account=None, **changes):
        """changes: channel settings of "support" such as answer={"wait": "2s"}; account={...} and top={...} for the whole file."""
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = self.folder / "store"
        self.process = None
        self.env = env or {}
        self.expected_exit = 0
        self.log_path = self.folder / "log"
        top = changes.pop("top", {})
        support = {
            "account": "main",
            "front_channel": "cha_1",
            "adapter": "http",
            "answer": {"wait": "5s", "on_timeout": "accept"},
            "retry": {"first": "100ms", "factor": 2, "max": "1s", "give_up": "1h"},
            "settings": {"url": backend.url + "/deliver" if backend else "http://127.0.0.1:9/", "secret": backend_module.SECRET},
            **changes,
        }
        support = {key: value for key, value in support.items() if value is not None}
        self.config = {
            "listen": "127.0.0.1:0",
            "admin": {"listen": "127.0.0.1:0"},
            "store": str(self.store),
            "log": {"format": "json", "level": "debug"},
            "accounts": {
                "main": {
                    "api": front.url if front else "http://127.0.0.1:9",
                    "token": frontapi.TOKEN,
                    "secrets": [SECRET],
                    "app": {"uid": APP_UID, "secret": APP_SECRET},
                    "catch_up": {"enabled": False},
                    **(account or {}),
                }
            },
            "channels": channels or {"support": support},
            **top,
        }
        for one in self.config["accounts"].values():
            for key in [k for k, v in one.items() if v is None]:
                del one[key]
        self.store = pathlib.Path(self.config["store"])
        self.file = self.folder / "front-bridge.yaml"
        self.write()

    def write(self):
        self.file.write_text(yaml.safe_dump(self.config))

    # ---- life -------------------------------------------------------------------------------------------------------

    def start(self, wait=True, env=None, args=()):
        (self.store / "ports").unlink(missing_ok=True)
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [BINARY, "run", "-c", self.file, *args],
            stderr=self.log,
            stdout=self.log,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self.env, **(env or {})},
        )
        evidence.watch("bridge", self.process, self.log_path)
        if wait:
            self.wait_ports()
            until(lambda: self.is_up(), 20, "all channels up")
        return self

    def wait_ports(self):
        def read():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.tail()}"
            try:
                return json.loads((self.store / "ports").read_text())
            except (FileNotFoundError, ValueError):
                return None

        ports = until(read, 20, "the ports file")
        self.port, self.admin_port = ports["listen"], ports["admin"]

    def is_up(self):
        channels = self.admin("GET", "/api/v1/channels").json["channels"]
        return all(c["status"] == "up" for c in channels)

    def stop(self, timeout=15):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout)
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self, **options):
        self.stop()
        return self.start(**options)

    def start_on_a_failing_store(self):
        """The database cannot be opened at first; it can be once the bridge has said so."""
        database, aside = self.store / "front-bridge.db", self.store / "aside"
        database.rename(aside)
        database.mkdir()
        self.start(wait=False)
        until(lambda: self.lines("store_failing"))
        database.rmdir()
        aside.rename(database)

    def finish(self):
        """At the end of a test: it must stop by itself, and no sanitizer may have said a word."""
        if self.process and self.process.poll() is None:
            assert self.stop() == self.expected_exit, self.tail()
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error", "ThreadSanitizer", "must be true"):
            assert word not in text, self.tail(8000)
        odd = re.search(r'"level":"[a-z]+","event":"(?![a-z][a-z0-9_]*")[^"]*', text)
        assert not odd, f"an event's name is a word in snake_case, not {odd.group()}"

    def tail(self, n=4000):
        return self.log_path.read_text(errors="replace")[-n:]

    def lines(self, event=None, **fields):
        """Log lines, as objects."""
        found = []
        for line in self.log_path.read_text(errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if (event is None or entry.get("event") == event) and all(entry.get(k) == v for k, v in fields.items()):
                found.append(entry)
        return found

    # ---- what its peers do --------------------------------------------------------------------------------------------

    def request(self, method, path, body=b"", headers=None, port=None, timeout=20):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        start = time.monotonic()
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            data = response.read()
            return Answer(response.status, dict(response.getheaders()), data, time.monotonic() - start)
        finally:
            connection.close()

    def admin(self, method, path):
        return self.request(method, path, port=self.admin_port)

    def callback(self, content, channel="support", secret=SECRET, timeout=20):
        """Front calls: a custom channel's message."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = {"content-type": "application/json", "x-front-signature": signing.sha1(body, secret)}
        return self.request("POST", f"/front/{channel}", body, headers, timeout=timeout)

    def app_callback(self, content, channel="app", secret=APP_SECRET, at=None):
        """Front calls: an application channel."""
        return self.signed("POST", f"/front/{channel}", content, secret, at)

    def app_call(self, content, account="main", key=None, secret=APP_SECRET, at=None):
        """Front calls: an app's base URL, with the key that a person has typed."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return self.signed("POST", f"/apps/{account}", content, secret, at, headers)

    def signed(self, method, path, content, secret=APP_SECRET, at=None, headers=None):
        """A request with the signature of an app; content None: without a body."""
        body = b"" if content is None else content if isinstance(content, bytes) else json.dumps(content).encode()
        at = int(time.time() * 1000) if at is None else at
        signature = {"x-front-request-timestamp": str(at), "x-front-signature": signing.sha256(body, secret, at)}
        kind = {"content-type": "application/json"} if body else {}
        return self.request(method, path, body, {**kind, **signature, **(headers or {})})

    def hook(self, content, channel="support", message_id=None):
        """The backend posts what a customer wrote."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = {"content-type": "application/json"}
        headers.update(signing.webhook_headers(body, backend_module.SECRET, message_id or "hook-" + next_id()))
        return self.request("POST", f"/hooks/{channel}", body, headers)

    # ---- what operators see ---------------------------------------------------------------------------------------------

    def messages(self, query=""):
        return self.admin("GET", "/api/v1/messages" + query).json["messages"]

    def state_of(self, source_id):
        for entry in self.messages("?limit=1000"):
            if entry["source_id"] == source_id:
                return entry["state"]
        return None

    def wait_state(self, source_id, state, timeout=10):
        what = lambda: f"{source_id} {state}, is {self.state_of(source_id)}"  # noqa: E731
        return until(lambda: self.state_of(source_id) == state, timeout, what)

    def metric(self, name, **labels):
        text = self.admin("GET", "/metrics").body.decode()
        total = 0.0
        for line in text.splitlines():
            if line.startswith(name + "{") or line.startswith(name + " "):
                if all(f'{k}="{v}"' in line for k, v in labels.items()):
                    total += float(line.rsplit(" ", 1)[1])
        return total

    def run_cli(self, *args, check=None):
        done = subprocess.run([BINARY, *args, "-c", self.file], capture_output=True, text=True, timeout=60)
        if check is not None:
            assert done.returncode == check, (done.returncode, done.stdout, done.stderr)
        return done
