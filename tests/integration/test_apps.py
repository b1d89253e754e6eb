"""Application channels: connected by Front's call, told what became of messages, deleted and opened again."""
import base64
import contextlib
import json
import socket
import time

import backend as backend_module
import pytest
import signing
from bridge import SECRET, message, next_id
from serving import Drop
from wait import until

URL = "https://bridge.example.com"


def channel(backend, **changes):
    return {
        "account": "main",
        "kind": "application",
        "adapter": "http",
        "answer": {"wait": "2s"},
        "retry": {"first": "100ms", "factor": 1, "max": "200ms", "give_up": "1h"},
        "settings": {"url": backend.url, "secret": backend_module.SECRET},
        **changes,
    }


@pytest.fixture
def make_app(make_bridge, backend, front):
    """make_app(name={changes}…): a bridge whose channels are all of one app."""

    def make(top=None, **channels):
        made = {name: channel(backend, **changes) for name, changes in (channels or {"app": {}}).items()}
        return make_bridge(backend=backend, front=front, channels=made, top={"public_url": URL + "/", **(top or {})})

    return make


def authorization(channel_id, **payload):
    return {"type": "authorization", "payload": {"channel_id": channel_id, **payload}}


def envelope(sent=None, *conversations, kind="message"):
    return {"type": kind, "payload": sent or message(), "metadata": {"external_conversation_ids": list(conversations)}}


def inbound(**fields):
    return {"id": "m-" + next_id(), "conversation_id": "room-7", "sender": {"handle": "ada"}, "text": "Hi", **fields}


def front_channel(bridge, name="app"):
    return next(c for c in bridge.admin("GET", "/api/v1/channels").json["channels"] if c["name"] == name)["front_channel"]


def status(bridge, name="app"):
    return next(c for c in bridge.admin("GET", "/api/v1/channels").json["channels"] if c["name"] == name)["status"]


# ---- Connecting ----


def test_an_event_waits_until_it_is_known_which_channel_can_ask_for_it(make_app, front, backend):
    """Without the account's token; and the store fails at the start, so that everything else is known before."""
    bridge = make_app(app={"source": "events", "answer": {"wait": "0"}})
    bridge.stop()
    del bridge.config["accounts"]["main"]["token"]
    bridge.write()
    bridge.start(env={"FRONT_BRIDGE_POINT": "at_event=kill"})
    assert bridge.app_call(authorization("cha_77")).json["type"] == "success"
    sent, judge = message("by event"), front.judge
    front.judge = lambda method, path, content: (200, sent) if path == "/messages/" + sent["id"] else judge(method, path, content)
    target = {"_meta": {"type": "message"}, "data": {"id": sent["id"], "_links": {"self": sent["_links"]["self"]}}}
    event = {"id": "evt_" + next_id(), "type": "outbound", "emitted_at": time.time(), "target": target}
    with contextlib.suppress(OSError):  # it may die before its answer is out
        bridge.app_callback(event)
    bridge.process.wait(10)
    bridge.start_on_a_failing_store()
    assert backend.wait(1)[0]["text"] == "by event"


def test_a_channel_is_connected_and_posts_to_what_it_has_learnt(make_app, front):
    bridge = make_app()
    assert front_channel(bridge) is None
    wrote = inbound()
    assert bridge.hook(wrote, "app").status == 202
    answer = bridge.app_call(authorization("cha_77"))
    assert answer.status == 200 and answer.json == {"type": "success", "webhook_url": URL + "/front/app"}
    bridge.kill()
    bridge.start()
    assert front_channel(bridge) == "cha_77"
    assert status(bridge) == "up" and not bridge.lines("channel_resumed"), "it was never deleted"
    front.wait(1, 60)  # an attempt that was out when it was killed is looked up in Front first
    posts = [c for c in front.calls if c[0] == "POST"]
    assert {c[1] for c in posts} == {"/channels/cha_77/inbound_messages"}
    token = posts[0][2]["Authorization"].split()[1].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    assert claims["sub"] == "cha_77"
    assert bridge.run_cli("channel", "list", check=0).stdout.split()[-1] == "cha_77"
    assert bridge.app_call(authorization("cha_77")).json["type"] == "success", "once more is the same"


