"""Every request that a running bridge makes is one that Front's OpenAPI knows, with a body that it accepts."""
import pytest

from bridge import message
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
