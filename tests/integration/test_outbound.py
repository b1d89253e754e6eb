"""Front to backend: delivered, in order, once, with one honest answer."""
import json
import threading
import time

import pytest
from backend import Backend
from bridge import message
from serving import Drop
from wait import until


def test_a_message_arrives_and_the_agent_sees_success(bridge, backend):
    sent = message("Hello Ada", to="ada", conversation="cnv_7")
    answer = bridge.callback(sent)
    assert answer.status == 200, answer
    assert answer.json["type"] == "success"
    assert answer.json["external_id"] and answer.json["external_conversation_id"]
    (delivery,) = backend.wait(1)
    assert delivery["type"] == "message"
    assert delivery["text"] == "Hello Ada"
    assert delivery["html"] == "<p>Hello Ada</p>"
    assert delivery["channel"] == "support"
    assert delivery["attempt"] == 1
    assert delivery["recipient"] == {"handle": "ada", "name": "Ada"}
    assert delivery["author"]["email"] == "grace@example.com"
    assert delivery["front"]["message_id"] == sent["id"]
    assert delivery["front"]["conversation_id"] == "cnv_7"
    assert backend.keys == [delivery["id"]]
    assert backend.bad_signatures == 0
    bridge.wait_state(sent["id"], "delivered")


def test_the_same_message_again_gets_the_same_answer_and_is_not_sent(bridge, backend):
    sent = message()
    first = bridge.callback(sent)
    second = bridge.callback(sent)
    assert first.json == second.json
    backend.stays(1)


def test_the_same_message_while_it_is_open_gets_the_running_answer(bridge, backend):
    backend.gate.clear()
    sent, answers = message(), []
    threads = [threading.Thread(target=lambda: answers.append(bridge.callback(sent))) for _ in range(3)]
    for t in threads:
        t.start()
    backend.wait(1)
    time.sleep(0.2)
    assert not answers
    backend.gate.set()
    for t in threads:
        t.join()
    assert [a.json["type"] for a in answers] == ["success"] * 3
    backend.stays(1)


@pytest.mark.parametrize("status, kind", [(400, "bad_request"), (403, "forbidden"), (404, "not_found"), (422, "bad_request")])
def test_a_refusal_reaches_the_agent_with_the_backends_sentence(bridge, backend, status, kind):
    backend.answer = lambda d: (status, {"message": "Ada has closed her account."})
    sent = message()
    answer = bridge.callback(sent)
    assert answer.json["type"] == kind
    assert "Ada has closed her account." in answer.json["message"]
    assert answer.status == {"bad_request": 400, "forbidden": 403, "not_found": 404}[kind]
    bridge.wait_state(sent["id"], "rejected")
    backend.stays(1)


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("draft", [False, True])
def test_a_resend_after_an_answered_error_is_a_new_attempt(bridge, backend, edited, draft):
    backend.answer = lambda d: (400, {"message": "Not like this."})
    sent = message("first text")
    assert bridge.callback(sent).status == 400
    backend.answer = lambda d: (200, {})
    again = {**sent, "error_type": "bad_request", "version": "v2", "is_draft": draft}
    if edited:
        again.update(text="second text", body="<p>second text</p>")
    assert bridge.callback(again).json["type"] == "success"
    first, second = backend.wait(2)
    assert second["text"] == ("second text" if edited else "first text")
    assert (first["id"] == second["id"]) == (not edited), "the key changes only with the text"
    bridge.wait_state(sent["id"], "delivered")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_temporary_failure_is_tried_again_with_the_same_key(bridge, backend, status):
    left = [2]

    def answer(delivery):
        left[0] -= 1
        return (status, {}) if left[0] >= 0 else (200, {})

    backend.answer = answer
    assert bridge.callback(message()).json["type"] == "success"
    deliveries = backend.wait(3)
    assert [d["attempt"] for d in deliveries] == [1, 2, 3]
    assert len(set(backend.keys)) == 1


def test_retry_after_is_honoured(bridge, backend):
    times = []

    def answer(delivery):
        times.append(time.monotonic())
        return (503, {}, {"retry-after": "2"}) if len(times) == 1 else (200, {})

    backend.answer = answer
    bridge.callback(message())
    backend.wait(2)
    assert times[1] - times[0] >= 1.9


def test_a_lost_answer_is_sent_again_with_the_same_key(bridge, backend):
    lost = [True]

    def answer(delivery):
        if lost.pop() if lost else False:
            return Drop
        return 200, {}

    backend.answer = answer
    assert bridge.callback(message()).json["type"] == "success"
    backend.wait(2)
    assert len(set(backend.keys)) == 1


