"""The simulator's events: the log, the search, sendings to channels and webhooks, merges."""
import json
import time

import pytest

from frontsim import Receiver, Sim, jwt, sign_sha1, sign_sha256, wait_for

HOST = "https://simulator.api.frontapp.com"

# The table of Front's Events page: source, target.
TABLE = {
    "assign": ("teammate", "teammate"),
    "unassign": ("teammate", None),
    "archive": ("teammate", None),
    "reopen": ("teammate", None),
    "trash": ("teammate", None),
    "restore": ("teammate", None),
    "comment": ("teammate", "comment"),
    "mention": ("teammate", "comment"),
    "inbound": ("inboxes", "message"),
    "outbound": ("inboxes", "message"),
    "out_reply": ("inboxes", "message"),
    "move": ("teammate", "inboxes"),
    "forward": ("teammate", "message"),
    "tag": ("teammate", "tag"),
    "untag": ("teammate", "tag"),
    "link_added": ("teammate", "link"),
    "link_removed": ("teammate", "link"),
    "sending_error": ("recipient", "message"),
    "message_bounce_error": ("recipient", "message"),
    "reminder": (None, None),
    "custom_field_updated": ("teammate", "custom_field"),
}


@pytest.fixture
def chat(sim, receiver):
    """A custom channel in an inbox of its own, without rate limits."""
    sim.configure(secret="company-secret", created_delay_ms=0, rate={"limit": 0, "per_resource": 0}, webhook_retry_ms=20)
    return sim.add_channel(id="cha_c", address="chat", inbox="inb_c", webhook_url=receiver.url + "/front/chat", secret="own-secret")["id"]


@pytest.fixture
def talk(sim, chat):
    """A conversation with a message of each side."""
    write(sim, chat, "Hello")
    [conversation] = wait_for(sim.conversations)
    sim.send(chat, "Hello you", conversation=conversation["id"])
    return conversation["id"]


def write(sim, channel, text, handle="ada"):
    answer = sim.api("POST", f"/channels/{channel}/incoming_messages", {"sender": {"handle": handle}, "body": text})
    assert answer.status == 202
    wait_for(lambda: sim.api("GET", f"/messages/alt:uid:{answer.json['message_uid']}").status == 200)


def kinds(event):
    return tuple(event[p]["_meta"]["type"] if p in event else None for p in ("source", "target"))


def number(event):
    return int(event["id"].removeprefix("evt_"), 36)


# ---- the log --------------------------------------------------------------------------------------------------------

def test_what_the_simulator_does_itself_becomes_events(sim, chat, talk):
    sim.send(chat, "We begin", to="bob")
    sim.control("POST", "/sim/comment", {"conversation": talk, "text": "A note"})
    assert sim.api("POST", f"/conversations/{talk}/comments", {"body": "From the API"}).status == 201
    for status in ("archived", "archived", "open", "deleted", "open"):
        assert sim.api("PATCH", f"/conversations/{talk}", {"status": status}).status == 204
    events = sim.events()
    assert [e["type"] for e in events] == ["inbound", "out_reply", "outbound", "comment", "comment", "archive", "reopen", "trash", "restore"]
    assert [kinds(e)[0] for e in events] == ["inboxes"] * 3 + ["teammate"] + ["api"] * 5
    assert events[0]["source"]["data"][0]["id"] == "inb_c" and isinstance(events[0]["source"]["data"], list)
    assert events[0]["target"]["data"]["text"] == "Hello" and events[1]["target"]["data"]["is_inbound"] is False
    assert events[4]["source"] == {"_meta": {"type": "api"}, "data": None} and events[4]["target"]["data"]["body"] == "From the API"
    numbers = [number(e) for e in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(events)))
    assert all(abs(e["emitted_at"] - time.time()) < 60 for e in events)


def test_every_row_of_fronts_table(sim, chat, talk):
    for type, parts in TABLE.items():
        event = sim.happen(type, talk, inbox="inb_1")["event"]
        assert event["type"] == type and kinds(event) == parts, type
        assert event["conversation"]["id"] == talk
        shown = sim.api("GET", f"/events/{event['id']}")
        assert shown.status == 200 and shown.json == event
        assert event["_links"]["self"] == f"{HOST}/events/{event['id']}"


