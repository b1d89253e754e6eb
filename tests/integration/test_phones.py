"""Channels whose handles are phone numbers: one customer for each number, whichever way the two sides write it."""
import json
import time

import backend as backend_module
import pytest
import signing
from bridge import SECRET, message, next_id
from wait import until


def phones(make_bridge, backend, front, kind="custom", **changes):
    settings = {"url": backend.url, "secret": backend_module.SECRET}
    return make_bridge(backend=backend, front=front, channels={"support": {
        "account": "main", "kind": kind, "front_channel": "cha_1", "adapter": "http", "settings": settings,
        "handles": "phone", "answer": {"wait": "2s"}, "retry": {"first": "100ms", "factor": 1, "max": "200ms"}, **changes}})


def inbound(handle, **fields):
    return {"id": "m-" + next_id(), "sender": {"handle": handle}, "text": "Hi", **fields}


def posts(front):
    with front.lock:
        return [c[3] for c in front.calls if c[0] == "POST" and c[1].endswith(("_messages"))]


def test_a_number_is_one_customer(make_bridge, backend, front):
    bridge = phones(make_bridge, backend, front)
    for spelling in ("+49 30 1234567", "0049 (30) 123-45-67", "+49 (0)30/1234567"):
        assert bridge.hook(inbound(spelling)).status == 202
    until(lambda: len(posts(front)) == 3, 10, "posted")
    assert {p["sender"]["handle"] for p in posts(front)} == {"+49301234567"}
    assert {p["metadata"]["thread_ref"] for p in posts(front)} == {"+49301234567"}


def test_the_backend_gets_its_own_spelling_back(make_bridge, backend, front):
    bridge = phones(make_bridge, backend, front)
    assert bridge.callback(message("before", to="0049 30 1234567")).json["type"] == "success"
    assert backend.wait(1)[0]["recipient"]["handle"] == "+49301234567", "the map knows no other"
    bridge.hook(inbound("0049 / 30 / 1234567", conversation_id="room-7"))
    bridge.kill()
    bridge.start()
    sent = message("after", to="+49301234567")
    assert bridge.callback(sent).json["type"] == "success"
    assert backend.wait(2)[1]["recipient"] == {"handle": "0049 / 30 / 1234567", "name": "+49301234567"}
    assert backend.deliveries[1]["conversation_id"] == "room-7"
    sent = message("queued", to=["+49301234567"])
    backend.answer = lambda d: (503, {}) if d["attempt"] == 1 else (200, {})
    bridge.callback(sent)
    bridge.wait_state(sent["id"], "delivered")
    assert {d["recipient"]["handle"] for d in backend.deliveries[2:]} == {"0049 / 30 / 1234567"}, "a claim says the same"


@pytest.mark.parametrize("handle", ["030 1234567", "ada", "+49 12", "tel:+49301234567"])
def test_a_number_without_its_country_is_refused(make_bridge, backend, front, handle):
    bridge = phones(make_bridge, backend, front)
    answer = bridge.hook(inbound(handle))
    assert answer.status == 422 and "country code" in answer.json["error"]
    answer = bridge.callback(message(to=handle))
    assert answer.status == 400 and "country code" in answer.json["message"]
    assert not posts(front) and not backend.deliveries


def test_one_wrong_number_of_several_is_told_later(make_bridge, backend, front):
    bridge = phones(make_bridge, backend, front)
    sent = message(to=["+49301234567", "030 1234567"], conversation="cnv_late")
    assert bridge.callback(sent).json["type"] == "success"
    assert [d["recipient"]["handle"] for d in backend.wait(1)] == ["+49301234567"]
    until(lambda: any(c[1] == "/conversations/cnv_late/comments" for c in front.calls), 10, "told")


def test_what_agents_wrote_over_there_and_history(make_bridge, backend, front, tmp_path):
    bridge = phones(make_bridge, backend, front, kind="application")
    wrote = {"id": "o-1", "direction": "outbound", "sender": {"handle": "desk"}, "to": [{"handle": "0049 30 1234567"}], "text": "Hi"}
    assert bridge.hook(wrote).status == 202, "the agent's own handle is no number"
    assert bridge.hook({**wrote, "id": "o-2", "to": [{"handle": "+49301234567"}, {"handle": "ada"}]}).status == 422
    lines = tmp_path / "history.jsonl"
    old = {"id": "h-1", "sender": {"handle": "+49 30 1234567"}, "text": "once", "created_at": 1500000000}
    lines.write_text("\n".join(json.dumps(line) for line in (old, {**old, "id": "h-2", "sender": {"handle": "030 1"}})) + "\n")
    done = bridge.run_cli("import", str(lines), "--channel", "support")
    assert done.returncode == 1 and "country code" in done.stdout + done.stderr
    until(lambda: len(posts(front)) == 2, 20, "posted")
    assert {p["metadata"]["external_conversation_id"] for p in posts(front)} == {"+49301234567"}
    assert sorted(p["to"][0]["handle"] if "to" in p else p["sender"]["handle"] for p in posts(front)) == ["+49301234567"] * 2


def test_spellings_are_learnt_from_history_too(make_bridge, backend, front, tmp_path):
    """What the backend writes itself now is newer, whichever comes first."""
    bridge = phones(make_bridge, backend, front)
    lines = tmp_path / "history.jsonl"
    old = [{"id": f"h-{n}", "sender": {"handle": f"0049 30 {n}"}, "text": "once", "created_at": 1500000000} for n in (1234567, 7654321)]
    lines.write_text("".join(json.dumps(line) + "\n" for line in old))
    assert bridge.hook(inbound("0049-30-7654321")).status == 202
    bridge.run_cli("import", str(lines), "--channel", "support", "--no-wait", check=0)
    for number, spelling in (("+49301234567", "0049 30 1234567"), ("+49307654321", "0049-30-7654321")):
        n = len(backend.deliveries)
        assert bridge.callback(message("after", to=number)).json["type"] == "success"
        assert backend.wait(n + 1)[n]["recipient"]["handle"] == spelling


def test_a_failure_is_looked_for_in_the_spelling_of_each_channel(make_bridge, backend, front):
    """The first channel, by name, has one spelling for a number; the second one knows its customer by another."""
    common = {"account": "main", "kind": "custom", "adapter": "http", "settings": {"url": backend.url, "secret": backend_module.SECRET}}
    bridge = make_bridge(backend=backend, front=front, channels={
        "numbers": {**common, "front_channel": "cha_1", "handles": "phone"}, "others": {**common, "front_channel": "cha_2"}})
    for channel, told in (("others", "0049 30 1234567"), ("numbers", "+49301234567")):
        sent = message(to="0049 30 1234567")
        n = len(backend.deliveries)
        assert bridge.callback(sent, channel=channel).json["type"] == "success"
        event = {"id": "evt_" + next_id(), "type": "sending_error", "emitted_at": time.time(),
                 "source": {"_meta": {"type": "recipient"}, "data": {"handle": "0049 30 1234567", "role": "to"}},
                 "target": {"_meta": {"type": "message"}, "data": sent},
                 "conversation": {"id": sent["_links"]["related"]["conversation"].rsplit("/", 1)[1]}}
        body = json.dumps(event).encode()
        headers = {"content-type": "application/json", "x-front-signature": signing.sha1(body, SECRET)}
        assert bridge.request("POST", "/events/main", body, headers).status == 200
        notice = backend.wait(n + 2)[n + 1]
        assert notice["type"] == "sending_error" and notice["channel"] == channel
        assert notice["recipient"]["handle"] == told
