"""The simulator alone: does it behave as Front does?"""
import http.client
import json
import subprocess
import threading
import time

import pytest

from frontsim import (Receiver, Sim, jwt, request, sign_sha1, sign_sha256, wait_for, webhook_headers, webhook_secret)

FIELDS = {"_links", "id", "message_uid", "type", "is_inbound", "is_draft", "draft_mode", "error_type", "version", "created_at",
          "subject", "blurb", "author", "recipients", "body", "text", "attachments", "signature", "metadata"}


def custom(sim, receiver):
    return sim.add_channel(id="cha_c", kind="custom", name="Chat", address="chat", webhook_url=receiver.url + "/front/chat",
                           secret="sha1-secret")["id"]


def application(sim, receiver):
    return sim.add_channel(id="cha_a", kind="application", address="app", webhook_url=receiver.url + "/front/app")["id"]


def channel_token(channel="cha_a", **claims):
    return jwt("app-uid", "app-secret", channel, **claims)


# ---- callbacks ----------------------------------------------------------------------------------------------------

def test_a_custom_callback_is_signed_and_complete(sim, receiver):
    sent = sim.send(custom(sim, receiver), "Hello <b> & \n“you”", to=[{"handle": "ada", "name": "Ada"}], subject="Hi")
    assert sent["state"] == "sent" and sent["error_type"] is None and sent["took_ms"] < 5000
    [callback] = receiver.requests
    assert callback.headers["X-Front-Signature"] == sign_sha1(callback.body, "sha1-secret")
    assert callback.headers["Content-Type"] == "application/json"
    message = callback.json
    assert set(message) >= FIELDS
    assert message["id"] == sent["id"] and message["type"] == "custom" and message["is_draft"] is False
    assert message["text"] == "Hello <b> & \n“you”" and message["body"] == "Hello &lt;b&gt; &amp; <br>“you”"
    assert [(r["role"], r["handle"]) for r in message["recipients"]] == [("from", "chat"), ("to", "ada")]
    assert message["author"]["email"] == "grace@example.com"
    assert message["_links"]["related"]["conversation"].rsplit("/", 1)[1] == sent["conversation"]
    assert message["metadata"] == {"headers": {"in_reply_to": None}}


def test_an_application_callback_is_signed_with_its_time(sim, receiver):
    receiver.answer = lambda r: (200, {"type": "success", "external_id": "m1", "external_conversation_id": "c1"})
    channel = application(sim, receiver)
    first = sim.send(channel, "one", to="ada")
    second = sim.send(channel, "two", conversation=first["conversation"])
    a, b = receiver.requests
    stamp = a.headers["X-Front-Request-Timestamp"]
    assert abs(int(stamp) / 1000 - time.time()) < 10
    assert a.headers["X-Front-Signature"] == sign_sha256(a.body, "app-secret", stamp)
    assert a.json["type"] == "message" and set(a.json["payload"]) >= FIELDS
    assert a.json["metadata"]["external_conversation_ids"] == []
    assert b.json["metadata"]["external_conversation_ids"] == ["c1"]
    assert first["external_id"] == "m1" and second["conversation"] == first["conversation"]


@pytest.mark.parametrize("status, body, error, message", [
    (404, {"type": "not_found", "message": "This customer has left."}, "not_found", "This customer has left."),
    (200, b"<html>hello", "internal_error", "Channel servers are unresponsive."),
    (200, {}, "internal_error", "Channel servers are unresponsive."),
    (500, b"", "internal_error", "Channel servers are unresponsive."),
    (302, b"", "internal_error", "Channel servers are unresponsive."),
])
def test_what_the_agent_sees(sim, receiver, status, body, error, message):
    receiver.answer = lambda r: (status, body, {"Location": "http://127.0.0.1:9/"})
    failed = sim.send(custom(sim, receiver), "hello", to="ada")
    assert (failed["state"], failed["error_type"], failed["error_message"]) == ("failed", error, message)
    assert len(receiver.requests) == 1