def test_effects_are_seen_in_the_conversation(sim, chat, talk):
    def conversation():
        return sim.api("GET", f"/conversations/{talk}").json
    sim.happen("assign", talk, assignee={"name": "Alan Turing", "email": "alan@example.com"})
    sim.happen("tag", talk, tag="vip"), sim.happen("tag", talk, tag="vip"), sim.happen("tag", talk, tag="late")
    sim.happen("link_added", talk, link="https://example.com/1")
    assert conversation()["assignee"]["email"] == "alan@example.com" and conversation()["status"] == "assigned"
    assert [t["name"] for t in conversation()["tags"]] == ["vip", "late"]
    assert [t["external_url"] for t in conversation()["links"]] == ["https://example.com/1"]
    sim.happen("unassign", talk), sim.happen("untag", talk, tag="vip"), sim.happen("link_removed", talk, link="https://example.com/1")
    assert conversation()["assignee"] is None and [t["name"] for t in conversation()["tags"]] == ["late"] and conversation()["links"] == []
    moved = sim.happen("move", talk, inbox="inb_1")["event"]
    assert moved["target"]["data"]["id"] == "inb_1"
    assert sim.happen("archive", talk)["event"]["conversation"]["status"] == "archived"


def test_sources_and_targets_of_the_callers_choice(sim, chat, talk):
    assert kinds(sim.happen("assign", talk, source="rule", rule="R")["event"]) == ("rule", "teammate")
    assert kinds(sim.happen("tag", talk, source="oauth_client")["event"]) == ("oauth_client", "tag")
    wrong = sim.happen("outbound", talk, target="teammate")["event"]
    assert kinds(wrong) == ("inboxes", "teammate")
    odd = sim.happen("call_started", talk, source="none", target={"type": "call", "id": "cal_1", "data": {"n": [1, None]}})["event"]
    assert odd["target"] == {"_meta": {"type": "call"}, "data": {"n": [1, None]}} and "source" not in odd
    assert kinds(sim.happen("something_new", talk)["event"]) == (None, None)
    for bad in ({"type": "move", "conversation": talk}, {"conversation": talk}, {"type": "tag", "conversation": "cnv_0"},
                {"type": "tag", "conversation": talk, "emitted_at": "now"}):
        sim.control("POST", "/sim/events", bad, expect=(400,))


def test_ids_grow_beyond_a_digit_and_beyond_64_bits(sim, chat, talk):
    for digits in ("zzzzzzzzz", "zzzzzzzzzzzzzzzzzzzzzz"):
        sim.configure(next_event="evt_" + digits)
        first, second = (sim.happen("archive", talk)["event"] for _ in range(2))
        assert first["id"] == "evt_" + digits and second["id"] == "evt_1" + "0" * len(digits)
        assert number(second) == number(first) + 1 and second["id"] < first["id"]  # as strings they would be the wrong way round
    sim.control("POST", "/sim/config", {"next_event": "evt_5"}, expect=(400,))


def test_a_failed_send_may_be_echoed(sim, chat, talk, receiver):
    receiver.answer = lambda r: (404, {"type": "not_found", "message": "Gone."})
    sim.send(chat, "one", conversation=talk)
    sim.configure(echo_errors=True)
    failed = sim.send(chat, "two", conversation=talk)
    [echo] = [e for e in sim.events() if e["type"] == "sending_error"]
    assert echo["target"]["data"]["id"] == failed["id"] and echo["target"]["data"]["error_type"] == "not_found"
    assert echo["source"]["data"]["handle"] == "ada" and echo["source"]["data"]["role"] == "to"
    both = sim.send(chat, "three", to=[{"handle": "ada"}, {"handle": "bob"}])
    assert sim.happen("message_bounce_error", message=both["id"], recipient="bob")["event"]["source"]["data"]["handle"] == "bob"


def test_channels_of_other_types_share_an_inbox(sim, chat, receiver):
    mail = sim.add_channel(id="cha_m", type="email", address="us@example.com", inbox="inb_c")["id"]
    sent = sim.send(mail, "By mail", to="ada@example.com")
    assert sent["state"] == "sent" and receiver.requests == []
    [event] = sim.events()
    assert event["type"] == "outbound" and event["target"]["data"]["type"] == "email" and event["source"]["data"][0]["id"] == "inb_c"


