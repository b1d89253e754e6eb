"""A backend whose customers send files: what courier.so (tests/conform/probe) is posted, and the URLs that it names."""
import hashlib
import random

from bridge import BINARY
from serving import Server
from wait import until

COURIER = BINARY.parent / "tests" / "channels" / "courier.so"
PNG = "image/png"
LOOPBACK = {"allow_private": ["127.0.0.0/8"]}
FAST = {"first": "100ms", "factor": 1, "max": "100ms", "give_up": "1h"}


def data(n, seed=1):
    return random.Random(seed).randbytes(n)


def digest(content):
    return hashlib.sha256(content).hexdigest()


class Shelf(Server):
    """A backend's files by URL; what is there may be a function that answers."""

    def __init__(self):
        self.files, self.calls = {}, []
        super().__init__()

    def handle(self, method, path, headers, body):
        with self.lock:
            self.calls.append(path)
        found = self.files.get(path)
        answer = found(self) if callable(found) else found
        if answer is None:
            return 404, {"content-type": "text/html"}, b"<p>nothing here</p>"
        return answer if isinstance(answer, tuple) else (200, {"content-type": PNG}, answer)

    def put(self, name, content):
        self.files["/" + name] = content
        return f"{self.url}/{name}"


def channels(settings=None, **changes):
    """A custom and an application channel whose customers write by courier.so."""
    return {
        name: {
            "account": "main",
            "kind": kind,
            "front_channel": channel,
            "adapter": str(COURIER),
            "retry": FAST,
            "settings": LOOPBACK if settings is None else settings,
            **changes,
        }
        for name, kind, channel in (("support", "custom", "cha_1"), ("app", "application", "cha_9"))
    }


class Courier:
    """A running bridge, and the folder in which its backend writes files. The folder is older than the bridge: a channel's host
    sees none that comes later."""

    def __init__(self, bridge, folder):
        self.bridge, self.folder, self.written = bridge, folder, 0

    def file(self, content, name="a.png", kind=PNG, cid=None, at=None):
        """The line for a file that the adapter opens; content is its bytes, at its name in the folder."""
        path = self.folder / (at or str(self.written))
        self.written += 1
        path.write_bytes(content)
        return f"file {path}\t{name}\t{kind}" + (f"\t{cid}" if cid else "")

    def post(self, *lines, channel="support", sender="ada"):
        body = "\n".join([f"sender {sender}", *lines]).encode()
        return self.bridge.request("POST", f"/hooks/{channel}", body, {"content-type": "text/plain"})

    def kept(self):
        """The files in the store's directory."""
        folder = self.bridge.store / "files"
        return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def url(where, name="a.png", kind=PNG, cid="", size=None):
    """The line for a file that the bridge fetches."""
    return f"url {where}\t{name}\t{kind}\t{cid}" + (f"\t{size}" if size is not None else "")


def shown(front, n=1, timeout=20):
    """The messages that the simulated Front shows, once there are n."""
    return until(lambda: len(front.messages()) >= n and front.messages(), timeout, lambda: f"{n} messages: {front.messages()}")
