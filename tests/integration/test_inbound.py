"""Backend to Front: durable before it is acknowledged, posted once, in order, inside the limits."""
import base64
import json
import threading
import time

import pytest
from bridge import APP_SECRET, APP_UID, message, next_id
from frontapi import TOKEN, FrontApi
from serving import Drop
from wait import until


def inbound(text="Hi there", handle="ada", **fields):
    return {"id": "m-" + next_id(), "conversation_id": "room-7", "sender": {"handle": handle, "name": "Ada"}, "text": text, **fields}


def test_a_customers_message_reaches_front(bridge, front):
    wrote = inbound("It works!\nReally <b>", subject="Question")
    answer = bridge.hook(wrote)
    assert answer.status == 202, answer
    assert answer.json["status"] == "accepted" and answer.json["id"]
    (posted,) = front.wait(1)
    method, path, headers, _ = next(c for c in front.calls if c[0] == "POST")
    assert path == "/channels/cha_1/incoming_messages"
    assert headers["Authorization"] == "Bearer " + TOKEN
    assert posted["sender"]["handle"] == "ada" and posted["sender"]["name"] == "Ada"
    assert posted["subject"] == "Question"
    assert posted["body_format"] == "html"
    assert "It works!" in posted["body"] and "<br" in posted["body"] and "&lt;b&gt;" in posted["body"]
    assert posted["metadata"]["headers"]["front_bridge_id"] == answer.json["id"]
    assert posted["metadata"]["thread_ref"]
    until(lambda: bridge.state_of(wrote["id"]) in ("accepted", "delivered"))


def test_the_same_id_again_is_one_message_and_the_same_answer(bridge, front):
    wrote = inbound()
    first, second = bridge.hook(wrote), bridge.hook(wrote)
    assert (first.status, second.status) == (202, 200)
    assert first.json == second.json
    front.wait(1)
    time.sleep(0.5)
    assert len(front.posted()) == 1


def test_ids_over_200_characters_are_mapped(bridge, front):
    wrote = inbound(id="x" * 500, conversation_id="room-" + "y" * 400)
    assert bridge.hook(wrote).status == 202
    assert bridge.hook(wrote).status == 200
    (posted,) = front.wait(1)
    assert len(posted["metadata"]["thread_ref"]) <= 200


@pytest.mark.parametrize("mode, same", [("contact", True), ("conversation", False)])
def test_threads_follow_the_contact_or_the_conversation(make_bridge, backend, front, mode, same):
    bridge = make_bridge(backend=backend, front=front, thread=mode)
    bridge.hook(inbound(conversation_id="room-1"))
    bridge.hook(inbound(conversation_id="room-2"))
    one, two = front.wait(2)
    assert (one["metadata"]["thread_ref"] == two["metadata"]["thread_ref"]) == same


def test_a_rolling_thread_ends_after_its_silence(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, thread="2s")
    for pause in (0, 0.5, 3):
        time.sleep(pause)
        bridge.hook(inbound())
    one, two, three = (p["metadata"]["thread_ref"] for p in front.wait(3))
    assert one == two != three
    bridge.hook(inbound(handle="bob"))
    assert front.wait(4)[3]["metadata"]["thread_ref"] not in (one, three)


def test_the_first_reply_carries_the_backends_conversation(bridge, backend, front):
    bridge.hook(inbound(conversation_id="room-42"))
    front.wait(1)
    until(lambda: bridge.lines("thread_learnt"), 10, "the conversation is learnt by alt:uid")
    bridge.callback(message("Hello back", to="ada", conversation="cnv_1"))
    (delivery,) = backend.wait(1)
    assert delivery["conversation_id"] == "room-42"


def test_until_it_is_learnt_the_handle_decides(make_bridge, backend, front):
    original = front.accept

    def not_created_yet(method, path, content):
        if "/alt:uid:" in path:
            return 404, {"content-type": "application/json"}, b'{"_error":{"status":404,"title":"Not found"}}'
        return original(method, path, content)

    front.accept = not_created_yet
    bridge = make_bridge(backend=backend, front=front)
    bridge.hook(inbound(conversation_id="room-42", handle="ada"))
    front.wait(1)
    bridge.callback(message("Hello back", to="ada", conversation="cnv_new"))
    (delivery,) = backend.wait(1)
    assert delivery["conversation_id"] == "room-42"
    bridge.callback(message("Hello", to="bob", conversation="cnv_other"))
    assert backend.wait(2)[1]["conversation_id"] is None


