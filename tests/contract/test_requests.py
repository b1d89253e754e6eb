"""Every request that a running bridge makes is one that Front's OpenAPI knows, with a body that it accepts."""
import copy

import pytest

from bridge import Bridge, message
from frontsetup import FrontSetup
from wait import until


@pytest.mark.parametrize("kind", ["custom", "application"])
def test_a_conversation(api, make_bridge, backend, front, kind):
    bridge = make_bridge(backend=backend, front=front, kind=kind)
    for fields in ({"text": "a\nb"}, {"markdown": "**a**"}, {"html": "<p>a</p>"}, {"text": "x", "sent_at": 1700000000.5}):
        bridge.hook({"conversation_id": "room-" + "7" * 300, "sender": {"handle": "ada", "name": "Ada"}, **fields})
    front.wait(4)
    if kind == "custom":
        bridge.callback(message("Hello", to="ada"))
        until(lambda: any("/alt:uid:" in c[1] for c in front.calls), 10, "the conversation is learnt")
    for method, path, headers, body in front.calls:
        assert api.mistakes(method, path, body) == []
        assert headers["Authorization"].startswith("Bearer ")
        assert body is None or headers["Content-Type"] == "application/json"


def test_a_channel_that_does_not_work(api, make_bridge, backend, front):
    """Its messages' status, and its own."""
    original = front.accept
    front.accept = lambda m, p, c: (204, {}, b"") if m in ("PATCH", "PUT") else original(m, p, c)
    bridge = make_bridge(backend=backend, front=front, kind="application", answer={"wait": "0"})
    backend.answer = lambda d: (400, {"message": "No."})
    for n in range(7):
        bridge.app_callback({"type": "message", "payload": message(to=f"a{n}"), "metadata": {}}, channel="support")
    until(lambda: any(c[0] == "PATCH" for c in front.calls), 15, lambda: front.calls)
    assert {c[0] for c in front.calls} >= {"PATCH", "PUT"}
    for method, path, _, body in front.calls:
        assert api.mistakes(method, path, body) == [], (method, path, body)


def test_setting_up(api, tmp_path):
    """The writes of `channel register`; and of `doctor` every operation, though not the bodies that are empty so that nothing can happen."""
    core = copy.copy(api)
    core.documents = api.documents[1:]  # PATCH /channels/{id} is another call with an API token than with an app's
    with FrontSetup() as front:
        bridge = Bridge(tmp_path, front=front, top={"public_url": "https://bridge.example.com"})
        bridge.run_cli("channel", "register", "support", check=0)
        del bridge.config["channels"]["support"]["front_channel"]
        bridge.write()
        bridge.run_cli("channel", "register", "support", "--inbox", "inb_1", check=0)
        assert len(front.writes()) == 3
        for method, path, body in front.calls:
            assert core.mistakes(method, path, body) == []
        front.calls.clear()
        bridge.run_cli("doctor", check=1)
        assert len(front.calls) > 10
        for method, path, body in front.calls:
            assert core.operation(method, path), path
            assert body in (None, {})
