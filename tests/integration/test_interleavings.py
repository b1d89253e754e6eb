"""Two things at once: an outcome and a deadline, a stop and a disk that stalls, one channel and its neighbour."""
import json
import os
import threading
import time

import pytest
import signing
from backend import SECRET
from bridge import SECRET as SECRET_OF_FRONT
from bridge import message
from serving import Drop
from wait import until


def states(bridge, source_id):
    return {m["recipient"]: m["state"] for m in bridge.messages("?limit=50") if m["source_id"] == source_id}


def cpu_ticks(pid):
    return sum(map(int, open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:13]))


# ---- the answer -----------------------------------------------------------------------------------------------------


def test_a_refusal_that_is_being_committed_at_the_deadline_is_told(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "1s", "on_timeout": "accept"})
    bridge.stop()
    bridge.start(env={"FRONT_BRIDGE_POINT": "before_settle=sleep:1500"})

    def refuse(delivery):
        time.sleep(0.3)
        return 400, {"message": "Ada has left."}

    backend.answer = refuse
    sent = message()
    answer = bridge.callback(sent)
    assert answer.json["type"] != "success" and answer.seconds < 1.6, answer
    bridge.wait_state(sent["id"], "rejected")


def test_success_cancels_no_recipient(make_bridge, backend, front):
    bridge = make_bridge(
        backend=backend, front=front, answer={"wait": "700ms", "on_timeout": "error"}, retry={"first": "1s", "factor": 1, "max": "1s"}
    )
    backend.answer = lambda d: (200 if d["recipient"]["handle"] == "ada" else 503, {})
    sent = message(to=["ada", "bob"])
    assert bridge.callback(sent).json["type"] == "success"
    assert states(bridge, sent["id"])["bob"] in ("queued", "sending"), "success was said, so it is still tried"
    backend.answer = lambda d: (200, {})
    until(lambda: states(bridge, sent["id"]) == {"ada": "delivered", "bob": "delivered"})


def test_a_recipient_behind_another_message_waits_for_the_others_answer(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "3s", "on_timeout": "error"})

    def slow_at_first(delivery):
        time.sleep(1 if delivery["text"] == "first" else 0)
        return 200, {}

    backend.answer = slow_at_first
    first = threading.Thread(target=bridge.callback, args=(message("first", to="bob", conversation="cnv_a"),))
    first.start()
    backend.wait(1)
    sent = message("second", to=["ada", "bob"], conversation="cnv_a")
    assert bridge.callback(sent).json["type"] == "success"
    first.join()
    until(lambda: states(bridge, sent["id"]) == {"ada": "delivered", "bob": "delivered"})


@pytest.mark.parametrize("wait", ["1s", "0"])
def test_a_resend_that_crosses_the_end_of_what_was_stored_too_late(make_bridge, backend, front, wait):
    """The disk stalls, the first callback is answered with an error, and what it stored is taken out: the second has found it before."""
    seconds = float(wait.rstrip("s")) or 6
    bridge = make_bridge(backend=backend, front=front, answer={"wait": wait, "on_timeout": "accept"})
    bridge.stop()
    bridge.start(env={"FRONT_BRIDGE_POINT": f"after_commit=sleep:{seconds * 1000 + 400:.0f}:1,before_answer=sleep:700:1"})
    sent, first = message(), []
    calling = threading.Thread(target=lambda: first.append(bridge.callback(sent)))
    calling.start()
    time.sleep(seconds - 0.2)
    second = bridge.callback(sent)
    calling.join()
    assert first[0].json["type"] == "internal_error" and second.json["type"] != "success", (first, second)
    bridge.wait_state(sent["id"], "cancelled")
    assert bridge.callback(sent).json["type"] == "success"
    bridge.wait_state(sent["id"], "delivered")
    backend.stays(1)


def test_what_an_event_proves_while_it_is_looked_for_is_not_posted_again(make_bridge, backend, front):
    """The answer of the post is lost, and Front's lists do not show yet what its event tells."""
    bridge = make_bridge(backend=backend, front=front)
    front.search, front.script = lambda path: [], [Drop]
    assert bridge.hook({"id": "m1", "conversation_id": "room", "sender": {"handle": "ada"}, "text": "Hi"}).status == 202
    until(lambda: bridge.lines("queued", direction="in", outcome="unknown"))
    shown = message("Hi", is_inbound=True, metadata=front.posted()[0]["metadata"])
    event = {"id": "evt_77", "type": "inbound", "emitted_at": time.time(), "target": {"_meta": {"type": "message"}, "data": shown}}
    body = json.dumps(event).encode()
    headers = {"content-type": "application/json", "x-front-signature": signing.sha1(body, SECRET_OF_FRONT)}
    assert bridge.request("POST", "/events/main", body, headers).status == 200
    until(lambda: bridge.lines("delivered", direction="in"), 5)  # well before an attempt gives up looking
    assert len(front.posted()) == 1 and bridge.state_of("m1") == "delivered"


# ---- the schedule ---------------------------------------------------------------------------------------------------


