"""
What a running bridge asks of Front, judged by Front's own documents: Prism refuses what they do not allow.

Every call that the bridge can make is judged: a test says by the mark `judges` which calls it makes, and is held to it; the last test
here compares the marks with the names in src/front/tally.c, which every call of the bridge is counted under.
"""
import base64
import json
import re
import sqlite3

import pytest

import backend as backend_module
import signing
from bridge import SECRET, message
from openapi import ROOT
from wait import until

CALLS = {  # what shows that a call of this name was made
    "incoming_messages": r"POST /channels/[^/]+/incoming_messages$",
    "inbound_messages": r"POST /channels/[^/]+/inbound_messages$",
    "outbound_messages": r"POST /channels/[^/]+/outbound_messages$",
    "imported_messages": r"POST /inboxes/[^/]+/imported_messages$",
    "message_status": r"PUT /channels/[^/]+/conversations/[^/]+/messages/[^/]+/status$",
    "message": r"GET /messages/[^/]+$",
    "message_seen": r"POST /messages/[^/]+/seen$",
    "teammate": r"GET /teammates/[^/]+$",
    "conversation": r"PATCH /conversations/[^/]+$",
    "conversation_messages": r"GET /conversations/[^/]+/messages\?",
    "conversation_comments": r"GET /conversations/[^/]+/comments$",
    "conversation_inboxes": r"GET /conversations/[^/]+/inboxes$",
    "comments": r"POST /conversations/[^/]+/comments$",
    "channel": r"GET /channels/[^/]+$",
    "channel_status": r"PATCH /channels/[^/]+$",
    "events": r"GET /events\?",
    "event": r"GET /events/[^/?]+$",
    "download": r"GET (/messages/[^/]+)?/download/[^/]+$",
    "me": r"GET /me$",
}

WRITTEN = [
    {"text": "plain\nwith lines & <tags>"},
    {"markdown": "# A heading\n\n- one\n- **two** [link](https://example.com/?a=1&b=2)"},
    {"html": "<p onclick=evil()>hello <b>you</b></p><script>no</script>"},
    {"text": "über 😀 \u202e עברית \u0000?".replace("\u0000", "")},
    {"text": "with a subject", "subject": "Subject ✓"},
    {"text": "when", "sent_at": 1700000000.75},
    {"text": "long ids", "id": "i" * 500, "conversation_id": "c" * 500},
    {"text": "a reply", "in_reply_to": "m-0"},
    {"text": "x" * 100_000},
    {"text": "nulls", "subject": None, "id": None},
]
SENDERS = [{"handle": "ada"}, {"handle": "+491701234567", "name": "Ada 😀", "email": "ada@example.org"}, {"handle": "h" * 300, "name": None}]


@pytest.fixture(params=["custom", "application"])
def kind(request):
    return request.param


@pytest.fixture(autouse=True)
def judged(request):
    """After a test: what it says that it judges was called, and Front's documents allow it."""
    mark, params = request.node.get_closest_marker("judges"), getattr(request.node, "callspec", None)
    prism = request.getfixturevalue("prism") if mark else None
    yield
    if not mark:
        return
    names = mark.args + tuple(mark.kwargs.get(params.params.get("kind") if params else None, ()))
    with prism.lock:
        made = {f"{method} {path}" for method, path, _, _, wrong in prism.seen if not wrong}
    for name in names:
        assert any(re.match(CALLS[name], call) for call in made), f"{name} was not called: {sorted(made)}"


@pytest.fixture
def make_bridge(make_bridge):
    """No bridge makes a call that has no name."""
    made = []

    def make(**options):
        made.append(make_bridge(**options))
        return made[-1]

    yield make
    for bridge in made:
        assert bridge.metric("front_bridge_front_requests_total", call="other") == 0, "give the call a name in src/front/tally.c"


@pytest.fixture
def bridge(make_bridge, backend, prism, kind):
    return make_bridge(
        backend=backend,
        front=prism,
        kind=kind,
        answer={"wait": "0"},
        account={"rate": {"per_resource": "50/s"}},
        retry={"first": "100ms", "factor": 1, "max": "100ms", "give_up": "1h"},
    )