def test_nobody_listens(sim, receiver):
    channel = sim.add_channel(webhook_url="http://127.0.0.1:1/", secret="s")["id"]
    failed = sim.send(channel, "hello", to="ada")
    assert failed["error_message"] == "Channel servers are unresponsive." and failed["hint"]


def test_seven_seconds(sim, receiver):
    receiver.answer = lambda r: time.sleep(8) or (200, {"type": "success"})
    failed = sim.send(custom(sim, receiver), "hello", to="ada")
    assert failed["error_type"] == "request_timeout" and 6900 <= failed["took_ms"] <= 7600
    time.sleep(1.5)
    assert sim.message(failed["id"])["state"] == "failed"  # what comes later changes nothing


def test_a_failed_send_is_a_draft_that_keeps_its_id(sim, receiver):
    answers = [(500, {"type": "internal_error", "message": "Not now."}), (200, {"type": "success"})]
    receiver.answer = lambda r: answers.pop(0)
    failed = sim.send(custom(sim, receiver), "helo", to="ada")
    assert failed["is_draft"] and failed["error_message"] == "Not now."
    sent = sim.resend(failed["id"], text="hello")
    assert sent["id"] == failed["id"] and sent["state"] == "sent" and not sent["is_draft"] and sent["error_type"] is None
    first, second = (r.json for r in receiver.requests)
    assert second["id"] == first["id"] and second["text"] == "hello"
    assert second["is_draft"] is True and second["error_type"] == "internal_error"
    assert second["version"] != first["version"]
    sim.control("POST", "/sim/resend", {"message": sent["id"]}, expect=(409,))


def test_several_recipients_are_one_callback(sim, receiver):
    sim.send(custom(sim, receiver), "hello", to=[{"handle": "ada"}, {"handle": "bob"}], author=None)
    [callback] = receiver.requests
    assert [r["handle"] for r in callback.json["recipients"] if r["role"] == "to"] == ["ada", "bob"]
    assert callback.json["author"] is None


# ---- the API --------------------------------------------------------------------------------------------------------

def test_incoming_is_accepted_then_created(sim, receiver):
    sim.configure(created_delay_ms=400)
    channel = custom(sim, receiver)
    body = {"sender": {"handle": "ada", "name": "Ada"}, "body": "<p>Hello</p><p>you</p>", "body_format": "html",
            "metadata": {"thread_ref": "t1", "headers": {"our_id": "in_1"}}}
    answer = sim.api("POST", f"/channels/{channel}/incoming_messages", body)
    assert answer.status == 202 and answer.json["status"] == "accepted"
    alias = f"/messages/alt:uid:{answer.json['message_uid']}"
    missing = sim.api("GET", alias)
    assert missing.status == 404 and missing.json["_error"]["status"] == 404
    message = wait_for(lambda: (a := sim.api("GET", alias)).status == 200 and a.json)
    assert set(message) >= FIELDS and message["is_inbound"] and message["text"] == "Hello\nyou"
    assert message["metadata"] == {"thread_ref": "t1", "headers": {"our_id": "in_1"}}
    conversation = message["_links"]["related"]["conversation"].rsplit("/", 1)[1]
    assert sim.api("GET", f"/messages/{message['id']}").json["id"] == message["id"]
    listed = sim.api("GET", f"/conversations/{conversation}/messages").json
    assert [m["id"] for m in listed["_results"]] == [message["id"]] and listed["_pagination"]["next"] is None
    assert sim.api("GET", f"/conversations/{conversation}").json["status"] == "unassigned"


def test_the_reply_names_the_message_it_answers(sim, receiver):
    channel = custom(sim, receiver)
    uid = sim.api("POST", f"/channels/{channel}/incoming_messages", {"sender": {"handle": "ada"}, "body": "Hi"}).json["message_uid"]
    [conversation] = wait_for(sim.conversations)
    sim.send(channel, "Hello", conversation=conversation["id"])
    [callback] = receiver.requests
    assert callback.json["metadata"]["headers"]["in_reply_to"] == uid
    assert [r["handle"] for r in callback.json["recipients"]] == ["chat", "ada"]


