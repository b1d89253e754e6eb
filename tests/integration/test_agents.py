"""What agents write in the backend: it goes to Front as theirs, to the right place, and does not come back."""
import backend as backend_module
from bridge import message, next_id
from wait import until


def outbound(text="Hi Ada", to="ada", **fields):
    handles = [to] if isinstance(to, str) else to
    return {
        "id": "o-" + next_id(),
        "direction": "outbound",
        "conversation_id": "room-7",
        "sender": {"handle": "desk", "name": "Grace"},
        "author_email": "grace+1@example.com",
        "to": [{"handle": h} for h in handles],
        "text": text,
        **fields,
    }


def inbound(text="Hi there", handle="ada", **fields):
    return {"id": "m-" + next_id(), "conversation_id": "room-7", "sender": {"handle": handle}, "text": text, **fields}


def posts(front, call):
    with front.lock:
        return [c for c in front.calls if c[0] == "POST" and c[1].endswith(call)]


def app_channel(make_bridge, backend, front):
    settings = {"url": backend.url, "secret": backend_module.SECRET}
    app = {"account": "main", "kind": "application", "front_channel": "cha_app", "adapter": "http", "settings": settings}
    return make_bridge(backend=backend, front=front, channels={"app": app})


def test_an_application_channel_has_a_call_for_it(make_bridge, backend, front):
    front.teammates["grace+1@example.com"] = "tea_7"
    bridge = app_channel(make_bridge, backend, front)
    wrote = outbound(to=["ada", "bob"])
    answer = bridge.hook(wrote, channel="app")
    assert answer.status == 202
    assert bridge.hook(wrote, channel="app").status == 200, "the same id again"
    bridge.hook(inbound(), channel="app")
    front.wait(2)
    ((_, path, headers, body),) = posts(front, "/outbound_messages")
    assert path == "/channels/cha_app/outbound_messages"
    assert headers["Authorization"].count(".") == 2, "a JWT"
    assert body["to"] == [{"handle": "ada"}, {"handle": "bob"}] and body["sender_name"] == "Grace"
    assert body["author_id"] == "tea_7" and body["body"] == "Hi Ada"
    assert body["metadata"]["external_id"] == answer.json["id"]
    ((_, _, _, customers),) = posts(front, "/inbound_messages")
    threads = {b["metadata"]["external_conversation_id"] for b in (body, customers)}
    assert len(threads) == 1, "what the customer writes is the same conversation"
    bridge.wait_state(wrote["id"], "accepted")


def test_what_we_posted_is_not_delivered(make_bridge, backend, front):
    bridge = app_channel(make_bridge, backend, front)
    ours = bridge.hook(outbound(), channel="app").json["id"]
    front.wait(1)
    echo = message("Hi Ada", metadata={"external_id": ours})
    answer = bridge.app_callback({"type": "message", "payload": echo, "metadata": {"external_conversation_ids": ["ada"]}})
    assert answer.json["type"] == "success" and answer.json["external_id"] == ours
    sent = message("Really for Ada", metadata={"external_id": "fb-msg_1"})
    bridge.app_callback({"type": "message", "payload": sent, "metadata": {"external_conversation_ids": ["ada"]}})
    backend.wait(1)
    assert backend.texts() == ["Really for Ada"]


def test_a_custom_channel_puts_it_into_its_inbox(bridge, backend, front):
    bridge.hook(inbound())
    until(lambda: bridge.lines("thread_learnt"), 10, "the customer's conversation is learnt")
    wrote = outbound(sent_at=1700000000)
    answer = bridge.hook(wrote)
    bridge.wait_state(wrote["id"], "accepted")
    ((_, path, _, body),) = posts(front, "/imported_messages")
    assert path == "/inboxes/inb_1/imported_messages"
    assert body["sender"] == {"handle": "support-line", "name": "Grace"}, "nobody in Front has that address"
    assert body["to"] == ["ada"] and body["type"] == "custom" and body["created_at"] == 1700000000
    assert body["external_id"] == answer.json["id"] and body["conversation_id"] == "cnv_1"
    assert body["metadata"]["is_inbound"] is False and body["metadata"]["is_archived"] is False
    for _ in range(2):
        bridge.hook(outbound())
    until(lambda: len(posts(front, "/imported_messages")) == 3)
    assert len([c for c in front.calls if "/teammates/" in c[1] or c[1] == "/channels/cha_1"]) == 2, "each asked once"


def test_a_conversation_that_an_agent_began_there_goes_on(bridge, backend, front):
    bridge.hook(outbound())
    until(lambda: bridge.lines("thread_learnt"), 10, "the imported message's conversation is learnt")
    bridge.hook(outbound("And?"))
    until(lambda: len(posts(front, "/imported_messages")) == 2)
    first, second = (c[3] for c in posts(front, "/imported_messages"))
    assert "conversation_id" not in first and second["conversation_id"] == "cnv_1"
    bridge.callback(message("From Front", to="ada", conversation="cnv_1"))
    (delivery,) = backend.wait(1)
    assert delivery["conversation_id"] == "room-7"


def test_without_an_inbox_it_waits_and_then_says_so(make_bridge, backend, front):
    original = front.accept

    def no_channels(method, path, content):
        if method == "GET" and path.startswith("/channels/"):
            return 403, {"content-type": "application/json"}, b'{"_error":{"status":403,"title":"No scope channels:read"}}'
        return original(method, path, content)

    front.accept = no_channels
    retry = {"first": "100ms", "factor": 1, "max": "100ms", "give_up": "3s"}
    bridge = make_bridge(backend=backend, front=front, retry=retry)
    wrote = outbound()
    assert bridge.hook(wrote).status == 202
    bridge.wait_state(wrote["id"], "dead", 20)
    (dead,) = bridge.admin("GET", "/api/v1/dead").json["messages"]
    assert "channels:read" in dead["reason"] and not posts(front, "/imported_messages")


def test_bad_recipients_are_told(bridge, front):
    for to in (None, [], [{}], ["ada"], [{"handle": ""}], [{"handle": "a"}] * 51):
        answer = bridge.hook({**outbound(), "to": to})
        assert answer.status == 422 and "`to`" in answer.json["error"], (to, answer)
    assert not bridge.messages()
