"""Replies: which message another one answers, as Front and the backend call it, and where an answer belongs."""
import base64
import hashlib

import backend as backend_module
from bridge import message, next_id
from wait import until


def app_channel(make_bridge, backend, front, **changes):
    settings = {"url": backend.url, "secret": backend_module.SECRET}
    app = {"account": "main", "kind": "application", "front_channel": "cha_app", "adapter": "http", "settings": settings, **changes}
    return make_bridge(backend=backend, front=front, channels={"app": app})


def inbound(**fields):
    return {"id": "m-" + next_id(), "sender": {"handle": "ada"}, "text": "Hi", **fields}


def posts(front, call="/inbound_messages"):
    with front.lock:
        return [c[3] for c in front.calls if c[0] == "POST" and c[1].endswith(call)]


def post_of(front, answer):
    """The call that posted what the bridge took under this answer."""
    find = lambda: [p for p in posts(front) if p["metadata"]["external_id"] == answer.json["id"]]  # noqa: E731
    until(find, 10, "posted")
    return find()[0]


def answering(text, to=None, uid=None, **fields):
    sent = message(text, **fields)
    if to:
        sent["_links"]["related"]["message_replied_to"] = f"https://acme.api.frontapp.com/messages/{to}"
    if uid:
        sent["metadata"] = {"headers": {"in_reply_to": uid}}
    return sent


def envelope(sent, *conversations):
    return {"type": "message", "payload": sent, "metadata": {"external_conversation_ids": list(conversations)}}


def test_an_agent_answers_on_a_custom_channel(bridge, backend, front):
    wrote = inbound(conversation_id="room-7")
    bridge.hook(wrote)
    bridge.wait_state(wrote["id"], "accepted")
    bridge.callback(answering("to the customer", uid="uid0"))
    first = message("to nothing")
    bridge.callback(first)
    (told, plain) = backend.wait(2)
    assert told["in_reply_to"] == wrote["id"] and plain["in_reply_to"] is None
    bridge.callback(answering("to the agent", to=first["id"]))
    bridge.callback(answering("to what nobody knows", to="msg_unknown", uid="<unknown>"))
    (agents, unknown) = backend.wait(4)[2:]
    assert agents["in_reply_to"] == "x-" + plain["id"], "what the backend called that delivery"
    assert unknown["in_reply_to"] is None


def test_an_agent_answers_on_an_application_channel(make_bridge, backend, front):
    bridge = app_channel(make_bridge, backend, front)
    wrote = inbound(conversation_id="room-7")
    ours = bridge.hook(wrote, "app").json["id"]
    until(lambda: posts(front), 10, "posted")
    links = {"related": {"conversation": "https://acme.api.frontapp.com/conversations/cnv_seven"}}
    imported = {"id": "msg_seven", "_links": links, "metadata": {"external_id": ours}}
    assert bridge.app_callback({"type": "message_imported", "payload": imported}).status == 200
    bridge.kill()
    bridge.start()
    bridge.app_callback(envelope(answering("an answer", to="msg_seven"), "ada"))
    (told,) = backend.wait(1)
    assert told["in_reply_to"] == wrote["id"]
    elsewhere = message("by its conversation alone", to="bob", conversation="cnv_seven")
    bridge.app_callback(envelope(elsewhere, "not-known"))
    assert backend.wait(2)[1]["conversation_id"] == "room-7", "learnt from message_imported"


def test_a_customer_answers(make_bridge, backend, front):
    bridge = app_channel(make_bridge, backend, front)
    first = inbound(conversation_id="room-7")
    begun = bridge.hook(first, "app")
    post_of(front, begun)
    bridge.wait_state(first["id"], "accepted")
    sent = message("from the agent")
    bridge.app_callback(envelope(sent, "ada"))
    (told,) = backend.wait(1)
    bridge.wait_state(sent["id"], "delivered")
    answers = [bridge.hook(inbound(conversation_id="room-7", in_reply_to=to), "app")
               for to in (first["id"], "x-" + told["id"], "unknown")]
    metadata = [post_of(front, a)["metadata"] for a in answers]
    references = [m.get("referenced_message_external_id") for m in metadata]
    assert references == [begun.json["id"], "fb-" + sent["id"], None]


def test_what_is_answered_decides_the_conversation(make_bridge, backend, front):
    bridge = app_channel(make_bridge, backend, front)
    sent = message("from the agent", to="eve")
    bridge.app_callback(envelope(sent, "conversation-of-front"))
    (told,) = backend.wait(1)
    bridge.wait_state(sent["id"], "delivered")
    answer = post_of(front, bridge.hook(inbound(sender={"handle": "eve"}, in_reply_to="x-" + told["id"]), "app"))
    plain = post_of(front, bridge.hook(inbound(sender={"handle": "eve"}), "app"))
    assert answer["metadata"]["external_conversation_id"] == "conversation-of-front"
    assert plain["metadata"]["external_conversation_id"] == "eve"


def test_nobody_gets_into_a_thread_of_another_by_naming_a_message(make_bridge, backend, front):
    bridge = app_channel(make_bridge, backend, front)
    sent, wrote = message("to eve alone", to="eve"), inbound(sender={"handle": "eve"})
    bridge.app_callback(envelope(sent, "conversation-of-eve"))
    (told,) = backend.wait(1)
    bridge.wait_state(sent["id"], "delivered")
    bridge.hook(wrote, "app")
    for to in (wrote["id"], "x-" + told["id"]):
        answer = post_of(front, bridge.hook(inbound(sender={"handle": "mallory"}, in_reply_to=to), "app"))
        assert answer["metadata"]["external_conversation_id"] == "mallory"


def test_a_custom_channel_keeps_what_it_cannot_show(bridge, front):
    bridge.hook(inbound(in_reply_to="m-before"))
    until(lambda: posts(front, "/incoming_messages"), 10, "posted")
    assert posts(front, "/incoming_messages")[0]["metadata"]["headers"]["in_reply_to"] == "m-before"


def digest(text):
    return "fb:" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def test_ids_that_are_too_long_for_front_come_back_whole(make_bridge, backend, front):
    bridge = app_channel(make_bridge, backend, front, thread="conversation")
    wrote = inbound(id="m-" + "x" * 300, conversation_id="room-" + "y" * 300)
    told = post_of(front, bridge.hook(wrote, "app"))["metadata"]["external_conversation_id"]
    assert told == digest(wrote["conversation_id"])
    bridge.app_callback(envelope(answering("an answer", uid=digest(wrote["id"])), told))
    (delivery,) = backend.wait(1)
    assert delivery["conversation_id"] == wrote["conversation_id"]
    assert delivery["in_reply_to"] == wrote["id"]


def test_the_name_of_a_conversation_is_fixed_at_its_acceptance(make_bridge, backend, front):
    bridge = app_channel(make_bridge, backend, front)
    wrote = inbound(conversation_id="room-7")
    post_of(front, bridge.hook(wrote, "app"))
    told = lambda sent, *names: bridge.app_callback(envelope(sent, *names)).json["external_conversation_id"]  # noqa: E731
    sent = message("one")
    assert told(sent, "of-another-app", "ada") == "ada", "the one that leads to the backend's conversation"
    assert backend.wait(1)[0]["conversation_id"] == "room-7"
    assert told(sent, "merged-since", "of-another-app") == "ada", "the same message again"
    other = message("two", to="bob")
    assert told(other, "first", "second") == "first"
    bridge.kill()
    bridge.start()
    assert told(other, "second", "first") == "first"