def test_suspects_go_one_at_a_time_after_a_restart_too(make_bridge, backend, front, tmp_path):
    """All were in flight at a crash, then the bridge itself died: the one that ends the adapter must still be found."""
    everything_ends = tmp_path / "everything-ends"
    code = (
        "import json, os, signal, sys, time\n"
        "for line in sys.stdin:\n"
        "    if 'delivery' not in line: continue\n"
        f"    if 'poison' in line or os.path.exists({str(everything_ends)!r}):\n"
        "        time.sleep(0.3); os.kill(os.getppid(), signal.SIGKILL); sys.exit(1)\n"
        "    time.sleep(0.5)\n"
        "    print(json.dumps({'token': json.loads(line)['token'], 'outcome': 'delivered'}), flush=True)\n"
    )
    support = {"account": "main", "front_channel": "cha_1", "adapter": "exec", "answer": {"wait": "0"}, "when_unsure": "resend"}
    support["settings"] = {"command": ["/usr/bin/python3", "-c", code]}
    bridge = make_bridge(backend=backend, front=front, channels={"support": support})
    everything_ends.touch()
    sent = {text: message(text) for text in ("one", "poison", "two", "three", "four")}
    for content in sent.values():
        bridge.callback(content)
    until(lambda: bridge.lines("channel_host", status="down"))
    bridge.kill()
    everything_ends.unlink()
    bridge.start()
    for text in ("one", "two", "three", "four"):
        bridge.wait_state(sent[text]["id"], "delivered", 30)
    bridge.wait_state(sent["poison"]["id"], "dead", 30)


def test_an_attempt_that_outlives_its_message_does_not_leave_it_asleep(make_bridge, backend, front):
    bridge = make_bridge(
        backend=backend, front=front, answer={"wait": "0"}, too_old="1s", retry={"first": "300ms", "factor": 1, "max": "300ms", "give_up": "1h"}
    )
    backend.gate.clear()
    backend.answer = lambda d: (503, {})
    sent = message()
    bridge.callback(sent)
    time.sleep(2.5)
    backend.answer = lambda d: (200, {})
    backend.gate.set()
    bridge.wait_state(sent["id"], "delivered")


def test_a_follower_is_woken_although_the_clock_went_back(make_bridge, backend, front, tmp_path):
    library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
    if not os.path.exists(library):
        pytest.skip("libfaketime is not installed")
    offset = tmp_path / "offset"
    offset.write_text("+0")
    env = {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "ASAN_OPTIONS": "verify_asan_link_order=0",
    }
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"}, env=env)
    backend.gate.clear()
    bridge.callback(message("one", conversation="cnv_a"))
    backend.wait(1)
    bridge.callback(message("two", conversation="cnv_a"))
    offset.write_text("-20")
    backend.gate.set()
    until(lambda: "two" in backend.texts(), 5)


def two_channels(backend, **second):
    both = {"account": "main", "adapter": "http", "settings": {"url": backend.url, "secret": SECRET}, "retry": {"first": "20s", "max": "60s"}}
    return {"support": {**both, "front_channel": "cha_1"}, "quiet": {**both, **second}}


def test_a_flood_to_front_does_not_keep_another_channel_out(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, channels=two_channels(backend, front_channel="cha_2"))
    for n in range(60):
        assert bridge.hook({"id": f"f{n}", "sender": {"handle": f"a{n}"}, "text": "flood"}).status == 202
    bridge.hook({"sender": {"handle": "q"}, "text": "quiet"}, channel="quiet")
    until(lambda: any("quiet" in post["body"] for post in front.posted()), 6)


def test_nothing_spins_while_front_is_away(make_bridge, backend, front):
    """Both channels have messages that are due, and one probe of their account decides for both."""
    bridge = make_bridge(backend=backend, front=front, channels=two_channels(backend, front_channel="cha_2"))
    assert bridge.hook({"sender": {"handle": "a"}, "text": "x"}, channel="quiet").status == 202
    front.close()
    assert bridge.hook({"sender": {"handle": "a"}, "text": "y"}).status == 202
    until(lambda: bridge.lines("paused"))
    time.sleep(2)
    before = cpu_ticks(bridge.process.pid)
    time.sleep(2)
    assert cpu_ticks(bridge.process.pid) - before < 50, "of 200"


# ---- the end --------------------------------------------------------------------------------------------------------


def test_a_stop_while_everyone_waits_for_a_disk_that_stalls(make_bridge, backend, front):
    """Longer than a stop waits: the last completions of the store find whom they answer, or that nobody is there."""
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "1s"})
    bridge.stop()
    bridge.start(env={"FRONT_BRIDGE_POINT": "before_commit=sleep:9000"})

    def ask(call, *arguments):
        try:
            call(*arguments)
        except OSError:
            pass

    peers = [
        (bridge.callback, message()),
        (bridge.hook, {"sender": {"handle": "a"}, "text": "x"}),
        (bridge.hook, {"sender": {"handle": "b"}, "text": "y"}),
        (bridge.admin, "GET", "/api/v1/messages"),
        (bridge.admin, "POST", "/api/v1/messages/hold?all=1"),
    ]
    threads = [threading.Thread(target=ask, args=peer) for peer in peers]
    for thread in threads:
        thread.start()
        time.sleep(0.1)
    assert bridge.stop(40) == 0, bridge.tail()
    for thread in threads:
        thread.join()
