"""Events of Front at the real bridge: from its URL or a webhook to a delivery, a notice, a proof, or nothing."""
import json
import sqlite3
import time
import urllib.parse

import pytest

import signing
from frontsim import Receiver, sign_sha256, wait_for

COMPANY = "the-company-api-secret"
HOST = "https://acme.api.frontapp.com"


@pytest.fixture
def front(sim):
    sim.configure(secret=COMPANY, created_delay_ms=0, rate={"limit": 0, "per_resource": 0}, webhook_retry_ms=20)
    sim.add_channel(id="cha_1", address="support-line", inbox="inb_1", secret=COMPANY)
    return sim


@pytest.fixture
def start(make_bridge, backend, front):
    """start(**settings of the channel) runs a bridge that receives the account's rule webhooks."""
    def run(events=None, **changes):
        bridge = make_bridge(backend=backend, front=front, account={"token": front.token}, **changes)
        if events:
            bridge.stop()
            bridge.config["channels"]["support"]["settings"]["events"] = events
            bridge.write()
            bridge.start()
        front.add_channel(id="cha_1", webhook_url=f"http://127.0.0.1:{bridge.port}/front/support")
        return bridge
    return run


def talk(front, handle="ada", text="Hello"):
    """A customer writes, by the API as any other tool would; gives the conversation's id."""
    answer = front.api("POST", "/channels/cha_1/incoming_messages", {"sender": {"handle": handle}, "body": text})
    assert answer.status == 202
    uid = answer.json["message_uid"]
    message = wait_for(lambda: (lambda a: a.json if a.status == 200 else None)(front.api("GET", f"/messages/alt:uid:{uid}")))
    return message["_links"]["related"]["conversation"].rsplit("/", 1)[1]


def write_silently(front, conversation, text, channel="cha_1", **more):
    """An agent writes while the channel's callbacks go to a server that says success to all; gives the event of it."""
    url = [c for c in front.control("GET", "/sim/channels") if c["id"] == channel][0]["webhook_url"]
    with Receiver() as receiver:
        front.add_channel(id=channel, webhook_url=receiver.url + "/front")
        front.send(channel, text, conversation=conversation, **more)
    front.add_channel(id=channel, webhook_url=url)
    return [e for e in front.events() if e["type"] in ("outbound", "out_reply")][-1]


def events_of(bridge, **fields):
    return bridge.lines("event", **fields)


def rule(bridge, event, secret=COMPANY, account="main"):
    """Front calls a rule's webhook."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return bridge.request("POST", f"/events/{account}", body,
                          {"content-type": "application/json", "x-front-signature": signing.sha1(body, secret)})


def app(bridge, event, kind="outbound_sent", secret="the-secret-of-the-app", at=None):
    """Front calls an application's webhook."""
    body = json.dumps({"type": kind, "authorization": {"id": "cmp_1"}, "payload": event}).encode()
    at = int(time.time() * 1000) if at is None else at
    return bridge.request("POST", "/events/main", body,
                          {"content-type": "application/json", "x-front-request-timestamp": str(at),
                           "x-front-signature": sign_sha256(body, secret, at)})


def preview(event):
    """What Front sends of an event: ids, types, links."""
    out = {k: event[k] for k in ("id", "type", "emitted_at", "_links") if k in event}
    for part in ("source", "target", "conversation"):
        if part not in event:
            continue
        data = event[part].get("data", event[part]) if part != "conversation" else event[part]
        if isinstance(data, list):
            data = data[0] if isinstance(data[0], dict) else {}
        out[part] = {"_links": data.get("_links", {}), "type": event[part].get("_meta", {}).get("type", "conversation")}
        if "id" in data:
            out[part]["id"] = data["id"]
    return out


# ---- outbound, out_reply ----------------------------------------------------------------------------------------------