def test_a_key_says_which_channel_and_connects_it_anew(make_app):
    bridge = make_app(one={"api_key": "key-of-one"}, two={"api_key": "key-of-two"})
    assert bridge.app_call(authorization("cha_1"), key="key-of-two").json["webhook_url"] == URL + "/front/two"
    refused = bridge.app_call(authorization("cha_2"), key="key-of-three")
    assert refused.status == 403 and refused.json["type"] == "forbidden" and "API key" in refused.json["message"]
    assert bridge.app_call(authorization("cha_2")).status == 403
    assert bridge.app_call(authorization("cha_1"), key="key-of-one").status == 403, "cha_1 is two's"
    assert bridge.app_call(authorization("cha_3"), key="key-of-two").status == 200
    assert (front_channel(bridge, "one"), front_channel(bridge, "two")) == (None, "cha_3")
    (line,) = bridge.lines("channel_connected", before="cha_1")
    assert line["front_channel"] == "cha_3"
    assert "key-of" not in bridge.log_path.read_text()
    assert bridge.metric("front_bridge_app_calls_total", call="authorization", result="forbidden") == 3


def test_the_configuration_wins(make_app):
    bridge = make_app(app={"front_channel": "cha_1"})
    assert bridge.app_call(authorization("cha_1")).json["webhook_url"] == URL + "/front/app"
    refused = bridge.app_call(authorization("cha_2"))
    assert refused.status == 404 and "connected already" in refused.json["message"]
    assert front_channel(bridge) == "cha_1"


def test_what_is_no_call_of_front_is_refused(make_app):
    bridge = make_app()
    call, now = authorization("cha_1"), int(time.time() * 1000)
    assert bridge.request("POST", "/apps/main", b"{}", {"content-type": "application/json"}).status == 401
    assert bridge.app_call(call, secret="another").status == 401
    assert bridge.app_call(call, at=now - 6 * 60 * 1000).status == 401
    assert bridge.app_call(call, at=now + 6 * 60 * 1000).status == 401
    assert bridge.app_call(call, account="other").status == 404
    assert bridge.signed("POST", "/apps/main/more", call).status == 404
    assert bridge.request("GET", "/apps/main").status == 405
    for bad in (b"{", b"[]", {"type": "authorization"}, authorization(7), authorization(""), authorization("x" * 500),
                authorization("cha\n1"), {"type": "authorization", "payload": []}, {"type": "delete", "payload": {}},
                envelope(), {"type": "sync"}, {"type": "nonsense"}, {"type": "list_addresses", "page_token": 7}):
        answer = bridge.app_call(bad)
        assert answer.status == 400 and answer.json["type"] == "bad_request" and answer.json["message"], bad
    assert front_channel(bridge) is None
    assert bridge.app_callback(call).status == 404, "a channel's URL is not the app's"


def test_an_older_word_is_not_believed(make_app):
    bridge = make_app(app={"api_key": "k"})
    now = int(time.time() * 1000)
    assert bridge.app_call(authorization("cha_1"), key="k", at=now - 2000).status == 200
    assert bridge.app_call(authorization("cha_2"), key="k", at=now - 1000).status == 200
    assert bridge.app_call(authorization("cha_1"), key="k", at=now - 2000).status == 401, "a replay"
    assert bridge.app_call(authorization("cha_2"), key="k", at=now - 1000).status == 200, "the last one again"
    assert bridge.signed("DELETE", "/front/app", None, at=now - 1500).status == 401
    assert front_channel(bridge) == "cha_2" and status(bridge) == "up"