def error(status, title="Bad request", text="The handle is not valid."):
    body = json.dumps({"_error": {"status": status, "title": title, "message": text}}).encode()
    return status, {"content-type": "application/json"}, body


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_temporary_failure_is_tried_again(bridge, front, status):
    code, headers, body = error(status)
    front.script = [(code, {**headers, "retry-after": "1"}, body)] * 2
    wrote = inbound()
    bridge.hook(wrote)
    posts = front.wait(3, 20)
    assert len({p["metadata"]["headers"]["front_bridge_id"] for p in posts}) == 1
    until(lambda: bridge.state_of(wrote["id"]) in ("accepted", "delivered"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_is_a_dead_letter_with_fronts_own_reason(bridge, front, status):
    front.script = [error(status)]
    wrote = inbound()
    bridge.hook(wrote)
    bridge.wait_state(wrote["id"], "dead")
    (dead,) = bridge.admin("GET", "/api/v1/dead").json["messages"]
    assert "The handle is not valid." in dead["reason"]
    bridge.admin("POST", f"/api/v1/dead/retry?id={dead['id']}")
    front.wait(2)
    until(lambda: bridge.state_of(wrote["id"]) in ("accepted", "delivered"))


ODD = {
    "lost": Drop,
    "html": (200, {"content-type": "text/html"}, b"<html><body>Proxy error</body></html>"),
    "empty": (202, {}, b""),
    "huge": (202, {"content-type": "application/json"}, b'{"a":"' + b"x" * (10 << 20) + b'"}'),
    "redirect": (301, {"location": "http://127.0.0.1:1/elsewhere"}, b""),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_answers_of_front_lose_nothing(bridge, front, kind):
    front.script = [ODD[kind]]
    wrote = inbound()
    bridge.hook(wrote)
    until(lambda: bridge.state_of(wrote["id"]) in ("accepted", "delivered", "dead"), 20)
    assert bridge.state_of(wrote["id"]) == ("dead" if kind == "redirect" else "delivered")
    assert len(front.posted()) == 1, "Front has it: it is found there"


def test_order_in_a_conversation(bridge, front):
    front.script = [error(503)]
    for n in range(5):
        bridge.hook(inbound(f"text {n}", conversation_id="room-1"))
    until(lambda: len(front.posted()) >= 6, 20)
    assert [p["body"][-1] if p["body"][-1].isdigit() else p["body"] for p in front.posted()]
    numbers = [int("".join(c for c in p["body"] if c.isdigit())) for p in front.posted()]
    assert numbers == [0, 0, 1, 2, 3, 4]


def test_front_is_down_and_comes_back(make_bridge, backend):
    with FrontApi() as gone:
        port = gone.port
    bridge = make_bridge(backend=backend, front=gone)
    for n in range(10):
        assert bridge.hook(inbound(f"text {n}", conversation_id=f"room-{n}")).status == 202
    until(lambda: bridge.lines("paused"))
    with FrontApi(port) as back:
        back.wait(10, 20)
        assert len({p["metadata"]["headers"]["front_bridge_id"] for p in back.posted()}) == 10


def test_an_application_channel_posts_with_a_fresh_jwt(make_bridge, backend, front):
    import backend as backend_module

    channels = {
        "app": {
            "account": "main",
            "kind": "application",
            "front_channel": "cha_app",
            "adapter": "http",
            "settings": {"url": backend.url, "secret": backend_module.SECRET},
        }
    }
    bridge = make_bridge(backend=backend, front=front, channels=channels)
    for n in range(2):
        wrote = inbound(f"text {n}", sender={"handle": "ada", "email": "ada@example.com"})
        answer = bridge.hook(wrote, channel="app")
        assert answer.status == 202
    front.wait(2)
    calls = [c for c in front.calls if c[0] == "POST"]
    assert {c[1] for c in calls} == {"/channels/cha_app/inbound_messages"}
    assert calls[-1][3]["metadata"]["external_id"] == answer.json["id"]
    assert calls[-1][3]["metadata"]["external_conversation_id"]
    tokens = [c[2]["Authorization"].removeprefix("Bearer ") for c in calls]
    assert len(set(tokens)) == 2
    header, claims, signature = tokens[0].split(".")
    claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert claims["iss"] == APP_UID and claims["sub"] == "cha_app" and claims["jti"]
    assert 0 < claims["exp"] - time.time() <= 30
    import hashlib
    import hmac

    digest = hmac.new(APP_SECRET.encode(), tokens[0].rsplit(".", 1)[0].encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == signature


def test_a_flooding_backend_meets_its_quota_and_not_the_others(make_bridge, backend, front):
    import backend as backend_module

    settings = {"url": backend.url, "secret": backend_module.SECRET}
    channel = {"account": "main", "front_channel": "cha_1", "adapter": "http", "settings": settings}
    bridge = make_bridge(
        backend=backend,
        front=front,
        channels={"flood": channel, "calm": {**channel, "front_channel": "cha_2"}},
        top={"limits": {"channel_quota": "1MiB"}},
    )
    front.script = [error(503)] * 100000
    statuses = []
    for n in range(80):
        statuses.append(bridge.hook(inbound("x" * 20000), channel="flood").status)
    assert 202 in statuses and statuses[-1] in (429, 503), statuses
    assert bridge.hook(inbound("calm"), channel="calm").status == 202


@pytest.mark.parametrize(
    "wrong, status",
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 422),
        (b'{"text":"hi"}', 422),
        (b'{"sender":{"handle":"a"}}', 422),
        (b'{"sender":{"handle":"a"},"text":"x","html":"y"}', 422),
        (b'{"sender":{"handle":"a"},"text":5}', 422),
        (b'{"sender":{"handle":"a"},"text":"x","text":"y"}', 400),
    ],
)
def test_what_is_wrong_with_a_hook_is_said(bridge, front, wrong, status):
    answer = bridge.hook(wrong)
    assert answer.status in (400, 422), answer
    assert answer.json["error"]
    assert not front.posted() and not bridge.messages()


def test_a_hook_without_a_valid_signature_is_refused(bridge, front):
    import signing
    from backend import SECRET

    body = json.dumps(inbound()).encode()
    good = {"content-type": "application/json", **signing.webhook_headers(body, SECRET)}
    stale = {**good, **signing.webhook_headers(body, SECRET, at=time.time() - 600)}
    wrong = {**good, "webhook-signature": "v1," + base64.b64encode(b"x" * 32).decode()}
    for headers in ({}, stale, wrong, {**good, "webhook-id": "other"}):
        assert bridge.request("POST", "/hooks/support", body, headers).status == 401
    assert bridge.request("POST", "/hooks/nowhere", body, good).status == 404
    assert bridge.request("POST", "/hooks/support", body, good).status == 202
    front.wait(1)