# ---- GET /events ----------------------------------------------------------------------------------------------------

def test_filtered_by_emission_sorted_by_creation(sim, chat, talk):
    """The rule of Front's page: a message created a year ago and imported now."""
    began = time.time()
    time.sleep(0.01)
    old = sim.import_old(chat, "Long ago", time.time() - 365 * 86400, conversation=talk)
    sim.happen("archive", talk)
    found = sim.search(after=f"{began:.3f}").json["_results"]
    assert [e["type"] for e in found] == ["archive", "inbound"]
    assert found[1]["target"]["data"]["id"] == old["id"] and found[1]["emitted_at"] > began
    assert found[1]["target"]["data"]["created_at"] < began - 364 * 86400
    every = sim.search().json["_results"]
    assert [e["type"] for e in every] == ["archive", "out_reply", "inbound", "inbound"] and every[-1]["id"] == found[1]["id"]
    assert [e["id"] for e in sim.search(sort_order="asc").json["_results"]] == [e["id"] for e in reversed(every)]
    assert sim.search(before=f"{began - 86400:.3f}").json["_results"] == []


def test_types_and_inboxes(sim, chat, talk):
    other = sim.add_channel(id="cha_d", inbox="inb_d", webhook_url="http://127.0.0.1:1/", secret="s")["id"]
    write(sim, other, "Elsewhere", "bob")
    sim.happen("tag", talk)
    def types(**q):
        return [e["type"] for e in sim.search(**q).json["_results"]]
    assert types(types=["inbound"]) == ["inbound"] * 2 and types(types=["inbound", "tag"]) == ["tag", "inbound", "inbound"]
    assert types(inboxes=["inb_d"]) == ["inbound"] and types(inboxes=["inb_d"], types=["tag"]) == []
    plain = sim.api("GET", "/events?q[types]=tag&q[types]=out_reply")
    assert [e["type"] for e in plain.json["_results"]] == ["tag", "out_reply"]
    assert [e["type"] for e in sim.api("GET", f"/conversations/{talk}/events?limit=1").json["_results"]] == ["tag"]
    for bad in ("q[before]=x", "q[after]=1.2345", "limit=0", "page_token=1", "q[typ]=inbound", "sort_order=up", "q[before]=%zz"):
        assert sim.api("GET", "/events?" + bad).status == 400, bad
    assert sim.api("GET", "/events/evt_0").status == 404


def test_pages_with_and_without_a_fixed_end(sim, chat, talk):
    for _ in range(40):
        sim.happen("tag", talk, send=False)
    before = f"{time.time() + 0.001:.3f}"
    time.sleep(0.01)
    first = sim.search(types=["tag"], before=before).json
    assert len(first["_results"]) == 15 and first["_pagination"]["next"].startswith(HOST + "/events?q")
    assert [len(p) for p in sim.all_events(types=["tag"], before=before)] == [15, 15, 10]
    assert [len(p) for p in sim.all_events(types=["tag"], before=before, limit=100)] == [15, 15, 10]
    loose = sim.search(types=["tag"]).json
    sim.happen("tag", talk)
    def second(page):
        return {e["id"] for e in sim.api("GET", "/" + page["_pagination"]["next"].split("/", 3)[3]).json["_results"]}
    assert not second(first) & {e["id"] for e in first["_results"]}
    assert len(second(loose) & {e["id"] for e in loose["_results"]}) == 1  # the page has moved


def test_a_short_page_is_not_the_last(sim, chat, talk):
    sim.configure(thin_pages=True)
    for i in range(20):
        sim.happen("tag", talk, send=False), sim.happen("untag", talk, send=False)
    pages = sim.all_events(types=["tag", "inbound"], limit=5)
    assert sum(len(p) for p in pages) == 21 and all(len(p) < 5 for p in pages) and len(pages) == 9
    assert [len(p) for p in sim.all_events(types=["inbound"], limit=5)][:3] == [0, 0, 0]


def test_pages_that_loop(sim, chat, talk):
    sim.fault(call="events", page_loop=True, next=-1)
    pages = sim.all_events(limit=1, pages_max=5)
    assert len(pages) == 5 and len({p[0]["id"] for p in pages}) == 1


