"""What customers can write, however odd, becomes a body that Front's OpenAPI accepts."""
import json
import os
import pathlib
import subprocess

import pytest

from openapi import ROOT, check

PRINTER = pathlib.Path(os.environ.get("FRONT_BRIDGE_PAYLOADS", ROOT / "build-debug" / "tests" / "contract_payloads"))

ADA = {"handle": "ada"}
WIRES = {
    "least": {"sender": ADA, "text": "x"},
    "most": {
        "id": "m1",
        "conversation_id": "c1",
        "sender": {"handle": "ada", "name": "Ada", "email": "ada@example.org"},
        "text": "Hi",
        "subject": "S",
        "in_reply_to": "m0",
        "sent_at": 1700000000.999,
        "direction": "inbound",
    },
    "nulls": {"sender": {"handle": "ada", "name": None, "email": None}, "text": "x", "id": None, "sent_at": None, "subject": None},
    "empty": {"sender": ADA, "text": ""},
    "attachment only": {"sender": ADA, "attachments": [{"filename": "a.png", "content_type": "image/png", "url": "https://example.org/a.png"}]},
    "unicode": {"sender": {"handle": "ådå 😀"}, "text": "\ud83d\ude00 é \u202e"},
    "lines": {"sender": ADA, "text": "a\r\nb\n\nc"},
    "markdown": {"sender": ADA, "markdown": "# a\n**b** <script>x</script> [l](https://x.org)"},
    "html": {"sender": ADA, "html": "<p onclick=x>a<script>b</script>"},
    "nothing left": {"sender": ADA, "html": "<script>b</script>"},
    "long ids": {"sender": {"handle": "h" * 512}, "text": "x", "id": "i" * 1024, "conversation_id": "c" * 1024},
    "200 of two bytes": {"sender": ADA, "text": "x", "id": "é" * 200, "conversation_id": "é" * 200},
    "early": {"sender": ADA, "text": "x", "sent_at": 0},
}


SIGNS = {
    "edit": {"type": "edit", "id": "e1", "message_id": "m1", "sender": ADA, "text": "new"},
    "delete": {"type": "delete", "external_id": "x1", "sender": ADA},
    "reaction": {"type": "reaction", "delivery_id": "fb1", "sender": ADA, "emoji": "👍🏽", "removed": True},
}
WIRES.update(SIGNS)

PAST = {"id": "h1", "sender": ADA, "text": "x", "created_at": 1600000000.5}
LINES = {  # of history, for both kinds of channel
    "inbound": PAST,
    "iso": {**PAST, "created_at": "2020-09-13T12:26:40.5+02:00", "to": [{"handle": "line"}], "subject": "S"},
    "outbound": {**PAST, "direction": "outbound", "to": [{"handle": "ada", "name": "Ada", "email": None}, {"handle": "bob"}]},
    "long": {**PAST, "id": "i" * 1024, "conversation_id": "c" * 1024, "sender": {"handle": "h" * 512, "name": "Ada"}},
    "blank": {**PAST, "text": "", "markdown": None},
}
CUSTOM_LINES = {**LINES, "all": {**LINES["outbound"], "tags": ["vip"], "archived": False, "skip_rules": False, "author_email": "g@x.org"}}
WIRES.update({f"history {name}": line for name, line in CUSTOM_LINES.items()})


@pytest.fixture(scope="module")
def bodies():
    if not PRINTER.exists():
        pytest.fail(f"{PRINTER} is not there: build it, or set FRONT_BRIDGE_PAYLOADS")
    lines = "".join(json.dumps(w) + "\n" for w in WIRES.values())
    out = subprocess.run([PRINTER], input=lines, capture_output=True, text=True, timeout=60, check=True).stdout
    return dict(zip(WIRES, map(json.loads, out.splitlines()), strict=True))


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("kind, call", [("custom", "incoming_messages"), ("application", "inbound_messages")])
def test_body(api, bodies, name, kind, call):
    assert api.mistakes("POST", f"/channels/cha_1/{call}", bodies[name][kind]) == []


@pytest.mark.parametrize("name", SIGNS)
def test_comment(api, bodies, name):
    assert bodies[name]["comment"]["body"].startswith("*ada ")
    assert api.mistakes("POST", "/conversations/cnv_1/comments", bodies[name]["comment"]) == []


@pytest.mark.parametrize("name", CUSTOM_LINES)
def test_history_of_a_custom_channel(api, bodies, name):
    body = bodies[f"history {name}"]["history_custom"]
    assert api.mistakes("POST", "/inboxes/inb_1/imported_messages", body) == []
    assert len(body["external_id"]) <= 200 and len(body["metadata"]["thread_ref"]) <= 200


@pytest.mark.parametrize("name", LINES)
def test_history_of_an_application_channel(api, bodies, name):
    call = "outbound_messages" if name == "outbound" else "inbound_messages"
    assert api.mistakes("POST", f"/channels/cha_1/{call}", bodies[f"history {name}"]["history_application"]) == []
    assert "history_application" not in bodies["history all"]


@pytest.mark.parametrize("name", WIRES)
def test_our_id_goes_with_every_message(bodies, name):
    assert bodies[name]["custom"]["metadata"]["headers"]["front_bridge_id"] == "fb3k9x2m-1z"
    assert bodies[name]["application"]["metadata"]["external_id"] == "fb3k9x2m-1z"


def test_the_validator_sees_mistakes(api):
    """A validator that accepts everything would pass all of the above."""
    good = {"sender": {"handle": "a"}, "body": "x", "metadata": {"external_id": "1", "external_conversation_id": "2"}}
    assert api.mistakes("POST", "/channels/cha_1/inbound_messages", good) == []
    for change in (
        {"sender": {}},
        {"sender": None},
        {"body": 7},
        {"metadata": {"external_id": "1"}},
        {"metadata": {"external_id": "1" * 201, "external_conversation_id": "2"}},
        {"delivered_at": 1.5},
        {"text": "x"},
    ):
        assert api.mistakes("POST", "/channels/cha_1/inbound_messages", {**good, **change}), change
    assert api.mistakes("POST", "/channels/cha_1/incoming_messages", {**good, "metadata": {}, "body_format": "text"})
    assert api.mistakes("POST", "/no/such/call", {})
    assert list(check({}, {"type": "string", "minLength": 1}, "", "x"))