def test_addresses_come_in_pages(make_app, backend):
    bridge = make_app(**{f"c{i:03}": {"api_key": f"k{i}", "address": f"+49{i}"} for i in range(3)})
    listed = bridge.app_call({"type": "list_addresses"}).json
    assert listed == {"type": "success", "addresses": [{"address": f"+49{i}", "name": f"c{i:03}"} for i in range(3)]}
    page = {"type": "list_addresses", "pagination": {"next_page_token": "c000"}}
    assert [a["name"] for a in bridge.app_call(page).json["addresses"]] == ["c001", "c002"]
    assert bridge.app_call({**page, "pagination": {"page_token": "c002"}}).json["addresses"] == []
    for lie in ("c003", "../c000", "-1", "main", "c0"):
        assert bridge.app_call({**page, "pagination": {"page_token": lie}}).status == 400, lie
    assert [a["name"] for a in bridge.app_call({"type": "list_addresses"}, key="k1").json["addresses"]] == ["c001"]
    assert bridge.app_call({**page, "pagination": {"page_token": "c001"}}, key="k1").json["addresses"] == []
    assert bridge.app_call({**page, "pagination": {"page_token": "c000"}}, key="k1").status == 400
    assert bridge.app_call({"type": "list_addresses"}, key="wrong").status == 403


# ---- With the simulated Front ----


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_a_channel_lives_and_dies_in_front(make_bridge, backend, sim):
    url = f"http://127.0.0.1:{free_port()}"
    two = {"one": channel(backend, api_key="k1", address="+491"), "two": channel(backend, api_key="k2", address="+492")}
    account = {"api": sim.url, "token": sim.token, "app": {"uid": "app-uid", "secret": "app-secret"}}
    bridge = make_bridge(backend=backend, channels=two, account=account, top={"listen": url.split("//")[1], "public_url": url})
    sim.configure(imported_delay_ms=200)
    assert sim.connect(url + "/apps/main", key="k3")["status"] == 403
    connected = sim.connect(url + "/apps/main", key="k2", list=True, address="+492")
    assert connected["is_connected"] and connected["webhook_url"] == url + "/front/two", connected
    assert [a["name"] for a in connected["addresses"]] == ["two"]
    first = connected["channel"]
    assert front_channel(bridge, "two") == first
    wrote = inbound()
    assert bridge.hook(wrote, "two").status == 202
    (received,) = until(sim.inbound)
    bridge.wait_state(wrote["id"], "delivered")  # Front has told of it
    sent = sim.send(first, "Hello", conversation=received["conversation"])
    assert sent["state"] == "sent"
    sim.autoreply(received["conversation"], "We are closed.", metadata=False)
    assert [(d["text"], d["conversation_id"]) for d in backend.wait(2)] == [("Hello", "room-7"), ("We are closed.", "room-7")]
    assert sim.disconnect(first)["is_taken"]
    assert status(bridge, "two") == "deleted"
    waiting = inbound(text="Still there?")
    assert bridge.hook(waiting, "two").status == 202
    bridge.wait_state(waiting["id"], "held")
    second = sim.connect(url + "/apps/main", key="k2")
    assert second["is_connected"] and second["channel"] != first
    bridge.wait_state(waiting["id"], "delivered", 20)
    assert [m["text"] for m in reversed(sim.inbound())] == ["Hi", "Still there?"]
    assert sim.disconnect(second["channel"], body=False)["is_taken"]
    assert status(bridge, "two") == "deleted" and status(bridge, "one") == "up"


# ---- Messages ----