def test_a_lost_answer_waits_as_unknown_where_resending_is_not_allowed(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, when_unsure="hold")
    backend.answer = lambda d: Drop
    sent = message()
    for again in sent, sent, {**sent, "error_type": "request_timeout", "version": "v2"}:
        answer = bridge.callback(again)
        assert answer.json["type"] == "request_timeout" and "not known whether" in answer.json["message"]
        bridge.wait_state(sent["id"], "unknown")
    backend.stays(1)
    backend.answer = lambda d: (200, {})
    entry = next(m for m in bridge.messages() if m["source_id"] == sent["id"])
    assert bridge.admin("POST", f"/api/v1/messages/retry?id={entry['id']}").json["changed"] == 1
    backend.wait(2)
    bridge.wait_state(sent["id"], "delivered")


def test_order_is_kept_in_a_conversation_while_others_pass(bridge, backend):
    failing = {"blocked-0"}

    def answer(delivery):
        return (503, {}) if delivery["text"] in failing else (200, {})

    backend.answer = answer
    threads = []

    def post(text, conversation):
        threads.append(threading.Thread(target=bridge.callback, args=(message(text, conversation=conversation),)))
        threads[-1].start()
        until(lambda: any(m["conversation"] == conversation for m in bridge.messages("?limit=1000")))

    post("blocked-0", "cnv_a")
    backend.wait(1)
    bridge.callback(message("blocked-1", conversation="cnv_a"))  # behind: answered at once
    bridge.callback(message("blocked-2", conversation="cnv_a"))
    assert bridge.callback(message("free", conversation="cnv_b")).json["type"] == "success"
    until(lambda: "free" in backend.texts())
    assert "blocked-1" not in backend.texts()
    failing.clear()
    until(lambda: "blocked-2" in backend.texts())
    order = [t for t in backend.texts() if t.startswith("blocked")]
    assert order.index("blocked-1") < order.index("blocked-2")
    assert order.count("blocked-1") == order.count("blocked-2") == 1
    for t in threads:
        t.join()


def test_a_message_behind_another_is_answered_at_once(bridge, backend):
    backend.gate.clear()
    first = threading.Thread(target=bridge.callback, args=(message("one", conversation="cnv_a"),))
    first.start()
    backend.wait(1)
    answer = bridge.callback(message("two", conversation="cnv_a"))
    assert answer.json["type"] == "success" and answer.seconds < 1
    backend.gate.set()
    first.join()
    assert [d["text"] for d in backend.wait(2)] == ["one", "two"]


def test_several_recipients_are_one_delivery_each_and_one_answer(bridge, backend):
    backend.answer = lambda d: (400, {"message": "No such user."}) if d["recipient"]["handle"] == "bob" else (200, {})
    sent = message(to=["ada", "bob", "cy"])
    assert bridge.callback(sent).json["type"] == "success"
    backend.wait(3)
    until(lambda: sorted(m["state"] for m in bridge.messages()) == ["dead", "delivered", "delivered"])
    # What was delivered is not repeated by a resend; what failed is a new attempt.
    backend.answer = lambda d: (200, {})
    assert bridge.callback({**sent, "version": "2"}).json["type"] == "success"
    backend.wait(4)
    assert backend.deliveries[3]["recipient"]["handle"] == "bob"
    backend.stays(4)


def test_several_recipients_all_refused_is_an_error(bridge, backend):
    backend.answer = lambda d: (404, {"message": "No such user."})
    answer = bridge.callback(message(to=["ada", "bob"]))
    assert answer.status == 404 and "No such user." in answer.json["message"]


def test_an_unreachable_backend_pauses_and_loses_nothing(make_bridge, front):
    from backend import Backend

    with Backend() as gone:
        port = gone.port
    bridge = make_bridge(backend=gone, front=front, answer={"wait": "0"})
    for n in range(20):
        assert bridge.callback(message(f"m{n}")).json["type"] == "success"
    until(lambda: bridge.lines("paused"))
    with Backend(port) as back:
        until(lambda: len(back.deliveries) >= 20, 20)
        assert sorted(back.texts()) == sorted(f"m{n}" for n in range(20))
        assert all(d["attempt"] <= 8 for d in back.deliveries), "waiting for the peer burns no attempt"
        until(lambda: bridge.metric("front_bridge_queue_depth", direction="out", state="delivered") == 20)


def test_give_up_makes_a_dead_letter_that_can_be_retried(make_bridge, backend, front):
    bridge = make_bridge(
        backend=backend, front=front, answer={"wait": "0"}, retry={"first": "100ms", "factor": 1, "max": "100ms", "give_up": "1s"}
    )
    backend.answer = lambda d: (503, {})
    sent = message()
    bridge.callback(sent)
    bridge.wait_state(sent["id"], "dead")
    (dead,) = bridge.admin("GET", "/api/v1/dead").json["messages"]
    assert dead["source_id"] == sent["id"] and "503" in dead["reason"]
    backend.answer = lambda d: (200, {})
    count = len(backend.deliveries)
    assert bridge.admin("POST", f"/api/v1/dead/retry?id={dead['id']}").json["changed"] == 1
    backend.wait(count + 1)
    bridge.wait_state(sent["id"], "delivered")