def test_front_lags(sim, chat, talk):
    sim.configure(lag_ms=700)
    sent = sim.send(chat, "Late", conversation=talk)
    event = sim.events()[-1]
    assert event["target"]["data"]["id"] == sent["id"]
    assert sim.api("GET", f"/events/{event['id']}").status == 404 and sim.api("GET", f"/messages/{sent['id']}").status == 404
    assert event["id"] not in [e["id"] for e in sim.search().json["_results"]]
    assert sent["id"] not in [m["id"] for m in sim.api("GET", f"/conversations/{talk}/messages").json["_results"]]
    first = sim.conversation(talk)["messages"][0]["id"]
    sim.happen("forward", message=first)  # what was seen before stays
    assert sim.api("GET", f"/messages/{first}").status == 200
    wait_for(lambda: sim.api("GET", f"/events/{event['id']}").status == 200)
    assert sim.api("GET", f"/messages/{sent['id']}").status == 200
    assert event["id"] in [e["id"] for e in sim.search().json["_results"]]
    assert sim.api("GET", f"/conversations/{talk}/messages").json["_results"][0]["id"] == sent["id"]


# ---- sending --------------------------------------------------------------------------------------------------------

def test_a_channels_own_url_gets_signed_previews(sim, chat, talk, receiver):
    sim.webhook("channel", channel=chat, types=["sending_error", "assign"])
    receiver.requests.clear()
    result = sim.happen("assign", talk)
    [got] = receiver.requests
    assert got.path == "/front/chat" and got.headers["X-Front-Signature"] == sign_sha1(got.body, "own-secret")
    event = got.json
    assert set(event) == {"_links", "id", "type", "emitted_at", "source", "target", "conversation"}
    for part, kind in (("source", "teammate"), ("target", "teammate"), ("conversation", "conversation")):
        assert set(event[part]) == {"_links", "id", "type"} and event[part]["type"] == kind
        assert event[part]["_links"]["self"].startswith(HOST) and event[part]["_links"]["self"].endswith(event[part]["id"])
    assert event["id"] == result["event"]["id"] and event["emitted_at"] == result["event"]["emitted_at"]
    [sent] = result["sent"]
    assert (sent["to"], sent["status"], sent["attempts"], sent["is_taken"]) == ("channel", 200, 1, True)
    assert sim.happen("archive", talk)["sent"] == []  # not among its types
    [entry] = sim.sent_events()
    assert json.loads(entry["body"]) == event and json.loads(entry["answer"]) == {"type": "success"}


def test_a_rules_webhook_is_sent_once(sim, chat, talk, receiver):
    with Receiver(lambda r: (500, {})) as hook:
        sim.webhook("rule", hook.url + "/events/main", form="full", inboxes=["inb_c"])
        result = sim.happen("tag", talk)
        assert [s["statuses"] for s in result["sent"]] == [[500]] and len(hook.requests) == 1
        assert hook.requests[0].headers["X-Front-Signature"] == sign_sha1(hook.requests[0].body, "company-secret")
        assert hook.requests[0].headers["X-Front-Request-Timestamp"] is None
        assert hook.requests[0].json == result["event"]


def test_an_application_webhook_is_retried_as_front_does(sim, chat, talk):
    script = []
    with Receiver(lambda r: (script.pop(0), {})) as hook:
        sim.webhook("application", hook.url, handshake=False)
        for answers, tried in (([200], 1), ([500, 429, 408, 202], 4), ([500] * 9, 4), ([503, 200], 1), ([404, 200], 1)):
            script[:] = answers
            hook.requests.clear()
            result = sim.happen("archive", talk)
            assert result["sent"][0]["statuses"] == answers[:tried] and len(hook.requests) == tried
            for got in hook.requests:
                stamp = got.headers["X-Front-Request-Timestamp"]
                assert got.headers["X-Front-Signature"] == sign_sha256(got.body, "app-secret", stamp)
            assert hook.requests[0].json == {"type": "conversation_archived", "authorization": {"id": "cmp_k30"}, "payload": result["event"]}