def test_messages_as_front_sends_them_to_an_application_channel(make_app, backend):
    bridge = make_app(app={"front_channel": "cha_1"})
    bare = {k: v for k, v in message(author=None).items() if k != "metadata"}
    answer = bridge.app_callback({"type": "message", "payload": bare})
    assert answer.status == 200 and answer.json["external_id"] and answer.json["external_conversation_id"]
    several = bridge.app_callback(envelope(message(), "room-1", "room-2", "room-1"))
    assert several.json["external_conversation_id"] in ("room-1", "room-2")
    assert bridge.app_callback(envelope(message(author={}, subject=None, version=None), "room-3")).status == 200
    first = backend.wait(3)[0]
    assert first["author"] is None and first["text"] == "Hello"
    sync = json.dumps({"type": "sync", "authorization": {"id": "cmp_1"}}).encode()
    handshake = {"content-type": "application/json", "x-front-challenge": "abc"}
    assert bridge.request("POST", "/front/app", sync, handshake).status == 401, "a handshake is signed too"
    event = {"id": "evt_1", "type": "inbound", "_links": {}}
    for wrong in ({"type": "message"}, {"type": "message", "payload": []}, {"type": "message", "payload": event}, {"payload": message()},
                  {"type": "message", "payload": {**message(), "recipients": []}}, {"type": "message", "payload": {**message(), "id": 7}},
                  {**envelope(), "metadata": []}, {**envelope(), "metadata": {"external_conversation_ids": "room-1"}},
                  {**envelope(), "id": "evt_1"}, {**message(), "payload": message()}, {"type": "message_imported"},
                  {"type": "message_imported", "payload": {"metadata": {"external_id": ["x"]}}}, {"type": "message_autoreply", "payload": None}):
        answer = bridge.app_callback(wrong)
        assert answer.status == 400 and answer.json["type"] == "bad_request" and answer.json["message"].endswith("."), (wrong, answer)
    assert len(backend.deliveries) == 3


def test_an_automatic_reply_comes_twice_and_is_one_message(make_app, backend):
    bridge = make_app(app={"front_channel": "cha_1"})
    reply = message("We are closed", author=None, type="auto_reply")
    for key in ("id", "metadata"):
        del reply[key]
    del reply["_links"]["self"]
    reply["_links"]["related"]["message_replied_to"] = "https://acme.api.frontapp.com/messages/msg_q"
    one, two = (bridge.app_callback({"type": "message_autoreply", "payload": reply}) for _ in range(2))
    assert one.status == two.status == 200 and one.json == two.json
    assert backend.wait(1)[0]["front"]["message_id"] == "msg_q_autoreply"
    backend.stays(1)
    del reply["_links"]["related"]["message_replied_to"]
    assert bridge.app_callback({"type": "message_autoreply", "payload": reply}).status == 400


def imported(external_id=None, uid=None):
    metadata = {"metadata": {"external_id": external_id}} if external_id else {}
    return {"type": "message_imported", "payload": {**metadata, **({"message_uid": uid} if uid else {})}}


def test_front_shows_what_was_posted(make_app, front):
    bridge = make_app(app={"front_channel": "cha_1"})
    one, two = inbound(), inbound()
    ids = [bridge.hook(m, "app").json["id"] for m in (one, two)]
    assert [p["metadata"]["external_id"] for p in front.wait(2)] == ids
    bridge.wait_state(one["id"], "accepted")
    bridge.wait_state(two["id"], "accepted")
    for _ in range(2):
        answer = bridge.app_callback(imported(external_id=ids[0]))
        assert (answer.status, answer.json) == (200, {})
        assert bridge.state_of(one["id"]) == "delivered"
    assert bridge.app_callback(imported(uid="uid1")).json == {}
    bridge.kill()
    bridge.start()
    assert bridge.state_of(one["id"]) == bridge.state_of(two["id"]) == "delivered"
    for nobodys in (imported("fb0-1", "uid77"), imported(external_id="x" * 200), imported()):
        assert (bridge.app_callback(nobodys).status, bridge.app_callback(nobodys).json) == (200, {})
    assert bridge.metric("front_bridge_confirmations_total", channel="app", result="unknown") == 6
    assert bridge.app_callback({"type": "message_imported", "payload": {"message_uid": 7}}).status == 400


def test_a_lost_answer_is_not_posted_again_once_front_shows_it(make_app, front):
    bridge = make_app(app={"front_channel": "cha_1", "retry": {"first": "1s", "factor": 1, "max": "1s", "give_up": "1h"}})
    front.script = [Drop]
    front.search = lambda path: []
    wrote = inbound()
    ours = bridge.hook(wrote, "app").json["id"]
    until(lambda: front.posted())
    assert bridge.app_callback(imported(external_id=ours)).json == {}
    bridge.wait_state(wrote["id"], "delivered")
    time.sleep(1.5)
    assert len(front.posted()) == 1


