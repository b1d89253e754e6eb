"""Files of customers on their way to Front: the same bytes at both ends, and what becomes of a message whose file cannot be had."""
import hashlib
import os
import random
import threading

import pytest

import frontapi
from bridge import APP_SECRET, APP_UID, BINARY
from frontsim import Sim
from serving import Drop, Server
from wait import until

COURIER = BINARY.parent / "tests" / "channels" / "courier.so"
PNG = "image/png"


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


@pytest.fixture
def shelf():
    with Shelf() as running:
        yield running


@pytest.fixture
def front(binary):
    """The simulated Front."""
    with Sim.start(binary, token=frontapi.TOKEN, app={"uid": APP_UID, "secret": APP_SECRET}, rate={"limit": 0}) as sim:
        sim.add_channel(id="cha_1", kind="custom", address="chat")
        sim.add_channel(id="cha_9", kind="application", address="app")
        yield sim


@pytest.fixture
def make(make_bridge, front, tmp_path):
    """make(**changes) starts a bridge whose customers write by courier.so."""

    def start(settings=None, **changes):
        channels = {
            name: {
                "account": "main",
                "kind": kind,
                "front_channel": channel,
                "adapter": str(COURIER),
                "retry": {"first": "100ms", "factor": 1, "max": "100ms", "give_up": "1h"},
                "settings": settings if settings is not None else {"allow_private": ["127.0.0.0/8"]},
                **changes.pop("channel", {}),
            }
            for name, kind, channel in (("support", "custom", "cha_1"), ("app", "application", "cha_9"))
        }
        folder = tmp_path / "written"
        folder.mkdir(exist_ok=True)  # before the hosts are shut in: they see no folder that comes later
        bridge = make_bridge(front=front, channels=channels, **changes)
        bridge.folder_of_files = folder
        return bridge

    return start


def write(bridge, content):
    """A file of the backend; content is its bytes."""
    path = bridge.folder_of_files / f"{len(list(bridge.folder_of_files.iterdir()))}"
    path.write_bytes(content)
    return path


def post(bridge, *lines, channel="support", sender="ada"):
    body = "\n".join([f"sender {sender}", *lines]).encode()
    return bridge.request("POST", f"/hooks/{channel}", body, {"content-type": "text/plain"})


def file_line(bridge, content, name="a.png", kind=PNG, cid=None):
    return f"file {write(bridge, content)}\t{name}\t{kind}" + (f"\t{cid}" if cid else "")


def url_line(url, name="a.png", kind=PNG, cid="", size=None):
    return f"url {url}\t{name}\t{kind}\t{cid}" + (f"\t{size}" if size is not None else "")


def shown(front, n=1, timeout=20):
    """The messages that Front shows, once there are n."""
    return until(lambda: len(front.messages()) >= n and front.messages(), timeout, lambda: f"{n} messages: {front.messages()}")


def kept(bridge):
    folder = bridge.store / "files"
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("channel", ["support", "app"])
@pytest.mark.parametrize("agent", [False, True])
def test_front_gets_the_same_bytes(make, front, channel, agent):
    bridge = make()
    contents = [b"", b"x", data(1 << 20), "\u00e9 <b>\0".encode(), data(24_000_000 - (1 << 20), 5)]
    names = ["empty.txt", "Caf\u00e9 \U0001f600.bin", "../../etc/passwd", 'a "quoted"; name.png', "n" * 250 + ".png"]
    lines = [file_line(bridge, c, n) for c, n in zip(contents, names)]
    to = ["to bob"] if agent else []
    answer = post(bridge, "id m1", "text five files", *to, *lines, channel=channel)
    assert answer.status == 202, bridge.tail()
    [message] = shown(front)
    assert message["text"] == "five files" and message["is_inbound"] != agent
    attached = message["attachments"]
    assert [a["size"] for a in attached] == [len(c) for c in contents]
    assert [a["sha256"] for a in attached] == [digest(c) for c in contents]
    assert [digest(front.file(a)) for a in attached] == [digest(c) for c in contents]
    assert [a["filename"] for a in attached][:4] == ["empty.txt", "Caf\u00e9 \U0001f600.bin", "passwd", "a 'quoted'; name.png"]
    assert attached[4]["filename"].endswith("n.png") and len(attached[4]["filename"]) == 200
    assert {a["content_type"] for a in attached} == {PNG}
    assert bridge.state_of("m1") in ("accepted", "delivered")


def test_an_inline_image_keeps_its_place(make, front):
    bridge = make()
    post(bridge, 'html <p>see <img src="cid:logo1"></p>', file_line(bridge, data(500), cid="logo1"))
    [message] = shown(front)
    assert 'src="cid:logo1"' in message["html"]
    assert message["attachments"][0]["cid"] == "logo1"


def test_a_message_of_files_alone_has_a_placeholder(make, front):
    bridge = make()
    assert post(bridge, file_line(bridge, b"x")).status == 202
    [message] = shown(front)
    assert message["html"] == "<em>(a message without text)</em>" and len(message["attachments"]) == 1


def test_a_repeated_id_is_stored_once(make, front):
    bridge = make()
    content = data(5000)
    first = post(bridge, "id m1", "text once", file_line(bridge, content))
    assert first.status == 202
    shown(front)
    again = post(bridge, "id m1", "text once", file_line(bridge, content))
    assert (again.status, again.body) == (200, first.body)
    until(lambda: len(kept(bridge)) == 1)
    assert len(front.messages()) == 1


