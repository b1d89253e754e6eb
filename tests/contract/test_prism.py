"""What a running bridge asks of Front, judged by Front's own documents: Prism refuses what they do not allow."""
import json

import pytest

import backend as backend_module
import signing
from bridge import SECRET, message
from wait import until

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


def test_what_the_bridge_asks_about_a_new_thread(bridge, prism, kind):
    bridge.hook({"sender": {"handle": "ada"}, "text": "hello", "conversation_id": "room-1"})
    if kind == "custom":
        until(lambda: prism.called("GET", "/messages/alt:uid:"), 20)
    until(lambda: bridge.metric("front_bridge_queue_depth", direction="in", state="accepted") == 1)
    assert prism.mistakes() == []


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