def test_a_preview_at_the_channels_own_url_is_fetched_and_delivered_once(front, start, backend):
    bridge = start()
    event = write_silently(front, talk(front), "By event")
    assert event["type"] == "out_reply"
    assert bridge.callback(preview(event)).json == {"type": "success"}
    [delivery] = backend.wait(1)
    assert delivery["text"] == "By event" and delivery["front"]["event_id"] == event["id"]
    assert delivery["recipient"]["handle"] == "ada" and delivery["front"]["message_id"] == event["target"]["data"]["id"]
    # again as preview, in full, at a webhook, and as the message itself
    assert bridge.callback(preview(event)).status == 200
    assert bridge.callback(event).status == 200
    assert rule(bridge, event).status == 200
    assert bridge.callback(front.api("GET", "/messages/" + event["target"]["data"]["id"]).json).json["type"] == "success"
    wait_for(lambda: len(events_of(bridge, state="ignored")) == 1)  # the webhook's; the channel's own are known by their id
    backend.stays(1)
    assert len(front.calls("message")) == 3  # one of ours, two of the test's


@pytest.mark.parametrize("target", [{"_meta": {"type": "message"}}, {"_meta": {"type": "message"}, "data": None}, None], ids=["meta", "null", "absent"])
def test_what_an_event_does_not_say_of_its_target_is_asked_of_front(front, start, backend, target):
    bridge = start(source="events")
    event = write_silently(front, talk(front), "By event")
    assert rule(bridge, {**event, "target": target}).status == 200
    [delivery] = backend.wait(1)
    assert delivery["text"] == "By event" and delivery["front"]["event_id"] == event["id"]
    front.fault(call="event", status=403, next=-1)  # Front does not say either
    unsaid = {**write_silently(front, talk(front), "unsaid"), "target": target}
    assert rule(bridge, unsaid).status == 200
    wait_for(lambda: events_of(bridge, id=unsaid["id"], result="it names no message"))


def test_webhooks_tell_of_messages_only_where_the_channel_takes_events(front, start, backend):
    bridge = start()
    conversation = talk(front)
    event = write_silently(front, conversation, "one")
    assert rule(bridge, event).status == 200
    wait_for(lambda: events_of(bridge, result="the channel takes its messages from callbacks"))
    bridge.callback(write_silently(front, conversation, "two"))  # from now on it does
    backend.wait(1)
    bridge.restart()  # and remembers it
    assert app(bridge, preview(write_silently(front, conversation, "three"))).status == 200
    assert [d["text"] for d in backend.wait(2)] == ["two", "three"]


def test_other_mail_of_the_inbox_is_never_delivered(front, start, backend):
    bridge = start(source="events")
    front.add_channel(id="cha_2", address="other-line", inbox="inb_1", secret=COMPANY)
    other = write_silently(front, None, "of another channel", channel="cha_2", to="bob")
    mail = json.loads(json.dumps(write_silently(front, talk(front), "mail")))
    mail["target"]["data"]["type"] = "email"
    elsewhere = json.loads(json.dumps(write_silently(front, talk(front, "eve"), "elsewhere")))
    elsewhere["source"]["data"][0]["id"] = "inb_9"
    for event in (other, mail, elsewhere):
        assert rule(bridge, event).status == 200
    wait_for(lambda: len(events_of(bridge, result="its message belongs to no channel here")) == 3)
    assert rule(bridge, write_silently(front, talk(front, "joe"), "mine")).status == 200
    assert [d["text"] for d in backend.wait(1)] == ["mine"]
    backend.stays(1)


def test_what_is_old_imported_or_failed_is_not_sent(front, start, backend):
    bridge = start(source="events", too_old="1h")
    conversation = talk(front)
    old = front.import_old("cha_1", "a year ago", time.time() - 365 * 86400, conversation=conversation, is_inbound=False)
    assert old
    failed = json.loads(json.dumps(write_silently(front, conversation, "it failed")))
    failed["target"]["data"]["error_type"] = "server_error"
    late = json.loads(json.dumps(write_silently(front, conversation, "late")))
    late["target"]["data"]["created_at"] = late["emitted_at"] = time.time() - 7200
    for event in (front.events()[-3], failed, late):
        assert rule(bridge, event).status == 200
    wait_for(lambda: len([e for e in events_of(bridge) if e["result"].startswith("not sent:")]) == 3)
    backend.stays(0)
    assert bridge.metric("front_bridge_unsent_total", channel="support") == 3