def test_imports_are_told_to_few(sim, chat, talk, receiver):
    with Receiver() as hook:
        sim.webhook("application", hook.url, handshake=False), sim.webhook("rule", hook.url + "/rule")
        old = sim.import_old(chat, "Long ago", 1600000000.5, conversation=talk, is_inbound=False)
        sim.import_old(chat, "Told", 1600000000, from_="eve", rules=True)
        wait_for(lambda: hook.requests)
        sim.happen("tag", talk)
        assert [(r.path, (r.json.get("payload") or r.json)["type"]) for r in sorted(hook.requests, key=lambda r: r.path)] == [
            ("/", "tag"), ("/rule", "inbound"), ("/rule", "tag")]
        shown = sim.api("GET", f"/messages/{old['id']}").json
        assert [(r["role"], r["handle"]) for r in shown["recipients"]] == [("from", "chat"), ("to", "ada")] and shown["created_at"] == 1600000000.5


def test_an_application_webhook_is_tried_first(sim, chat, talk):
    answers = [lambda r: {}, lambda r: {"challenge": r.headers["X-Front-Challenge"]}]
    with Receiver(lambda r: (200, answers.pop(0)(r) if answers else {})) as hook:
        refused = sim.webhook("application", hook.url, types=["outbound_sent"])
        assert refused["sent"][0]["is_valid"] is False and sim.webhooks() == []
        taken = sim.webhook("application", hook.url, types=["outbound_sent"])
        assert taken["sent"][0]["is_valid"] is True and [w["id"] for w in sim.webhooks()] == [taken["webhook"]["id"]]
        sync = hook.requests[1]
        assert sync.json == {"type": "sync", "authorization": {"id": "cmp_k30"}}
        assert sync.headers["X-Front-Signature"] == sign_sha256(sync.body, "app-secret", sync.headers["X-Front-Request-Timestamp"])
        sim.happen("archive", talk), sim.happen("out_reply", talk)
        assert [r.json["type"] for r in hook.requests[2:]] == ["outbound_sent"]
        assert sim.remove_webhook(taken["webhook"]["id"]) == []


def test_a_webhook_that_fails_too_often_is_disabled(sim, chat, talk):
    with Receiver(lambda r: (404, {})) as hook:
        sim.webhook("rule", hook.url, disable_after=2)
        for _ in range(4):
            sim.happen("tag", talk)
        assert len(hook.requests) == 2 and sim.webhooks()[0]["is_disabled"]


def test_a_webhook_has_its_time(sim, chat, talk):
    sim.configure(webhook_timeout_ms=200)
    with Receiver(lambda r: time.sleep(len(hook.requests) == 1 and 0.6) or (200, {})) as hook:
        sim.webhook("application", hook.url, handshake=False)
        [sent] = sim.happen("tag", talk)["sent"]
        assert sent["statuses"] == [0, 200] and sent["is_taken"]
    with Receiver(lambda r: time.sleep(0.6) or (200, {})) as slow:
        sim.webhook("rule", slow.url)
        late = next(s for s in sim.happen("tag", talk)["sent"] if s["to"] == "rule")
        assert late["statuses"] == [0] and late["failure"] and len(slow.requests) == 1


def test_the_same_event_again_in_any_form(sim, chat, talk, receiver):
    hook = sim.webhook("channel", channel=chat)["webhook"]["id"]
    event = sim.happen("out_reply", talk, send=False)["event"]
    receiver.requests.clear()
    sim.notify(event["id"], times=2), sim.notify(event["id"], hook=hook, form="full")
    sim.notify(event["id"], source="null", target="slim", conversation="absent")
    sim.notify(event["id"], source="meta", target="full", conversation="null")
    a, b, full, mixed, other = (r.json for r in receiver.requests)
    assert a == b and a["target"]["id"] == event["target"]["data"]["id"] and full == event
    assert mixed["source"] == {"_meta": {"type": "inboxes"}, "data": None} and "conversation" not in mixed
    assert set(mixed["target"]["data"]) == {"_links", "id"} and mixed["target"]["_meta"] == {"type": "message"}
    assert other["source"] == {"_meta": {"type": "inboxes"}} and other["conversation"] is None
    assert other["target"]["data"]["text"] == "Hello you"


def test_links_may_lead_anywhere(sim, chat, talk, receiver):
    sim.webhook("channel", channel=chat)
    for links in ("https://evil.example", "file:///etc/passwd?", "http://169.254.169.254", "https://api2.frontapp.com"):
        sim.notify(links=links)
        event = receiver.requests[-1].json
        assert all(event[p]["_links"]["self"].startswith(links + "/") for p in ("source", "target", "conversation"))
        assert HOST not in receiver.requests[-1].body.decode()