# ---- How the channel works, as Front shows it ----


def patches(front):
    with front.lock:
        return [(c[1], c[3]["status"], c[2]["Authorization"].count(".")) for c in front.calls if c[0] == "PATCH"]


def test_front_shows_the_channel_offline_and_a_new_start_says_ok(make_app, backend, front):
    original = front.accept
    front.accept = lambda m, p, c: (204, {}, b"") if m in ("PATCH", "PUT") else original(m, p, c)
    bridge = make_app(app={"front_channel": "cha_1", "answer": {"wait": "0"}})
    backend.answer = lambda d: (400, {"message": "No."})
    for n in range(8):
        assert bridge.app_callback(envelope(message(to=f"a{n}"), f"room-{n}")).json["type"] == "success"
    until(lambda: patches(front) == [("/channels/cha_1", "offline", 2)], 10, lambda: patches(front))
    assert bridge.admin("GET", "/api/v1/channels").json["channels"][0]["offline_in_front"] is True
    until(lambda: len([c for c in front.calls if c[0] == "PUT"]) == 5)
    bridge.kill()
    backend.answer = lambda d: (200, {})
    bridge.start()
    assert bridge.app_callback(envelope()).json["type"] == "success"
    until(lambda: len(patches(front)) > 1, 25)
    assert patches(front)[1:] == [("/channels/cha_1", "ok", 2)]
    until(lambda: bridge.metric("front_bridge_channel_offline", channel="app") == 0)


# ---- Deleting ----


def test_a_deleted_channel_is_held_and_comes_back_by_authorization(make_app, backend, front):
    bridge = make_app()
    backend.answer = lambda d: (503, {})
    bridge.app_call(authorization("cha_1"))
    waits, lane = message(conversation="cnv_1"), message(conversation="cnv_1")
    for sent in (waits, lane):
        assert bridge.app_callback(envelope(sent, "room-1")).json["type"] == "success"
    assert bridge.signed("DELETE", "/front/app", {"type": "delete", "payload": {"channel_id": "cha_2"}}).status == 400
    assert bridge.signed("DELETE", "/front/app", {"type": "delete", "payload": {}}).status == 400
    assert bridge.signed("DELETE", "/front/app", None, secret="wrong").status == 401
    assert status(bridge) == "up"
    gone = bridge.signed("DELETE", "/front/app", {"type": "delete", "payload": {"channel_id": "cha_1"}})
    assert (gone.status, gone.json) == (200, {})
    assert status(bridge) == "deleted" and "deleted" in bridge.run_cli("channel", "list", check=0).stdout
    assert bridge.signed("DELETE", "/front/app", None).json == {}, "once more changes nothing"
    assert bridge.metric("front_bridge_alerts_total", channel="app") == 1
    assert bridge.lines("channel_deleted")[0]["level"] == "error"
    bridge.wait_state(waits["id"], "held")
    bridge.wait_state(lane["id"], "held")
    backend.answer = lambda d: (200, {})
    n = len(backend.deliveries)
    late = bridge.app_callback(envelope())
    assert late.status == 404 and late.json["type"] == "not_found" and "deleted in Front" in late.json["message"]
    wrote = inbound()
    assert bridge.hook(wrote, "app").status == 202, "customers are not turned away"
    bridge.kill()
    bridge.start(wait=False)
    bridge.wait_ports()
    until(lambda: status(bridge) == "deleted")
    bridge.wait_state(wrote["id"], "held")
    assert len(backend.deliveries) == n and not front.posted()
    again = bridge.app_call(authorization("cha_2"))
    assert again.status == 200, again
    until(lambda: status(bridge) == "up")
    assert [d["front"]["message_id"] for d in backend.wait(n + 2)[n:]] == [waits["id"], lane["id"]]
    front.wait(1)
    assert front.calls[-1][1] == "/channels/cha_2/inbound_messages"