def test_custom_threads(sim, receiver):
    channel = custom(sim, receiver)
    begun = sim.send(channel, "We begin", to="ada")
    for thread in ("t1", "t1", None, None, "t2"):
        sim.api("POST", f"/channels/{channel}/incoming_messages",
                {"sender": {"handle": "ada"}, "body": "x", **({"metadata": {"thread_ref": thread}} if thread else {})})
    wait_for(lambda: len(sim.inbound()) == 5)
    by_conversation = {}
    for message in sim.inbound():
        by_conversation.setdefault(message["conversation"], []).append(message["thread_ref"])
    assert sorted(map(str, by_conversation.values())) == sorted(["['t1', 't1']", "[None, None]", "['t2']"])
    assert begun["conversation"] not in by_conversation


def test_application_threads_and_the_import_callback(sim, receiver):
    channel = application(sim, receiver)
    receiver.answer = lambda r: (200, {"type": "success", "external_id": "out-1", "external_conversation_id": "conv-9"})
    begun = sim.send(channel, "We begin", to="ada")
    body = {"sender": {"handle": "ada", "email": "ada@example.com"}, "body": "Hello", "delivered_at": 1700000000,
            "metadata": {"external_id": "in-1", "external_conversation_id": "conv-9"}}
    answer = sim.api("POST", f"/channels/{channel}/inbound_messages", body, token=channel_token())
    assert answer.status == 202
    [message] = wait_for(sim.inbound)
    assert message["conversation"] == begun["conversation"] and message["created_at"] == 1700000000
    imported = wait_for(lambda: len(receiver.requests) == 2 and receiver.requests[1])
    assert imported.json["type"] == "message_imported"
    assert imported.json["payload"]["metadata"]["external_id"] == "in-1"
    assert imported.json["payload"]["message_uid"] == answer.json["message_uid"]
    shown = sim.api("GET", f"/messages/{message['id']}", token=channel_token())
    assert shown.json["metadata"]["external_id"] == "in-1"
    assert "external_id" not in sim.api("GET", f"/messages/{message['id']}").json["metadata"]


@pytest.mark.parametrize("body, detail", [
    ({}, "sender.handle: missing"),
    ({"sender": {"handle": "a"}}, "body: missing"),
    ({"sender": {"handle": ""}, "body": "x"}, "sender.handle: should not be empty"),
    ({"sender": {"handle": 5}, "body": "x"}, "sender.handle: should be a string"),
    ({"sender": {"handle": "a"}, "body": "x", "body_format": "text"}, "body_format: should be html or markdown"),
    ({"sender": {"handle": "a"}, "body": "x", "metadata": {"headers": "h"}}, "metadata.headers: should be an object"),
])
def test_required_fields(sim, receiver, body, detail):
    answer = sim.api("POST", f"/channels/{custom(sim, receiver)}/incoming_messages", body)
    assert answer.status == 400 and detail in answer.json["_error"]["details"]


def test_inbound_needs_its_external_ids(sim, receiver):
    channel = application(sim, receiver)
    def post(metadata):
        return sim.api("POST", f"/channels/{channel}/inbound_messages",
                       {"sender": {"handle": "a"}, "body": "x", "metadata": metadata}, token=channel_token())
    assert post({"external_id": "a"}).json["_error"]["details"] == ["metadata.external_conversation_id: missing"]
    assert post({"external_id": "a" * 201, "external_conversation_id": "b"}).status == 400
    assert post({"external_id": "a" * 200, "external_conversation_id": "b"}).status == 202


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"a":1 "b":2}', b"\xff\xfe"])
def test_bodies_that_are_no_object(sim, receiver, raw):
    answer = sim.api("POST", f"/channels/{custom(sim, receiver)}/incoming_messages", raw)
    assert answer.status == 400 and answer.json["_error"]["title"] == "Bad request"