def test_messages_of_one_conversation_keep_their_order_while_front_lags(front, start, backend):
    bridge = start(source="events")
    conversation = talk(front)
    events = [write_silently(front, conversation, f"n{i}") for i in range(5)]
    front.fault(call="message", next=1, status=404)  # the first one is not to be seen yet
    for event in events:
        assert rule(bridge, preview(event)).status == 200
    assert [d["text"] for d in backend.wait(5, 20)] == [f"n{i}" for i in range(5)]


# ---- failures -----------------------------------------------------------------------------------------------------------

def failure(front, message, kind="sending_error"):
    front.happen(kind, message=message, send=False)
    return front.events()[-1]


def test_a_failure_reaches_the_adapter_with_recipient_and_reason(front, start, backend):
    bridge = start()
    sent = front.send("cha_1", "Hello", conversation=talk(front))
    backend.wait(1)
    for kind in ("sending_error", "message_bounce_error"):
        event = failure(front, sent["id"], kind)
        assert bridge.callback(preview(event)).status == 200
    notices = backend.wait(3)[1:]
    assert [n["type"] for n in notices] == ["sending_error", "message_bounce_error"]
    assert {n["recipient"]["handle"] for n in notices} == {"ada"}
    assert {n["front"]["message_id"] for n in notices} == {sent["id"]}
    assert notices[0]["target"]["data"]["id"] == sent["id"] and notices[0]["channel"] == "support"
    assert bridge.callback(preview(event)).status == 200
    backend.stays(3)


def test_a_failure_takes_back_what_is_still_open_and_the_resend_is_the_only_one(front, start, backend):
    bridge = start(answer={"wait": "1s"})
    backend.answer = lambda d: (503, {})
    sent = front.send("cha_1", "first text", conversation=talk(front))
    backend.wait(1)
    assert bridge.callback(preview(failure(front, sent["id"]))).status == 200
    wait_for(lambda: bridge.state_of(sent["id"]) == "cancelled")
    backend.answer = lambda d: (200, {})
    n = len(backend.deliveries)
    front.resend(sent["id"], "second text")
    wait_for(lambda: bridge.state_of(sent["id"]) == "delivered")
    assert [d["text"] for d in backend.deliveries[n:]] == ["second text"]
    assert not [d for d in backend.deliveries if d["type"] == "sending_error"]


def test_the_echo_of_our_own_refusal_is_not_passed_on(front, start, backend):
    bridge = start()
    backend.answer = lambda d: (422, {"message": "No such room."})
    sent = front.send("cha_1", "Hello", conversation=talk(front))
    assert bridge.state_of(sent["id"]) == "rejected"
    assert bridge.callback(preview(failure(front, sent["id"]))).status == 200
    wait_for(lambda: events_of(bridge, result="the bridge refused its message itself"))
    backend.stays(1)


# ---- inbound, merges, the rest -----------------------------------------------------------------------------------------

def test_inbound_proves_our_own_posts(front, start, backend):
    bridge = start()
    assert bridge.hook({"id": "m-1", "sender": {"handle": "ada"}, "text": "Hello"}).status == 202
    bridge.wait_state("m-1", "accepted")
    event = wait_for(lambda: [e for e in front.events() if e["type"] == "inbound"])[0]
    assert rule(bridge, preview(event)).status == 200
    bridge.wait_state("m-1", "delivered")


def test_merged_conversations_go_on_in_the_one_that_is_left(front, start, backend):
    bridge = start()
    backend.answer = lambda d: (200, {"conversation_id": "room-" + d["recipient"]["handle"]}) if d["type"] == "message" else (200, {})
    gone, left = talk(front), talk(front, "bob")
    front.send("cha_1", "to ada", conversation=gone)
    backend.wait(1)
    front.merge(left, gone, send=False)
    assert rule(bridge, preview([e for e in front.events() if e["type"] == "conversations_merged"][-1])).status == 200
    wait_for(lambda: [e for e in events_of(bridge) if e["type"] == "conversations_merged"])
    front.send("cha_1", "to the merged one", conversation=left)
    assert backend.wait(2)[1]["conversation_id"] == "room-ada"


