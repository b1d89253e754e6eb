"""What a backend says of a delivery later: durable before it is acknowledged, acted on once."""
import time

from bridge import message
from wait import until


def receipt(status, **fields):
    return {"type": "receipt", "status": status, **fields}


def calls(front, method, part):
    with front.lock:
        return [c for c in front.calls if c[0] == method and part in c[1]]


def serve(front):
    original = front.accept

    def accept(method, path, content):
        if path.endswith("/seen") or method in ("PATCH", "PUT"):
            return 204, {}, b""
        if path.endswith("/comments"):
            return 201, {"content-type": "application/json"}, b'{"id":"com_1"}'
        return original(method, path, content)

    front.accept = accept


def deliver(bridge, backend, **fields):
    sent = message(**fields)
    assert bridge.callback(sent).json["type"] == "success"
    until(lambda: bridge.state_of(sent["id"]) == "delivered")
    return sent, next(d for d in backend.deliveries if d["front"]["message_id"] == sent["id"])


def told(bridge, delivery):
    shown = bridge.admin("GET", f"/api/v1/messages/{delivery['id']}").json
    return [a["outcome"] for a in shown["timeline"] if a["outcome"].startswith("told")]


def test_read_marks_the_message_as_seen_once(bridge, backend, front):
    serve(front)
    sent, delivery = deliver(bridge, backend)
    for fields in ({"delivery_id": delivery["id"]}, {"external_id": "x-" + delivery["id"]}):
        for _ in range(2):
            answer = bridge.hook(receipt("read", **fields))
            assert (answer.status, answer.json) == (200, {"status": "accepted"})
    until(lambda: calls(front, "POST", "/seen"))
    bridge.restart()
    bridge.hook(receipt("read", delivery_id=delivery["id"]))
    bridge.hook(receipt("delivered", delivery_id=delivery["id"] + ".2"))
    ((_, path, _, body),) = calls(front, "POST", "/seen")
    assert path == f"/messages/{sent['id']}/seen" and body == {}
    assert told(bridge, delivery) == ["told delivered", "told read"]


def test_readers_of_one_message_are_one_call(bridge, backend, front):
    serve(front)
    sent = message(to=["ada", "bob", "eve"])
    bridge.callback(sent)
    for delivery in backend.wait(3):
        assert bridge.hook(receipt("read", delivery_id=delivery["id"])).status == 200
    other, delivery = deliver(bridge, backend)
    bridge.hook(receipt("read", delivery_id=delivery["id"]))
    until(lambda: calls(front, "POST", f"/{other['id']}/seen"))
    assert len(calls(front, "POST", f"/{sent['id']}/seen")) == 1


def test_a_failure_is_told_to_the_agent_once(bridge, backend, front):
    serve(front)
    _, delivery = deliver(bridge, backend, conversation="cnv_r")
    for _ in range(3):
        assert bridge.hook(receipt("failed", external_id="x-" + delivery["id"], reason="The phone is off.")).status == 200
    until(lambda: calls(front, "POST", "/conversations/cnv_r/comments"))
    ((_, _, _, comment),) = calls(front, "POST", "/comments")
    assert "The phone is off." in comment["body"]
    assert told(bridge, delivery) == ["told failed"]


def test_fronts_echo_of_a_failure_that_the_backend_told_does_not_go_back_to_it(bridge, backend, front):
    """A status that we put makes a sending_error in Front; the backend knows it, and is not told of its own word."""
    serve(front)
    sent, delivery = deliver(bridge, backend)
    assert bridge.hook(receipt("failed", delivery_id=delivery["id"], reason="The phone is off.")).status == 200
    event = {"id": "evt_1a", "type": "sending_error", "emitted_at": time.time(), "conversation": None,
             "source": {"_meta": {"type": "recipient"}, "data": {"handle": "ada", "role": "to"}},
             "target": {"_meta": {"type": "message"}, "data": {**sent, "error_type": "failed"}}}
    assert bridge.callback(event).status == 200
    until(lambda: bridge.lines("event", result="the bridge refused its message itself"))
    assert [d["type"] for d in backend.deliveries] == ["message"]


def test_what_names_no_delivery_is_said(bridge, backend, front):
    _, delivery = deliver(bridge, backend)
    inbound = bridge.hook({"id": "m-1", "sender": {"handle": "ada"}, "text": "hi"}).json["id"]
    for fields in ({"delivery_id": "fb0-1"}, {"external_id": "nothing"}, {"delivery_id": inbound}, {"delivery_id": delivery["id"] + "9"}):
        answer = bridge.hook(receipt("read", **fields))
        assert answer.status == 404 and "no such delivery" in answer.json["error"], fields
    assert bridge.hook(receipt("eaten", delivery_id=delivery["id"])).status == 422
    assert bridge.hook(receipt("read")).status == 422
    assert not calls(front, "POST", "/seen")