def test_who_may_call(sim, receiver):
    custom(sim, receiver), application(sim, receiver)
    good = {"sender": {"handle": "a"}, "body": "x", "metadata": {"external_id": "a", "external_conversation_id": "b"}}
    def status(path, token):
        return request(sim.url, "POST", path, good, {"Authorization": token} if token else {}).status
    incoming, inbound = "/channels/cha_c/incoming_messages", "/channels/cha_a/inbound_messages"
    now = int(time.time())
    assert status(incoming, None) == 401
    assert status(incoming, "Bearer wrong") == 401
    assert status(incoming, "Bearer " + sim.token) == 202
    assert status(incoming, "Bearer " + channel_token("cha_c")) == 403
    assert status(inbound, "Bearer " + sim.token) == 403
    assert status(inbound, "Bearer " + channel_token("cha_b")) == 403
    assert status(inbound, "Bearer " + channel_token(exp=now - 1)) == 401
    assert status(inbound, "Bearer " + channel_token(exp=now + 60)) == 401
    assert status(inbound, "Bearer " + jwt("other", "app-secret", "cha_a")) == 401
    assert status(inbound, "Bearer " + jwt("app-uid", "other", "cha_a")) == 401
    assert status(inbound, "Bearer " + channel_token(jti="once")) == 202
    assert status(inbound, "Bearer " + channel_token(jti="once")) == 401
    assert status("/channels/cha_a/incoming_messages", "Bearer " + sim.token) == 400
    assert status("/channels/cha_x/incoming_messages", "Bearer " + sim.token) == 404


def test_rate_limits(sim, receiver):
    sim.configure(rate={"limit": 10, "burst": 2, "per_resource": 5})
    answers = [sim.api("GET", "/me") for _ in range(13)]
    assert [a.status for a in answers] == [200] * 12 + [429]
    assert [int(a.headers["x-ratelimit-remaining"]) for a in answers[:3]] == [9, 8, 7]
    assert answers[0].headers["x-ratelimit-limit"] == "10" and answers[0].headers["x-front-tier"]
    assert answers[11].headers["x-ratelimit-burst-remaining"] == "0"
    assert 0 < int(answers[12].headers["Retry-After"]) <= 60
    assert answers[12].json["_error"]["status"] == 429


def test_five_a_second_for_one_channel(sim, receiver):
    channel = custom(sim, receiver)
    answers = [sim.api("GET", f"/channels/{channel}") for _ in range(6)]
    assert [a.status for a in answers] == [200] * 5 + [429]
    assert answers[5].headers["Retry-After"] == "1" and int(answers[5].headers["x-ratelimit-remaining"]) > 0
    assert sim.api("GET", "/me").status == 200
    time.sleep(1.1)
    assert sim.api("GET", f"/channels/{channel}").status == 200


def test_comments_and_status(sim, receiver):
    sim.configure(rate={"limit": 0})
    conversation = sim.send(custom(sim, receiver), "hello", to="ada")["conversation"]
    comment = sim.api("POST", f"/conversations/{conversation}/comments", {"body": "Not delivered."})
    assert comment.status == 201 and comment.json["body"] == "Not delivered."
    assert sim.api("POST", f"/conversations/{conversation}/comments", {}).status == 400
    for status, shown in (("archived", "archived"), ("open", "unassigned")):
        assert sim.api("PATCH", f"/conversations/{conversation}", {"status": status}).status == 204
        assert sim.api("GET", f"/conversations/{conversation}").json["status"] == shown
    assert sim.api("PATCH", f"/conversations/{conversation}", {"status": "gone"}).status == 400
    assert [c["body"] for c in sim.conversation(conversation)["comments"]] == ["Not delivered."]