@pytest.mark.parametrize("asks", [True, False])
def test_a_merge_that_does_not_say_of_what_is_told_all_the_same(front, start, backend, asks):
    bridge = start(events=["conversations_merged"] if asks else ["tag"])
    front.merge(talk(front, "bob"), talk(front), send=False)
    event = [e for e in front.events() if e["type"] == "conversations_merged"][-1]
    event["target"]["data"] = None
    front.fault(call="event", status=403, next=-1)  # nor does Front when it is asked
    assert bridge.callback(event).status == 200
    if asks:
        assert backend.wait(1)[0]["type"] == "conversations_merged"
    else:
        wait_for(lambda: events_of(bridge, result="it does not say what was merged; a redirect of Front will"))


def test_adapters_hear_what_they_ask_for_with_the_data_of_its_parts(front, start, backend):
    bridge = start(events=["tag", "archive", "brand_new_type"])
    conversation = talk(front)
    for kind, more in (("tag", {"tag": "vip"}), ("archive", {}), ("assign", {}), ("brand_new_type", {})):
        front.happen(kind, conversation, send=False, **more)
        assert rule(bridge, preview(front.events()[-1])).status == 200
    notices = backend.wait(3)
    backend.stays(3)
    by_type = {n["type"]: n for n in notices}
    assert set(by_type) == {"tag", "archive", "brand_new_type"}
    assert by_type["tag"]["target"]["data"]["name"] == "vip" and by_type["tag"]["source"]["data"]["id"].startswith("tea_")
    assert by_type["tag"]["conversation"]["id"] == conversation
    front.happen("archive", conversation, source="api", send=False)  # perhaps we did it
    assert rule(bridge, front.events()[-1]).status == 200
    wait_for(lambda: events_of(bridge, result="a program did it through Front's API"))


# ---- what lies ----------------------------------------------------------------------------------------------------------

def test_links_to_other_hosts_are_counted_and_never_contacted(front, start, backend, receiver):
    bridge = start()
    conversation = talk(front)
    for i, host in enumerate((receiver.url, "file:///etc", "http://169.254.169.254/latest", "https://evil.example")):
        event = preview(write_silently(front, conversation, f"n{i}"))
        for part in ("source", "target", "conversation"):
            for thing in (event[part], event):
                thing["_links"] = {"self": f"{host}/x/{thing['id']}"} if "id" in thing else {}
        assert bridge.callback(event).status == 200
    assert sorted(d["text"] for d in backend.wait(4)) == ["n0", "n1", "n2", "n3"]
    assert receiver.requests == []
    assert bridge.metric("front_bridge_foreign_links_total", channel="support") >= 4


def test_an_event_whose_parts_disagree_is_answered_and_not_acted_on(front, start, backend):
    bridge = start(source="events")
    event = write_silently(front, talk(front), "Hello")
    wrong_kind, wrong_id, wrong_link = (json.loads(json.dumps(event)) for _ in range(3))
    wrong_kind["target"] = {"_meta": {"type": "comment"}, "data": {"id": "com_1"}}
    wrong_kind["id"], wrong_id["id"], wrong_link["id"] = "evt_1", "evt_2", "evt_3"
    for e in (wrong_kind, wrong_id, wrong_link):
        e["_links"]["self"] = f"{HOST}/events/{e['id']}"
    wrong_id["target"]["data"]["id"] = "com_77"
    wrong_link["target"]["data"]["_links"]["self"] = f"{HOST}/messages/msg_77"
    for e in (wrong_kind, wrong_id, wrong_link):
        assert rule(bridge, e).status == 200
    wait_for(lambda: len(events_of(bridge, state="ignored")) == 3)
    backend.stays(0)
    assert bridge.metric("front_bridge_events_total", state="ignored") == 3


def test_bad_webhooks_are_refused_and_store_nothing(front, start):
    bridge = start()
    event = {"id": "evt_1", "type": "archive", "emitted_at": 1.5}
    assert rule(bridge, event, secret="wrong").status == 401
    assert rule(bridge, event, account="nobody").status == 404
    assert app(bridge, event, secret="wrong").status == 401
    assert app(bridge, event, at=int(time.time() * 1000) - 600_000).status == 401
    assert rule(bridge, {**event, "id": "evt_" + "1" * (1 << 20)}).status == 400
    assert rule(bridge, b"{").status == 400
    message = json.dumps({"id": "msg_1", "recipients": [{"role": "to", "handle": "ada"}], "body": "x"}).encode()
    answer = rule(bridge, message)
    assert answer.status == 400 and "channel's own URL" in answer.json["message"]
    # a signature of the other scheme does not count
    body = json.dumps(event).encode()
    answer = bridge.request("POST", "/events/main", body, {"content-type": "application/json", "x-front-request-timestamp": "1",
                                                            "x-front-signature": signing.sha1(body, COMPANY)})
    assert answer.status == 401
    assert events_of(bridge) == []
    counted = {t: bridge.metric("front_bridge_webhooks_total", account="main", result=t) for t in ("success", "bad_request", "authentication_required")}
    assert counted == {"success": 0, "bad_request": 3, "authentication_required": 4}
    assert rule(bridge, event).status == 200
    assert bridge.metric("front_bridge_webhooks_total", account="main", result="success") == 1