@pytest.mark.judges(custom=["incoming_messages"], application=["inbound_messages"])
def test_everything_a_customer_can_write_is_accepted(bridge, prism, kind):
    call = {"custom": "incoming_messages", "application": "inbound_messages"}[kind]
    sent = [{"sender": sender, **fields} for fields in WRITTEN for sender in SENDERS]
    for n, wrote in enumerate(sent):
        wrote = {"id": f"m-{n}", "conversation_id": f"room-{n}", **wrote}
        if wrote["id"] and len(wrote["id"]) > 200:
            wrote["id"] += str(n)
        answer = bridge.hook(wrote)
        assert answer.status == 202, (wrote, answer)
    until(lambda: len(prism.called("POST", call)) >= len(sent), 60, lambda: f"{len(prism.called('POST', call))} calls of {len(sent)}")
    assert prism.mistakes() == []
    assert {status for _, _, _, status, _ in prism.called("POST", call)} == {202}
    until(lambda: bridge.metric("front_bridge_queue_depth", direction="in", state="accepted") == len(sent), 30)


@pytest.mark.judges(custom=["message"])
def test_what_the_bridge_asks_about_a_new_thread(bridge, prism, kind):
    bridge.hook({"sender": {"handle": "ada"}, "text": "hello", "conversation_id": "room-1"})
    if kind == "custom":
        until(lambda: prism.called("GET", "/messages/alt:uid:"), 20)
    until(lambda: bridge.metric("front_bridge_queue_depth", direction="in", state="accepted") == 1)
    assert prism.mistakes() == []


@pytest.mark.judges(custom=["comments", "conversation"], application=["message_status"])
def test_a_late_failure_is_told_in_a_way_that_front_takes(bridge, backend, prism, kind):
    backend.answer = lambda d: (503, {}) if d["attempt"] < 2 else (400, {"message": "Nobody lives here."})
    sent = message("Hello", conversation="cnv_55c8c149")
    if kind == "application":
        sent = {"type": "message", "payload": sent, "metadata": {"external_conversation_ids": []}}
    call = bridge.callback if kind == "custom" else bridge.app_callback
    assert call(sent, channel="support").json["type"] == "success"
    if kind == "custom":
        (comment,) = until(lambda: prism.called("POST", "/conversations/cnv_55c8c149/comments"), 20)
        assert "Nobody lives here." in json.loads(comment[2])["body"]
        until(lambda: prism.called("PATCH", "/conversations/cnv_55c8c149"), 20)
    else:
        (status,) = until(lambda: prism.called("PUT", "/status"), 20)
        assert json.loads(status[2])["status"] == "failed"
    assert prism.mistakes() == []


def agents(**fields):
    """What an agent wrote in the chat system."""
    to = [{"handle": "ada", "name": "Ada 😀"}]
    return {"direction": "outbound", "sender": {"handle": "desk", "name": "Grace"}, "to": to, "conversation_id": "room-1", **fields}


@pytest.mark.judges("teammate", custom=["imported_messages"], application=["outbound_messages"])
def test_what_agents_write_elsewhere_is_accepted(bridge, prism, kind):
    call = {"custom": "/imported_messages", "application": "/outbound_messages"}[kind]
    sent = [{"id": f"o-{n}", **agents(author_email="grace+1@example.com", **fields)} for n, fields in enumerate(WRITTEN) if "id" not in fields]
    for wrote in sent:
        answer = bridge.hook(wrote)
        assert answer.status == 202, (wrote, answer)
    until(lambda: len(prism.called("POST", call)) >= len(sent), 60, lambda: f"{len(prism.called('POST', call))} calls of {len(sent)}")
    assert prism.called("GET", "/teammates/alt:email:grace")
    assert prism.mistakes() == []
    assert {status for _, _, _, status, _ in prism.called("POST", call)} == {202}


EVENTS = [  # type, target, and what Front is asked about it
    ("outbound", "message", "/messages/msg_1"),
    ("inbound", "message", "/messages/msg_1"),
    ("sending_error", "message", "/events/evt_1"),
    ("tag", "tag", "/conversations/cnv_1/inboxes"),
]


def preview(type, target, n):
    """What Front sends of an event."""
    place = "https://acme.api.frontapp.com"
    event = {"id": f"evt_1{n}", "type": type, "emitted_at": 1700000000.5, "_links": {"self": f"{place}/events/evt_1{n}"}}
    event["conversation"] = {"id": f"cnv_1{n}", "_links": {"self": f"{place}/conversations/cnv_1{n}"}}
    event["source"] = {"type": "teammate", "id": "tea_1", "_links": {"self": f"{place}/teammates/tea_1"}}
    thing = f"{target[:3]}_1{n}".replace("mes", "msg")
    event["target"] = {"type": target, "id": thing, "_links": {"self": f"{place}/{target}s/{thing}"}}
    return event