def test_a_late_failure_by_external_ids(sim, receiver):
    channel = application(sim, receiver)
    receiver.answer = lambda r: (200, {"type": "success", "external_id": "m/1 ä", "external_conversation_id": "c?1"})
    sent = sim.send(channel, "hello", to="ada")
    path = f"/channels/{channel}/conversations/c%3F1/messages/m%2F1%20%C3%A4/status"
    assert sim.api("PUT", path, {"status": "delivered"}, token=channel_token()).status == 400
    assert sim.api("PUT", path.replace("%2F1", "%2F2"), {"status": "failed"}, token=channel_token()).status == 404
    assert sim.api("PUT", path, {"status": "failed", "reason": "The phone is off."}, token=channel_token()).status == 204
    failed = sim.message(sent["id"])
    assert failed["state"] == "failed" and failed["error_message"] == "The phone is off."


def test_unknown_calls_and_methods(sim, receiver):
    custom(sim, receiver)
    assert sim.api("GET", "/channels/cha_c/nothing").json["_error"]["status"] == 404
    assert sim.api("GET", "/messages/msg_0").status == 404
    assert sim.api("GET", "/messages/%zz").status in (400, 404)
    assert sim.api("DELETE", "/channels/cha_c").status == 405
    assert sim.api("GET", "/nowhere").json["_error"]["status"] == 404


def test_pages_of_messages(sim, receiver):
    sim.configure(rate={"limit": 0}, created_delay_ms=0)
    channel = custom(sim, receiver)
    for i in range(7):
        sim.api("POST", f"/channels/{channel}/incoming_messages", {"sender": {"handle": "ada"}, "body": str(i)})
    wait_for(lambda: len(sim.inbound()) == 7)
    path, texts = f"/conversations/{sim.conversations()[0]['id']}/messages?limit=3", []
    while path:
        page = sim.api("GET", path).json
        texts += [m["text"] for m in page["_results"]]
        path = page["_pagination"]["next"] and "/" + page["_pagination"]["next"].split("/", 3)[3]
    assert texts == list("6543210")


# ---- faults ---------------------------------------------------------------------------------------------------------

def post_incoming(sim, timeout=5):
    return sim.api("POST", "/channels/cha_c/incoming_messages", {"sender": {"handle": "ada"}, "body": "x"}, timeout=timeout)


@pytest.mark.parametrize("fault, check", [
    ({"status": 503, "retry_after": 2}, lambda a: a.status == 503 and a.headers["Retry-After"] == "2" and a.json["_error"]),
    ({"html": True}, lambda a: a.status == 200 and a.body.startswith(b"<!doctype html>")),
    ({"html": True, "status": 502}, lambda a: a.status == 502),
    ({"empty": True}, lambda a: a.status == 200 and a.body == b""),
    ({"huge": True}, lambda a: len(a.body) > 10_000_000),
    ({"redirect": "http://127.0.0.1:9/x"}, lambda a: a.status == 302 and a.headers["Location"] == "http://127.0.0.1:9/x"),
    ({"rate_limit": True, "retry_after": 7}, lambda a: a.status == 429 and a.headers["Retry-After"] == "7"),
])
def test_faults(sim, receiver, fault, check):
    custom(sim, receiver)
    sim.fault(call="incoming_messages", **fault)
    assert sim.api("GET", "/me").status == 200
    assert check(post_incoming(sim))
    assert post_incoming(sim).status == 202
    wait_for(lambda: len(sim.inbound()) == 1)  # the call with the fault had no effect


def test_a_lost_response_has_had_its_effect(sim, receiver):
    custom(sim, receiver)
    sim.fault(call="incoming_messages", drop_response=True)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        post_incoming(sim)
    wait_for(lambda: len(sim.inbound()) == 1)
    assert sim.calls("incoming_messages")[0]["outcome"] == "dropped"