def test_the_handshake_is_echoed_only_with_a_signature(front, start):
    bridge = start()
    body = json.dumps({"type": "sync", "authorization": {"id": "cmp_1"}, "payload": {}}).encode()
    at = str(int(time.time() * 1000))
    headers = {"content-type": "application/json", "x-front-request-timestamp": at, "x-front-challenge": "abc\"123",
               "x-front-signature": sign_sha256(body, "the-secret-of-the-app", at)}
    assert bridge.request("POST", "/events/main", body, headers).json == {"challenge": "abc\"123"}
    assert bridge.request("POST", "/events/main", body, {**headers, "x-front-signature": "bm8="}).status == 401
    assert bridge.request("POST", "/events/main", body, {k: v for k, v in headers.items() if k != "x-front-signature"}).status == 401
    assert bridge.request("POST", "/events/main", body, {k: v for k, v in headers.items() if k != "x-front-challenge"}).status == 400


def test_a_crash_between_the_answer_and_the_act_loses_no_event(front, start, backend):
    bridge = start()
    event = write_silently(front, talk(front), "Survives")
    front.fault(call="message", hang=True)  # the act cannot be done
    assert bridge.callback(preview(event)).status == 200
    bridge.kill()
    front.clear_faults()
    bridge.start()
    assert [d["text"] for d in backend.wait(1, 30)] == ["Survives"]


def test_the_time_in_which_no_process_ran_uses_up_no_patience(front, start, backend):
    bridge = start(source="events")
    event = write_silently(front, talk(front), "Survives an hour")
    front.fault(call="message", hang=True)
    assert rule(bridge, preview(event)).status == 200
    wait_for(lambda: front.calls("message"))
    bridge.kill()
    with sqlite3.connect(bridge.store / "front-bridge.db") as db:
        assert db.execute("UPDATE event SET stored_at = stored_at - 3600000, tried_at = tried_at - 3600000, due_at = 0").rowcount
    db.close()
    front.clear_faults()
    front.fault(call="message", next=1, status=404)  # Front lags, and the channel's place is not known yet
    bridge.start()
    assert [d["text"] for d in backend.wait(1, 30)] == ["Survives an hour"]


# ---- several channels of one account ------------------------------------------------------------------------------------

@pytest.fixture
def two(front, start):
    """A bridge with a second channel, whose callbacks the same secret signs."""
    def run(**changes):
        front.add_channel(id="cha_2", address="other-line", inbox="inb_2", secret=COMPANY)
        bridge = start(**changes)
        bridge.stop()
        bridge.config["channels"]["other"] = {**bridge.config["channels"]["support"], "front_channel": "cha_2"}
        bridge.write()
        bridge.start()
        return bridge
    return run


def test_a_proof_is_looked_for_in_every_channel_and_then_told_to_who_asks(front, two, backend):
    bridge = two(events=["inbound"])
    conversation = talk(front, text="By another tool")
    event = [e for e in front.events() if e["type"] == "inbound"][-1]
    assert rule(bridge, preview(event)).status == 200
    [notice] = backend.wait(1, 20)
    assert notice["type"] == "inbound" and notice["channel"] == "support" and notice["conversation"]["id"] == conversation
    backend.stays(1)