def test_events_may_be_altered_and_badly_signed(sim, chat, talk, receiver):
    sim.webhook("channel", channel=chat)
    huge = "evt_" + "1" * 1_000_000
    sim.notify(replace={"id": huge, "type": 7, "target": {"type": "message"}, "conversation": []})
    event = receiver.requests[-1].json
    assert (event["id"], event["type"], event["target"], event["conversation"]) == (huge, 7, {"type": "message"}, [])
    sim.notify(signature="wrong")
    assert receiver.requests[-1].headers["X-Front-Signature"] not in (None, sign_sha1(receiver.requests[-1].body, "own-secret"))
    sim.notify(signature="none")
    assert receiver.requests[-1].headers["X-Front-Signature"] is None
    sim.notify(url=receiver.url + "/x", kind="application", signature="stale")
    stale = receiver.requests[-1]
    assert stale.json["payload"]["type"] == "out_reply" and int(stale.headers["X-Front-Request-Timestamp"]) / 1000 < time.time() - 500
    for bad in ({"event": "evt_0"}, {"form": "half"}, {"hook": "whk_9"}, {"url": "http://x"}, {"signature": "odd"}, {"times": 0}, {"links": '"'}):
        sim.control("POST", "/sim/notify", bad, expect=(400,))


def test_a_simulator_may_end_while_it_sends(binary, receiver):
    with Sim.start(binary, webhook_retry_ms=60000) as sim:
        sim.add_channel(id="cha_c", webhook_url=receiver.url, secret="s")
        conversation = sim.send("cha_c", "x", to="ada")["conversation"]
        with Receiver(lambda r: (500, {})) as failing, Receiver(lambda r: time.sleep(3) or (200, {})) as slow:
            for url in (failing.url, slow.url):
                sim.webhook("application", url, handshake=False)
            sim.happen("tag", conversation, wait=False)
            wait_for(lambda: failing.requests and slow.requests)
            sim.reset()
            sim.stop()


# ---- merges ---------------------------------------------------------------------------------------------------------

def test_merged_conversations(sim, chat, talk, receiver):
    write(sim, chat, "Another", "bob")
    gone = next(c["id"] for c in sim.conversations() if c["id"] != talk)
    sim.control("POST", "/sim/comment", {"conversation": gone, "text": "A note"})
    event = sim.merge(talk, gone)["event"]
    assert event["type"] == "conversations_merged" and kinds(event) == ("teammate", "deleted_conversation_ids")
    assert event["target"]["data"] == [gone] and event["conversation"]["id"] == talk
    kept = sim.conversation(talk)
    assert [m["text"] for m in kept["messages"]] == ["Hello", "Hello you", "Another"] and len(kept["comments"]) == 1
    assert [c["id"] for c in sim.conversations()] == [talk]
    for method, tail, body in (("GET", "", None), ("GET", "/messages?limit=2", None), ("POST", "/comments", {"body": "x"}),
                               ("PATCH", "", {"status": "open"})):
        answer = sim.api(method, f"/conversations/{gone}{tail}", body)
        assert answer.status == 301 and answer.headers["Location"] == f"{HOST}/conversations/{talk}{tail}", (method, tail)
        assert sim.api(method, f"/conversations/{talk}{tail}", body).status in (200, 201, 204)
    write(sim, chat, "Still there", "bob")  # their threads lead to the one that is left
    assert [m["text"] for m in sim.conversation(talk)["messages"]][-1] == "Still there"
    assert next(e for e in sim.events() if e["type"] == "comment")["conversation"]["id"] == talk
    for bad in ({"into": talk, "from": [talk]}, {"into": talk, "from": []}, {"into": "cnv_0", "from": [talk]}):
        sim.control("POST", "/sim/merge", bad, expect=(400,))


def test_a_merge_may_name_objects(sim, chat, talk):
    write(sim, chat, "Another", "bob")
    gone = next(c["id"] for c in sim.conversations() if c["id"] != talk)
    assert sim.merge(talk, gone, deleted_as="objects")["event"]["target"]["data"] == [{"id": gone}]