def test_latency_and_never_ending_answers(sim, receiver):
    custom(sim, receiver)
    sim.fault(latency_ms=300, next=2)
    began = time.monotonic()
    assert post_incoming(sim).status == 202 and time.monotonic() - began >= 0.3
    sim.fault(call="incoming_messages", endless=True)
    sim.fault(call="incoming_messages", hang=True)
    sim.clear_faults()
    sim.fault(call="incoming_messages", endless=True)
    with pytest.raises(TimeoutError):
        connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=1)
        connection.request("POST", "/channels/cha_c/incoming_messages", b"{}", {"Authorization": "Bearer " + sim.token})
        deadline, answer = time.monotonic() + 1, connection.getresponse()
        while time.monotonic() < deadline:
            assert answer.read1(4096)
        connection.close()
        raise TimeoutError
    sim.fault(call="incoming_messages", hang=True)
    with pytest.raises(TimeoutError):
        post_incoming(sim, timeout=0.5)
    sim.control("POST", "/sim/faults", {"status": 5}, expect=(400,))


def test_the_journal_counts(sim, receiver):
    custom(sim, receiver)
    post_incoming(sim), sim.api("GET", "/me", token="wrong")
    log = sim.log()
    assert log["counts"] == {"incoming_messages": {"202": 1}, "me": {"401": 1}}
    assert [e["call"] for e in log["entries"]] == ["incoming_messages", "me"]
    assert json.loads(log["entries"][0]["body"])["sender"]["handle"] == "ada"
    assert sim.log(after=log["last"])["entries"] == []


# ---- the chat -------------------------------------------------------------------------------------------------------

def delivery(sim, secret, text, webhook_id="out_1", handle="ada"):
    body = json.dumps({"type": "message", "id": webhook_id, "text": text, "recipient": {"handle": handle},
                       "author": {"name": "Grace Hopper"}}).encode()
    return request(sim.url, "POST", "/chat/deliver", body, webhook_headers(secret, webhook_id, body), timeout=2)


def test_the_chat_takes_deliveries_once(sim, receiver):
    secret = webhook_secret()
    sim.configure(chat={"secret": secret})
    first, again = delivery(sim, secret, "hello"), delivery(sim, secret, "hello")
    assert first.status == again.status == 200 and first.json == again.json
    assert first.json["conversation_id"] == "chat-ada" and first.json["external_id"]
    [message] = sim.chat("ada")
    assert (message["text"], message["author"], message["attempts"]) == ("hello", "Grace Hopper", 2)
    assert delivery(sim, webhook_secret(), "forged", "out_2").status == 401
    assert request(sim.url, "POST", "/chat/deliver", {}).status == 401
    assert len(sim.chat()) == 1


def test_the_chat_can_misbehave(sim, receiver):
    secret = webhook_secret()
    sim.configure(chat={"secret": secret})
    sim.chat_mode("503", next=1)
    assert delivery(sim, secret, "a", "out_1").headers["Retry-After"] == "1"
    assert delivery(sim, secret, "a", "out_1").status == 200
    sim.chat_mode("400")
    assert delivery(sim, secret, "b", "out_2").json["message"]
    sim.chat_mode("hang")
    with pytest.raises(TimeoutError):
        delivery(sim, secret, "b", "out_2")
    sim.chat_mode("ok")
    assert delivery(sim, secret, "b", "out_2").status == 200
    assert [m["text"] for m in sim.chat("ada")] == ["a", "b"]


def test_customers_messages_are_signed_and_keep_their_order(sim, receiver):
    secret = webhook_secret()
    answers = [(503, b""), (202, {"id": "in_1", "status": "accepted"}), (202, {}), (400, {"message": "no"})]
    receiver.answer = lambda r: answers.pop(0)
    sim.configure(chat={"secret": secret, "hook_url": receiver.url + "/hooks/demo"})
    for text in ("one", "two", "three"):
        sim.say("ada", text, name="Ada")
    wait_for(lambda: len(receiver.requests) == 4)
    assert [r.json["text"] for r in receiver.requests] == ["one", "one", "two", "three"]
    assert receiver.requests[0].json["id"] == receiver.requests[1].json["id"]
    for r in receiver.requests:
        sent = webhook_headers(secret, r.headers["webhook-id"], r.body)
        assert r.headers["webhook-signature"] == sent["webhook-signature"] or r.headers["webhook-timestamp"] != sent["webhook-timestamp"]
        assert r.json["conversation_id"] == "chat-ada" and r.json["sender"] == {"handle": "ada", "name": "Ada"}
    wait_for(lambda: [m["state"] for m in sim.chat("ada")] == ["taken", "taken", "refused"])