def test_what_is_wrong_with_files_is_said(make, front):
    bridge = make()
    edge = [file_line(bridge, data(24_999_999)), file_line(bridge, b"x")]
    assert post(bridge, "text edge", *edge).status == 202
    over = post(bridge, "text over", *edge, file_line(bridge, b"y"))
    assert over.status == 422 and b"larger than 25 MB together" in over.body
    folder = post(bridge, "text folder", f"file {bridge.folder_of_files}\ta.png\t{PNG}")
    assert folder.status == 422 and b"no regular file" in folder.body
    url = post(bridge, "text url", url_line("file:///etc/passwd"))
    assert url.status == 422 and b"must begin with http" in url.body
    assert post(bridge, "text many", *[file_line(bridge, b"x") for _ in range(33)]).status == 422
    assert post(bridge, "text all", *[file_line(bridge, b"%d" % i) for i in range(32)]).status == 202
    by_text = {m["text"]: m for m in shown(front, 2)}
    assert set(by_text) == {"edge", "all"}
    assert [front.file(a) for a in by_text["all"]["attachments"]] == [b"%d" % i for i in range(32)]
    until(lambda: len(kept(bridge)) == 34)  # those of the two messages, and no other


def test_files_by_url(make, front, shelf):
    bridge = make()
    contents = {f"{i}.png": data(1000 * i + 1, i) for i in range(8)}
    lines = [url_line(shelf.put(name, content), name, size=len(content)) for name, content in contents.items()]
    moved = url_line(shelf.put("moved", lambda s: (302, {"location": "/0.png"}, b"")), "moved.png")
    assert post(bridge, "text by url", *lines, moved, file_line(bridge, b"here", "here.png")).status == 202
    [message] = shown(front)
    expected = {**contents, "moved.png": contents["0.png"], "here.png": b"here"}
    assert {a["filename"]: a["sha256"] for a in message["attachments"]} == {n: digest(c) for n, c in expected.items()}
    assert message["text"] == "by url"


def never_ends(shelf):
    return 200, {"content-type": PNG}, iter(lambda: b"x" * 65536, None)


def web_page(shelf):
    return 200, {"content-type": "text/html"}, b"<p>log in</p>"


def to_the_inside(shelf):
    return 302, {"location": "http://[::1]:1/secret"}, b""


def to_another_scheme(shelf):
    return 302, {"location": "file:///etc/passwd"}, b""


LOST = {
    "never_ends": (never_ends, None, "it is larger than 25 MB"),
    "longer": (b"12345678", 5, "it is longer than the 5 bytes that were announced"),
    "shorter": (b"123", 5, "it is 3 bytes long and not 5, as was announced"),
    "web_page": (web_page, None, "a web page came instead of a file of type image/png"),
    "inside": (to_the_inside, None, "address"),
    "scheme": (to_another_scheme, None, "its address answered 302"),
    "missing": (None, None, "its address answered 404"),
}


@pytest.mark.parametrize("case", LOST)
def test_a_message_goes_without_what_cannot_be_had(make, front, shelf, case):
    bridge = make()
    content, size, why = LOST[case]
    url = shelf.put("a.png", content)
    assert post(bridge, "id m1", "text see", url_line(url, "plan.png", size=size), file_line(bridge, b"here", "here.png")).status == 202
    [message] = shown(front)
    assert message["text"].startswith("see") and 'The file "plan.png" could not be fetched from the chat system' in message["text"]
    assert why in message["text"]
    assert [a["filename"] for a in message["attachments"]] == ["here.png"]
    assert bridge.lines("file_gone", channel="support")
    assert len(kept(bridge)) == 1


def test_private_addresses_are_not_asked(make, front, shelf):
    bridge = make(settings={})
    assert post(bridge, "text see", url_line(shelf.put("a.png", b"x"))).status == 202
    [message] = shown(front)
    assert message["attachments"] == [] and 'The file "a.png" could not be fetched' in message["text"]
    assert shelf.calls == []


def test_what_fails_is_tried_again(make, front, shelf):
    answers = iter([Drop, (503, {}, b""), (429, {"retry-after": "1"}, b""), (200, {"content-type": PNG, "content-length": "9"}, iter([b"12345"]))])

    def flaky(s):
        answer = next(answers, (200, {"content-type": PNG}, b"at last"))
        if answer is Drop:
            raise Drop
        return answer

    bridge = make()
    assert post(bridge, "text see", url_line(shelf.put("a.png", flaky))).status == 202
    [message] = shown(front)
    assert front.file(message["attachments"][0]) == b"at last" and message["text"] == "see"


def test_too_much_together_is_left_out(make, front, shelf):
    """What the backend does not say before is found out when the files are there."""
    bridge = make()
    lines = [url_line(shelf.put(f"{i}.png", data(10_000_000, i)), f"{i}.png") for i in range(3)]
    told = url_line(shelf.put("told.png", b""), "told.png", size=30_000_000)
    assert post(bridge, "text see", *lines, told).status == 202
    [message] = shown(front)
    assert [a["filename"] for a in message["attachments"]] == ["0.png", "1.png"]
    for name in ("2.png", "told.png"):
        assert f'The file "{name}" was left out: the files of this message are larger than 25 MB together' in message["text"]
    assert "/told.png" not in shelf.calls


def test_order_holds_while_a_file_is_on_its_way(make, front, shelf):
    gate = threading.Event()

    def slow(s):
        gate.wait(20)
        return 200, {"content-type": PNG}, b"x"

    bridge = make()
    post(bridge, "id m1", "text first", url_line(shelf.put("a.png", slow)))
    post(bridge, "id m2", "text second")
    post(bridge, "text elsewhere", sender="bob")
    shown(front)
    assert [m["text"] for m in front.messages()] == ["elsewhere"]
    gate.set()
    first = next(m for m in shown(front, 3) if m["text"] == "first")
    assert [m["text"] for m in front.conversation(first["conversation"])["messages"]] == ["first", "second"]