def test_too_old_is_not_sent(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"}, too_old="1s", retry={"first": "100ms"})
    backend.gate.clear()
    bridge.callback(message("one", conversation="cnv_a"))
    backend.wait(1)
    late = message("two", conversation="cnv_a")
    bridge.callback(late)
    time.sleep(1.2)
    backend.gate.set()
    bridge.wait_state(late["id"], "dead")
    backend.stays(1)
    (dead,) = bridge.admin("GET", "/api/v1/dead").json["messages"]
    assert "old" in dead["reason"]


def test_too_old_is_for_what_was_never_tried(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"}, too_old="1s", retry={"first": "500ms", "factor": 1})
    backend.answer = lambda d: (503, {})
    sent = message()
    bridge.callback(sent)
    time.sleep(3)
    assert bridge.state_of(sent["id"]) == "queued"
    backend.answer = lambda d: (200, {})
    bridge.wait_state(sent["id"], "delivered")


def test_a_dead_letter_that_is_retried_has_a_new_life(make_bridge, backend, front):
    bridge = make_bridge(
        backend=backend, front=front, answer={"wait": "0"}, retry={"first": "300ms", "factor": 1, "max": "300ms", "give_up": "1s"}
    )
    backend.answer = lambda d: (503, {})
    sent = message()
    bridge.callback(sent)
    bridge.wait_state(sent["id"], "dead")
    time.sleep(1)
    (dead,) = bridge.admin("GET", "/api/v1/dead").json["messages"]
    count = len(backend.deliveries)
    assert bridge.admin("POST", f"/api/v1/dead/retry?id={dead['id']}").json["changed"] == 1
    backend.wait(count + 2)  # the first try of its new life fails as well, and is not its last
    backend.answer = lambda d: (200, {})
    bridge.wait_state(sent["id"], "delivered")


def test_a_thousand_conversations_in_order_under_failures(make_bridge, backend, front):
    bridge = make_bridge(
        backend=backend,
        front=front,
        answer={"wait": "0"},
        retry={"first": "100ms", "factor": 1, "max": "200ms", "give_up": "1h"},
    )
    seen = {}

    def answer(delivery):
        n = seen[delivery["id"]] = seen.get(delivery["id"], 0) + 1
        return (503, {}) if n == 1 and hash(delivery["text"]) % 3 == 0 else (200, {})

    backend.answer = answer
    conversations, depth = 1000, 3
    todo = [(c, n) for n in range(depth) for c in range(conversations)]

    def feed(part):
        for c, n in part:
            assert bridge.callback(message(f"{c}:{n}", conversation=f"cnv_{c}x")).status == 200

    threads = [threading.Thread(target=feed, args=([t for t in todo if t[0] % 8 == k],)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    until(lambda: bridge.metric("front_bridge_queue_depth", direction="out", state="delivered") == conversations * depth, 90)
    done = {}
    for delivery in backend.deliveries:
        c, n = map(int, delivery["text"].split(":"))
        if seen[delivery["id"]] == 1 or delivery["attempt"] > 1:
            done.setdefault(c, []).append(n)
    for c, order in done.items():
        last = [n for i, n in enumerate(order) if n not in order[i + 1 :]]
        assert last == sorted(last), (c, order)


def test_the_backends_conversation_comes_back_to_it(bridge, backend):
    backend.answer = lambda d: (200, {"external_id": "x1", "conversation_id": "room-9"})
    bridge.callback(message("one", conversation="cnv_r"))
    bridge.callback(message("two", conversation="cnv_r"))
    first, second = backend.wait(2)
    assert first["conversation_id"] is None
    assert second["conversation_id"] == "room-9"


def test_application_channels(make_bridge, backend, front):
    channels = {
        "app": {
            "account": "main",
            "kind": "application",
            "front_channel": "cha_app",
            "adapter": "http",
            "settings": {"url": backend.url, "secret": __import__("backend").SECRET},
        }
    }
    bridge = make_bridge(backend=backend, front=front, channels=channels)
    sent = message("Hello", conversation="cnv_q")
    envelope = {"type": "message", "payload": sent, "metadata": {"external_conversation_ids": ["room-1", "room-2"]}}
    answer = bridge.app_callback(envelope)
    assert answer.json["type"] == "success"
    assert answer.json["external_conversation_id"] in ("room-1", "room-2")
    assert answer.json["external_id"]
    backend.wait(1)
    now = int(time.time() * 1000)
    assert bridge.app_callback(envelope, at=now // 1000).status == 200, "seconds are taken too"
    stale = bridge.app_callback({**envelope, "payload": message()}, at=now - 6 * 60 * 1000)
    assert stale.status == 401
    assert bridge.app_callback({**envelope, "payload": message()}, at=now + 6 * 60 * 1000).status == 401
    backend.stays(1)