# ---- the rest -------------------------------------------------------------------------------------------------------

def test_a_burst_is_measured(sim, receiver):
    sim.configure(rate={"limit": 0})
    result = sim.burst(custom(sim, receiver), 40, concurrency=8, conversations=5)
    assert result["n"] == result["sent"] == 40 and result["p99_ms"] >= result["p50_ms"]
    assert len(receiver.requests) == 40 and len(sim.conversations()) == 5


def test_reset_while_a_send_is_under_way(sim, receiver):
    held = threading.Event()
    receiver.answer = lambda r: held.wait(5) and (200, {"type": "success"})
    sim.send(custom(sim, receiver), "hello", to="ada", wait=False)
    wait_for(lambda: receiver.requests)
    sim.reset()
    held.set()
    time.sleep(0.2)
    assert sim.conversations() == [] and sim.send("cha_c", "again", to="ada")["state"] == "sent"


def test_the_pages_and_the_stream(sim, receiver):
    for path in ("/", "/chat"):
        page = request(sim.url, "GET", path)
        assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
        assert b"<!doctype html>" in page.body[:40].lower()
    connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=5)
    connection.request("GET", "/sim/stream")
    stream = connection.getresponse()
    sim.send(custom(sim, receiver), "hello", to="ada")
    seen = b""
    while b"event: conversation" not in seen:
        seen += stream.read1(4096)
    connection.close()


def test_stopping_with_everything_open(binary):
    with Receiver(lambda r: time.sleep(1) or (200, {"type": "success"})) as slow, Sim.start(binary) as sim:
        sim.add_channel(id="cha_c", webhook_url=slow.url, secret="s")
        sim.fault(call="me", hang=True)
        connections = []
        for method, path, body in (("GET", "/sim/stream", None), ("GET", "/me", None),
                                   ("POST", "/sim/send", b'{"channel":"cha_c","text":"x","to":[{"handle":"a"}]}')):
            connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=5)
            connection.request(method, path, body, {"Authorization": "Bearer " + sim.token})
            connections.append(connection)
        wait_for(lambda: slow.requests)
        sim.stop()


@pytest.mark.parametrize("arguments", [["--listen", "nowhere"], ["--config", "{"], ["--config", "/nonexistent"], ["--wat"], ["x"],
                                       ["--config", '{"channels":[{"kind":"mail"}]}']])
def test_bad_arguments_are_one_sentence(binary, arguments):
    done = subprocess.run([binary, "sim", *arguments], capture_output=True, timeout=20, text=True)
    assert done.returncode == 2 and done.stderr and "ERROR" not in done.stderr


def test_what_the_simulator_does_not_know_is_named_with_its_line(sim, binary, tmp_path):
    file = tmp_path / "sim.json"
    for text, said in (('{\n"chanels": [],\n"lag_ms": "1s"}', [f'{file}:2: chanels: there is no such key; did you mean "channels"?',
                                                               f"{file}:3: lag_ms: write a number"]),
                       ('{"token": "t",\n "company": }', [f"{file}:2: this is no JSON: "]),
                       ("[]", [f"{file}:1: the options are one JSON object"])):
        file.write_text(text)
        done = subprocess.run([binary, "sim", "-c", str(file)], capture_output=True, timeout=20, text=True)
        lines = done.stderr.splitlines()
        assert done.returncode == 2 and len(lines) == len(said), done
        assert all(line.startswith(s) for line, s in zip(lines, said)), lines
    refused = sim.control("POST", "/sim/config", {"imported_delay": 1}, expect=(400,))
    assert "did you mean \"imported_delay_ms\"?" in str(refused), refused
    shown = subprocess.run([binary, "sim", "--help"], capture_output=True, timeout=20, text=True).stdout
    assert shown.count("-c, --config FILE") == 1 and "front-bridge.yaml" not in shown