@pytest.mark.judges("events", "event", "message", "conversation_inboxes", "channel")
def test_what_is_asked_about_events(make_bridge, backend, prism):
    """The look for missed ones, and what a preview does not say; whatever Prism's examples answer."""
    bridge = make_bridge(
        backend=backend,
        front=prism,
        source="events",
        settings={"url": backend.url + "/deliver", "secret": backend_module.SECRET, "events": ["*"]},
        account={"rate": {"per_resource": "50/s"}, "catch_up": {"enabled": True, "every": "1m"}},
    )
    until(lambda: prism.called("GET", "/events?"), 20, "it looks for missed events")
    for n, (kind, target, path) in enumerate(EVENTS):
        body = json.dumps(preview(kind, target, n)).encode()
        headers = {"content-type": "application/json", "x-front-signature": signing.sha1(body, SECRET)}
        assert bridge.request("POST", "/events/main", body, headers).status == 200
        asked = path.replace("_1", f"_1{n}")
        until(lambda: prism.called("GET", asked), 20, lambda: f"{asked} for {kind}: {prism.seen}")
    assert prism.called("GET", "/channels/cha_1")
    assert prism.mistakes() == []


@pytest.mark.judges(custom=["conversation_messages", "events"], application=["inbound_messages"])
def test_what_is_asked_when_an_answer_was_lost(bridge, prism, kind):
    """Of a conversation that is known, and of one that is not."""
    call = {"custom": "incoming_messages", "application": "inbound_messages"}[kind]
    bridge.hook({"id": "first", "sender": {"handle": "ada"}, "text": "hello", "conversation_id": "room-1"})
    bridge.wait_state("first", "accepted")
    if kind == "custom":
        until(lambda: conversations(bridge), 20, "the conversation is learnt")
    for n, room in enumerate(("room-1", "room-2")):
        prism.losing = call
        bridge.hook({"id": f"lost-{n}", "sender": {"handle": f"a{n}"}, "text": "lost", "conversation_id": room})
        until(lambda: prism.losing is None)
    looks = {"custom": ["/conversations/", "/events?"], "application": ["/events?"]}[kind]
    for path in looks:
        until(lambda: prism.called("GET", path), 40, f"it looks at {path}")
    assert prism.mistakes() == []


def conversations(bridge):
    with sqlite3.connect(bridge.store / "front-bridge.db") as db:
        found = db.execute("SELECT conversation FROM thread WHERE conversation IS NOT NULL").fetchall()
    db.close()
    return found


@pytest.mark.judges(custom=["imported_messages"], application=["inbound_messages", "outbound_messages"])
def test_history_is_taken(bridge, prism, kind, tmp_path):
    lines = [
        {"id": "h1", "created_at": 1600000000, "sender": {"handle": "ada", "name": "Ada"}, "text": "a <b>"},
        {"id": "h2", "created_at": "2020-09-13T12:30:00Z", "direction": "outbound", "sender": {"handle": "grace"}, "to": [{"handle": "ada"}],
         "html": "<b>Hello</b>", "author_email": "grace@example.com"},
        {"id": "h3", "created_at": 1600000002.5, "sender": {"handle": "ada"}, "markdown": "**a**", "subject": "S", "conversation_id": "room"},
    ]
    file = tmp_path / "history.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    bridge.run_cli("import", str(file), "--no-wait", check=0)
    until(lambda: len([s for s in prism.seen if s[0] == "POST"]) >= len(lines), 40)
    assert prism.mistakes() == []


@pytest.mark.judges(custom=["incoming_messages", "imported_messages"], application=["inbound_messages", "outbound_messages"])
def test_files_are_taken(bridge, prism):
    files = [{"filename": name, "content_type": type, "data": base64.b64encode(b"\x00data" * 100).decode()}
             for name, type in (("a.png", "image/png"), ("über \"x\".txt", "text/plain"))]
    for n, fields in enumerate(({"text": "with files"}, {}, {"subject": "S", "text": "x", "conversation_id": "room-9"})):
        assert bridge.hook({"id": f"f{n}", "sender": {"handle": "ada", "name": "Ada"}, "attachments": files, **fields}).status == 202
        assert bridge.hook({"id": f"g{n}", **agents(**fields), "attachments": files}).status == 202
    until(lambda: len(forms(prism)) >= 6, 40, lambda: prism.seen)
    assert prism.mistakes() == []
    assert {status for _, _, _, status, _ in forms(prism)} == {202}