def test_a_message_of_another_channel_of_the_company_is_refused(front, two, backend):
    bridge = two()

    def message(id, sender):
        return {"id": id, "type": "custom", "body": "Hello", "recipients": [
            {"role": "from", "handle": sender}, {"role": "to", "handle": "ada"}]}
    assert bridge.callback(message("msg_1", "a-third-line")).json["type"] == "success"  # nobody's address here
    wait_for(lambda: front.calls("channel"))
    wait_for(lambda: bridge.callback(message("msg_2", "other-line")).status == 403)
    answer = bridge.callback(message("msg_3", "other-line"))
    assert answer.status == 403 and answer.json["type"] == "forbidden" and '"other"' in answer.json["message"]
    assert bridge.callback(message("msg_4", "support-line")).json["type"] == "success"
    backend.wait(2)
    assert "msg_3" not in [d["front"]["message_id"] for d in backend.deliveries]
    assert bridge.callback(message("msg_3", "other-line"), channel="other").json["type"] == "success"


# ---- for people ---------------------------------------------------------------------------------------------------------

def test_operators_list_show_and_replay_events(front, start, backend):
    bridge = start(source="events")
    conversation = talk(front)
    backend.answer = lambda d: (200, {})
    event = write_silently(front, conversation, "Hello")
    assert rule(bridge, event).status == 200
    front.happen("tag", conversation, tag="vip", send=False)
    assert rule(bridge, front.events()[-1]).status == 200
    wait_for(lambda: len(events_of(bridge)) == 2)
    listed = bridge.run_cli("events", "list", "--json", check=0)
    events = json.loads(listed.stdout)["events"]
    assert [(e["type"], e["state"]) for e in events] == [("tag", "ignored"), ("out_reply", "acted")]
    for options, n in ((("--types", "out_reply,outbound"), 1), (("--after", "1h"), 2), (("--before", "1h"), 0), (("--inboxes", "inb_1"), 1),
                       (("--inboxes", "inb_9"), 0), (("--state", "acted"), 1), (("--account", "main"), 2), (("--limit", "1"), 1),
                       (("--after", "2020-01-01T00:00:00Z"), 2), (("--after", str(event["emitted_at"])), 2)):
        assert len(json.loads(bridge.run_cli("events", "list", "--json", *options, check=0).stdout)["events"]) == n, options
    assert "taken for delivery" in bridge.run_cli("events", "list", check=0).stdout
    shown = bridge.run_cli("events", "show", event["id"], check=0).stdout
    assert "out_reply" in shown and event["target"]["data"]["id"] in shown and "ways" not in shown
    assert "a webhook, /events/main" in shown
    assert bridge.callback(event).status == 200
    both = wait_for(lambda: (lambda text: text if "is known already" in text else None)(bridge.run_cli("events", "show", event["id"]).stdout))
    assert both.startswith("This event came by 2 ways") and "own URL, /front/support" in both and "/events/main" in both
    assert bridge.run_cli("events", "show", "evt_0", check=1).stderr.startswith("front-bridge: There is no such event")
    assert "2 acted on again" in bridge.run_cli("events", "replay", event["id"], check=0).stdout
    wait_for(lambda: len(events_of(bridge)) == 5)
    backend.stays(1)  # known by its key
    missed = write_silently(front, conversation, "Missed")
    answer = json.loads(bridge.run_cli("events", "replay", "--front", "--after", "1h", "--json", check=0).stdout)
    assert answer["new"] >= 1 and answer["found"] >= answer["new"]
    assert [d["text"] for d in backend.wait(2)] == ["Hello", "Missed"] and missed
    for wrong in (("list", "--after", "yesterday"), ("replay",), ("replay", "--all", "--front"), ("list", "--state", "odd"), ("list", "--limit", "0")):
        assert bridge.run_cli("events", *wrong, check=2).stderr.count("\n") == 1
    for inboxes in (["\u00e9" * 30] * 64, ["inb_1"] * 65, ["i" * 70]):  # too long for a URL, too many, too long a word
        answer = bridge.admin("POST", "/api/v1/events/search?after=1&inboxes=" + urllib.parse.quote(",".join(inboxes)))
        assert answer.status == 502 and "inboxes" in answer.json["error"]
    bridge.stop()
    assert len(json.loads(bridge.run_cli("events", "list", "--json", check=0).stdout)["events"]) >= 3
    assert "only while the bridge runs" in bridge.run_cli("events", "replay", "--front", "--after", "1h", check=1).stderr