def test_a_replayed_deletion_does_not_stop_the_channel_again(make_app):
    bridge = make_app()
    bridge.app_call(authorization("cha_1"))
    at = int(time.time() * 1000)
    assert bridge.signed("DELETE", "/front/app", None, at=at).status == 200
    assert bridge.app_call(authorization("cha_2"), at=at + 1).status == 200
    until(lambda: status(bridge) == "up")
    assert bridge.signed("DELETE", "/front/app", None, at=at).status == 401
    assert status(bridge) == "up"


def test_an_operator_resumes_a_deleted_channel(make_app, backend, front):
    bridge = make_app(app={"front_channel": "cha_1"})
    nothing = bridge.run_cli("channel", "resume", "app", check=1)
    assert "nothing to resume" in nothing.stderr
    assert 'did you mean "app"' in bridge.run_cli("channel", "resume", "apps", check=2).stderr
    at = int(time.time() * 1000)
    assert bridge.signed("DELETE", "/front/app", None, at=at).status == 200
    wrote = inbound()
    bridge.hook(wrote, "app")
    bridge.wait_state(wrote["id"], "held")
    assert "app goes on" in bridge.run_cli("channel", "resume", "app", check=0).stdout
    front.wait(1)
    until(lambda: status(bridge) == "up")
    assert bridge.signed("DELETE", "/front/app", None, at=at).status == 401, "the same word again"
    assert bridge.signed("DELETE", "/front/app", None).status == 200
    again = inbound()
    bridge.hook(again, "app")
    bridge.wait_state(again["id"], "held")
    bridge.stop()
    assert "app goes on" in bridge.run_cli("channel", "resume", "app", check=0).stdout
    assert "nothing to resume" in bridge.run_cli("channel", "resume", "app", check=1).stderr
    assert len(front.posted()) == 1
    bridge.start()
    front.wait(2)
    assert bridge.admin("POST", "/api/v1/channels/none/resume").status == 404
    assert bridge.admin("POST", "/api/v1/channels/app/drop").status == 404
    assert bridge.admin("POST", "/api/v1/channels/app/resume").status == 409


def test_the_release_survives_every_kill(make_app, backend):
    """Killed after each of its steps in turn, the channel opens in the end, and nothing is lost, doubled or overtaken."""
    bridge = make_app(app={"front_channel": "cha_1", "answer": {"wait": "0"}})
    backend.answer = lambda d: (503, {})
    sent = [message(f"{lane}{n}", conversation=f"cnv_{lane}", to=lane) for n in range(3) for lane in "ab"]
    for each in sent:
        assert bridge.app_callback(envelope(each, f"room-{each['recipients'][1]['handle']}")).json["type"] == "success"
    assert bridge.signed("DELETE", "/front/app", None).status == 200
    bridge.wait_state(sent[-1]["id"], "held")
    until(lambda: all(m["state"] == "held" for m in bridge.messages()))
    bridge.stop()
    bridge.run_cli("channel", "resume", "app", check=0)
    seen = len(backend.deliveries)
    backend.answer = lambda d: (200, {})
    for n in (1, 2, 3):  # held, released, opened
        bridge.start(wait=False, env={"FRONT_BRIDGE_POINT": f"life_step=kill:{n}"})
        bridge.process.wait(30)
    bridge.start()
    until(lambda: all(m["state"] == "delivered" for m in bridge.messages()))
    texts = [d["text"] for d in backend.deliveries[seen:]]
    for lane in "ab":
        assert list(dict.fromkeys(t for t in texts if t[0] == lane)) == [f"{lane}{n}" for n in range(3)], texts


def test_a_custom_channel_is_not_deleted_by_a_call(bridge):
    headers = {"x-front-signature": signing.sha1(b"", SECRET)}
    assert bridge.request("DELETE", "/front/support", b"", headers).status == 400
    assert bridge.callback({"type": "delete", "payload": {"channel_id": "cha_1"}}).status == 400
    assert bridge.callback(message()).status == 200