def forms(prism):
    with prism.lock:
        return [s for s in prism.seen if s[0] == "POST" and b"name=\"attachments[" in s[2]]


@pytest.mark.judges("message_seen", "download")
def test_what_is_asked_about_what_agents_send(bridge, backend, prism, kind):
    url = "https://acme.api.frontapp.com/download/fil_55c8c149"
    sent = message("Hello", attachments=[{"id": "fil_55c8c149", "url": url, "filename": "a.png", "content_type": "image/png"}])
    if kind == "application":
        bridge.app_callback({"type": "message", "payload": sent, "metadata": {}}, channel="support")
    else:
        bridge.callback(sent)
    until(lambda: prism.called("GET", "/download/"), 20)
    (delivery,) = backend.wait(1, 30)
    bridge.wait_state(sent["id"], "delivered")
    assert bridge.hook({"type": "receipt", "status": "read", "delivery_id": delivery["id"]}).status == 200
    until(lambda: prism.called("POST", f"/messages/{sent['id']}/seen"), 20)
    assert prism.mistakes() == []


@pytest.mark.judges(application=["channel_status"])
def test_a_channel_that_is_down_is_said_to_be(bridge, backend, prism, kind):
    if kind == "custom":
        pytest.skip("Front takes no status of a custom channel")
    backend.close()
    for n in range(7):
        bridge.app_callback({"type": "message", "payload": message(to=f"a{n}"), "metadata": {}}, channel="support")
    until(lambda: prism.called("PATCH", "/channels/cha_1"), 60)
    assert prism.mistakes() == []


@pytest.mark.judges("me", "conversation_comments")
def test_what_doctor_asks(bridge, prism):
    """Its writes are empty on purpose, so that nothing can happen, and it takes no file; these alone are mistakes."""
    bridge.run_cli("doctor")
    assert not [s for s in prism.mistakes() if s[0] == "GET" and "/download/" not in s[1]], prism.mistakes()


def named_calls():
    """The names of calls in the source: those that are counted, and those that calls are made with."""
    table = (ROOT / "src/front/tally.c").read_text().split("names[] = {")[1].split("}")[0]
    made = set()
    for file in (ROOT / "src/bridge").glob("*.c"):
        made |= set(re.findall(r'(?:struct front_request\)\s*\{\s*\.name = |happening_ask\(h, )"(\w+)"', file.read_text()))
    return set(re.findall(r'"(\w+)"', table)) - {"other"}, made


def test_every_call_is_judged():
    counted, made = named_calls()
    marks = [m for f in globals().values() for m in getattr(f, "pytestmark", []) if m.name == "judges"]
    judged = {name for m in marks for names in (m.args, *m.kwargs.values()) for name in names}
    assert len(made) >= 8 and made <= counted, made - counted
    assert judged == counted, f"without a test: {counted - judged}; with one, but never made: {judged - counted}"


def test_prism_sees_mistakes(prism):
    """A judge who accepts everything would pass all of the above."""
    headers = {"content-type": "application/json", "authorization": "Bearer x"}
    good = {"sender": {"handle": "a"}, "body": "x", "metadata": {"external_id": "1", "external_conversation_id": "2"}}
    for path, body in (
        ("/channels/cha_1/inbound_messages", {**good, "metadata": {"external_id": "1" * 201, "external_conversation_id": "2"}}),
        ("/channels/cha_1/inbound_messages", {**good, "sender": {}}),
        ("/channels/cha_1/incoming_messages", {**good, "metadata": {}, "body_format": "text"}),
        ("/channels/cha_1/incoming_messages", None),
    ):
        status, *_ = prism.handle("POST", path, headers, json.dumps(body).encode() if body else b"")
        assert status == 422, (path, body)
    status, *_ = prism.handle("POST", "/channels/cha_1/inbound_messages", headers, json.dumps(good).encode())
    assert status == 202
    assert len(prism.mistakes()) == 4
    for path in ("/events?limit=many", "/event/evt_1"):
        prism.handle("GET", path, headers, b"")
    assert len(prism.mistakes()) == 6