def test_a_merged_conversation_carries_both_external_ids(sim, receiver):
    sim.configure(rate={"limit": 0})
    sim.add_channel(id="cha_a", kind="application", address="app", webhook_url=receiver.url)
    answers = iter("abc")
    receiver.answer = lambda r: (200, {"type": "success", "external_id": "m" + str(len(receiver.requests)), "external_conversation_id": next(answers)})
    one, two = (sim.send("cha_a", "x", to=h)["conversation"] for h in ("ada", "bob"))
    sim.merge(one, two)
    sim.send("cha_a", "again", conversation=one)
    assert receiver.requests[-1].json["metadata"]["external_conversation_ids"] == ["a", "b"]


# ---- application channels -------------------------------------------------------------------------------------------

class App:
    """An app's server: its base URL, and the webhook_url that it answers."""

    def __init__(self, receiver, pages=()):
        self.receiver, self.pages = receiver, list(pages)
        receiver.answer = self.answer

    def answer(self, r):
        if r.path == "/apps/main" and r.json["type"] == "list_addresses":
            at = int(r.json["payload"].get("page_token", "0"))
            following = {"pagination": {"next_page_token": str(at + 1)}} if at + 1 < len(self.pages) else {}
            return 200, {"type": "success", "addresses": self.pages[at], **following}
        if r.path == "/apps/main":
            return 200, {"type": "success", "webhook_url": self.receiver.url + "/front/" + r.json["payload"]["channel_id"]}
        if r.method == "DELETE" or r.json["type"] == "message_imported":
            return 200, {}
        return 200, {"type": "success", "external_id": f"m{len(self.receiver.requests)}", "external_conversation_id": "room-1"}


def is_signed(r):
    return r.headers["X-Front-Signature"] == sign_sha256(r.body, "app-secret", r.headers["X-Front-Request-Timestamp"])


def test_a_person_connects_a_channel(sim, receiver):
    App(receiver)
    connected = sim.connect(receiver.url + "/apps/main", key="the-key", channel="cha_new", name="Chat")
    [call] = receiver.requests
    assert call.method == "POST" and call.headers["Authorization"] == "Bearer the-key" and is_signed(call)
    assert call.json == {"type": "authorization", "payload": {"channel_id": "cha_new", "name": "Chat"}}
    assert connected["is_connected"] and connected["webhook_url"] == receiver.url + "/front/cha_new" and connected["why"] is None
    sent = sim.send("cha_new", "Hello", to="ada")  # from now on it goes there
    assert sent["state"] == "sent" and receiver.requests[1].path == "/front/cha_new" and receiver.requests[1].json["type"] == "message"
    [entry] = sim.app_calls()
    assert (entry["type"], entry["status"], entry["channel"]) == ("authorization", 200, "cha_new") and json.loads(entry["body"]) == call.json


def test_addresses_come_page_by_page(sim, receiver):
    App(receiver, [[{"address": f"+1555000{i}", "name": f"Line {i}"}] for i in range(3)])
    connected = sim.connect(receiver.url + "/apps/main", key="k", list=True, address="+15550002")
    assert connected["is_connected"] and connected["pages"] == 3 and len(connected["addresses"]) == 3
    assert [r.json["type"] for r in receiver.requests] == ["list_addresses"] * 3 + ["authorization"]
    assert [r.json["payload"] for r in receiver.requests[:3]] == [{}, {"page_token": "1"}, {"page_token": "2"}]
    assert all(r.headers["Authorization"] == "Bearer k" and is_signed(r) for r in receiver.requests)
    [channel] = [c for c in sim.control("GET", "/sim/channels") if c["id"] == connected["channel"]]
    assert channel["address"] == "+15550002" and channel["kind"] == "application"
    lost = sim.connect(receiver.url + "/apps/main", list=True, address="+1")
    assert not lost["is_connected"] and lost["webhook_url"] is None and "Authorization" not in receiver.requests[-1].headers


@pytest.mark.parametrize("answer, why", [
    ((401, {"type": "authentication_required", "message": "No."}), "The answer is no success"),
    ((200, {"type": "success"}), "The answer has no webhook_url"), ((200, b"<html>"), "The answer is not a JSON object"),
    ((200, {"type": "success", "addresses": [], "pagination": {"next_page_token": "x"}}), "The pages of addresses go in a circle"),
])
def test_an_app_that_is_not_ready(sim, receiver, answer, why):
    receiver.answer = lambda r: answer
    connected = sim.connect(receiver.url, list="addresses" in (answer[1] if isinstance(answer[1], dict) else ()))
    assert (connected["is_connected"], connected["why"], connected["status"]) == (False, why, answer[0])
    for bad in ({}, {"url": receiver.url, "channel": sim.add_channel()["id"]}):
        sim.control("POST", "/sim/connect", bad, expect=(400,))


def test_what_was_posted_is_confirmed(sim, receiver):
    App(receiver)
    sim.configure(rate={"limit": 0}, imported_delay_ms=300)
    channel = sim.connect(receiver.url + "/apps/main")["channel"]
    body = {"sender": {"handle": "ada"}, "body": "Hi", "metadata": {"external_id": "in-1", "external_conversation_id": "room-1"}}
    def post():
        return sim.api("POST", f"/channels/{channel}/inbound_messages", body, token=jwt("app-uid", "app-secret", channel)).json["message_uid"]
    uid = post()
    wait_for(sim.inbound)
    assert len(receiver.requests) == 1  # not yet
    wait_for(lambda: len(receiver.requests) == 2)
    told = receiver.requests[1].json
    assert told["type"] == "message_imported" and told["payload"]["message_uid"] == uid and is_signed(receiver.requests[1])
    assert told["payload"]["metadata"]["external_id"] == "in-1" and told["metadata"]["external_conversation_ids"] == ["room-1"]
    wait_for(lambda: sim.app_calls("message_imported"))
    assert sim.app_calls("message_imported")[0]["is_taken"]
    sim.configure(imported=False)
    post()
    wait_for(lambda: len(sim.inbound()) == 2)
    time.sleep(0.4)
    assert len(receiver.requests) == 2
    sim.configure(imported=True, imported_delay_ms=60000)  # the simulator ends meanwhile
    post()
    wait_for(lambda: len(sim.inbound()) == 3)


def test_auto_replies(sim, receiver):
    App(receiver)
    channel = sim.connect(receiver.url + "/apps/main")["channel"]
    conversation = sim.send(channel, "We begin", to="ada")["conversation"]
    sim.api("POST", f"/channels/{channel}/inbound_messages", {"sender": {"handle": "ada"}, "body": "Hi", "metadata": {
        "external_id": "in-1", "external_conversation_id": "room-1"}}, token=jwt("app-uid", "app-secret", channel))
    [asked] = wait_for(sim.inbound)
    sent = sim.autoreply(conversation, "We are closed.")
    sim.autoreply(conversation, "Still closed.", metadata=False)
    first, bare = [r.json for r in receiver.requests if r.path != "/apps/main" and r.json["type"] == "message_autoreply"]
    payload = first["payload"]
    assert "id" not in payload and "author" not in payload and "self" not in payload["_links"] and payload["type"] == "auto_reply"
    assert payload["_links"]["related"]["message_replied_to"] == f"{HOST}/messages/{asked['id']}" and payload["text"] == "We are closed."
    assert first["metadata"]["external_conversation_ids"] == ["room-1"] and "metadata" not in bare
    assert sent["state"] == "sent" and sent["external_conversation_id"] == "room-1"
    shown = sim.api("GET", f"/messages/{sent['id']}").json
    assert shown["type"] == "custom" and shown["id"] == sent["id"] and shown["author"] is None
    sim.control("POST", "/sim/autoreply", {"conversation": "cnv_0", "text": "x"}, expect=(400,))


def test_a_channel_is_deleted(sim, receiver):
    App(receiver)
    for has_body in (True, False):
        channel = sim.connect(receiver.url + "/apps/main")["channel"]
        assert sim.disconnect(channel, body=has_body) == {"status": 200, "is_taken": True, "answer": "{}"}
        gone = receiver.requests[-1]
        assert (gone.method, gone.path) == ("DELETE", f"/front/{channel}") and is_signed(gone)
        assert gone.body == (json.dumps({"type": "delete", "payload": {"channel_id": channel}}, separators=(",", ":")).encode() if has_body else b"")
        assert sim.send(channel, "x", to="ada")["state"] == "failed"
        sim.control("POST", "/sim/disconnect", {"channel": channel}, expect=(400,))
