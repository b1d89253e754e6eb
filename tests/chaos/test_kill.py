"""kill -9 of the bridge, everywhere: what was acknowledged arrives; what comes twice comes with the same key, and with a reason."""
import json
import os
import random
import signal
import time

import pytest
from bridge import message
from load import Causes, Forgetful, Load, check_books, hook_body
from wait import until

KILLS = int(os.environ.get("FB_KILLS", "200"))


def kill_and_start(bridge, causes):
    with causes:
        bridge.kill()
        bridge.start(wait=False)
        bridge.wait_ports()


def test_random_kills(make_fast, backend, front):
    bridge = make_fast()
    loads = [Load(bridge, f"load{k}") for k in range(4)]
    dice, causes = random.Random(20260101), Causes()
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.01, 0.2))
        kill_and_start(bridge, causes)
    for load in loads:
        load.end()
    print(f"{KILLS} kills:", check_books(loads, bridge, backend, front, causes))


def test_random_kills_while_front_loses_answers(make_fast, backend, front):
    bridge = make_fast()
    front.script = Forgetful(rate=0.1)
    # Many conversations, since each lost answer holds its own up for the 15 s in which Front is asked about it.
    loads = [Load(bridge, f"load{k}", conversations=61, hook_every=2) for k in range(2)]
    dice, causes = random.Random(5), Causes()
    for _ in range(max(KILLS // 10, 5)):
        time.sleep(dice.uniform(0.05, 0.4))
        kill_and_start(bridge, causes)
    for load in loads:
        load.end()
    print(f"{front.script.n} lost:", check_books(loads, bridge, backend, front, causes, lost_answers=True))
    assert front.script.n > 0


def test_stops_in_the_middle_of_load(make_fast, backend, front):
    """SIGTERM loses nothing, and nothing comes twice: what was under way has ended."""
    bridge = make_fast(wait="3s")
    loads = [Load(bridge, f"load{k}") for k in range(4)]
    dice = random.Random(9)
    for _ in range(10):
        time.sleep(dice.uniform(0.05, 0.5))
        assert bridge.stop() == 0
        bridge.start(wait=False)
        bridge.wait_ports()
    for load in loads:
        load.end()
    check_books(loads, bridge, backend, front, Causes())


# ---- named points ------------------------------------------------------------------------------------------------

OUT = {  # point: may it arrive twice? Where not, it had not left when the process died.
    "before_commit": False,
    "after_commit": False,
    "before_answer": True,
    "after_send": True,
    "before_settle": True,
}


@pytest.mark.parametrize("point", OUT)
@pytest.mark.parametrize("wait", ["0", "3s"])
def test_a_kill_at_each_point_of_the_way_out(make_fast, backend, point, wait):
    bridge = make_fast(wait)
    bridge.callback(message("warm-up"))
    backend.wait(1)
    bridge.stop()
    bridge.start(env={"FRONT_BRIDGE_POINT": f"{point}=kill"})
    sent, acknowledged = message("the one"), False
    try:
        acknowledged = bridge.callback(sent, timeout=20).json["type"] == "success"
    except OSError:
        pass
    assert bridge.process.wait(20) == -signal.SIGKILL, "the point was reached"
    bridge.start()
    is_stored = bridge.state_of(sent["id"]) is not None
    assert is_stored == (point != "before_commit")
    if not acknowledged:
        assert bridge.callback(sent).json["type"] == "success", "the agent sends it again"
    until(lambda: "the one" in backend.texts())
    bridge.wait_state(sent["id"], "delivered")
    time.sleep(0.3)
    arrived = [key for key, text in zip(backend.keys, backend.texts()) if text == "the one"]
    assert len(set(arrived)) == 1
    assert len(arrived) == 1 or (OUT[point] and len(arrived) == 2)


IN = ["before_commit", "after_commit", "before_settle", "after_relay"]


def hand_over_and_die(bridge, point, body):
    """The bridge is killed at the point after it was handed this; the backend says it again, unless that was acknowledged."""
    acknowledged = False
    bridge.stop()
    bridge.start(env={"FRONT_BRIDGE_POINT": f"{point}=kill"})
    try:
        acknowledged = bridge.hook(body).status == 202
    except OSError:
        pass
    assert bridge.process.wait(20) == -signal.SIGKILL, "the point was reached"
    bridge.start()
    if not acknowledged:
        assert bridge.hook(body).status in (200, 202), "the backend sends it again"


@pytest.mark.parametrize("point", IN)
def test_a_kill_at_each_point_of_the_way_in(make_fast, front, point):
    bridge, wrote = make_fast(), hook_body("the one")
    hand_over_and_die(bridge, point, wrote)
    until(lambda: bridge.state_of(wrote["id"]) in ("accepted", "delivered"), 30)
    posts = [p["metadata"]["headers"]["front_bridge_id"] for p in front.posted()]
    assert len(posts) == 1, "what may have arrived is looked for first"


SIGNS = {"edit": {"text": "changed"}, "reaction": {"emoji": "+1"}}


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("point", IN)
def test_a_kill_at_each_point_of_what_happened_to_a_message(make_fast, front, point, sign):
    """An edit is a message; a reaction a comment, which is looked for by its words before it is posted again."""
    original, comments = front.accept, []

    def accept(method, path, content):
        if not path.endswith("/comments"):
            return original(method, path, content)
        json_type = {"content-type": "application/json"}
        if method == "GET":
            shown = [{"id": "com_1", "body": body, "posted_at": time.time()} for body in comments]
            return 200, json_type, json.dumps({"_pagination": {"next": None}, "_results": shown}).encode()
        comments.append(content["body"])
        return 201, json_type, b'{"id":"com_1"}'

    front.accept = accept
    bridge, wrote = make_fast(), hook_body("the one")
    assert bridge.hook(wrote).status == 202
    until(lambda: bridge.lines("thread_learnt"), 20)
    hand_over_and_die(bridge, point, {**wrote, "text": None, **SIGNS[sign], "type": sign, "message_id": wrote["id"]})
    until(lambda: bridge.state_of(f"{sign}\x1f{wrote['id']}") in ("accepted", "delivered"), 30)
    messages = [p["body"] for p in front.posted() if "changed" in p["body"]]
    assert len(messages) == (sign == "edit"), messages
    assert len(comments) == (sign == "reaction"), comments


def test_a_kill_while_the_backend_thinks(make_fast, backend):
    """In the middle of sending: the request is out, the answer is not there yet."""
    bridge = make_fast()
    backend.gate.clear()
    sent = message("the one")
    assert bridge.callback(sent).json["type"] == "success"
    backend.wait(1)
    bridge.kill()
    backend.gate.set()
    bridge.start()
    bridge.wait_state(sent["id"], "delivered")
    assert backend.texts() == ["the one", "the one"] and len(set(backend.keys)) == 1


def test_a_kill_while_front_thinks(make_fast, front):
    bridge = make_fast()
    front.script = [lambda *_: time.sleep(2)]
    wrote = hook_body("the one")
    assert bridge.hook(wrote).status == 202
    front.wait(1)
    bridge.kill()
    bridge.start()
    until(lambda: bridge.state_of(wrote["id"]) in ("accepted", "delivered"), 30)
    assert len(front.posted()) == 1


def test_what_must_not_be_sent_again_waits_for_a_person(make_fast, backend):
    bridge = make_fast(when_unsure="hold")
    backend.gate.clear()
    sent = message("the one")
    bridge.callback(sent)
    backend.wait(1)
    bridge.kill()
    backend.gate.set()
    bridge.start()
    bridge.wait_state(sent["id"], "unknown")
    backend.stays(1)
    later = message("another")
    assert bridge.callback(later).json["type"] == "success"
    bridge.wait_state(later["id"], "delivered")
    backend.stays(2)


def test_order_survives_kills(make_fast, backend):
    bridge = make_fast()
    dice, sent = random.Random(3), []
    for n in range(60):
        text = f"n{n:03}"
        content = message(text, conversation="cnv_one")
        while True:
            try:
                if bridge.callback(content).status == 200:
                    break
            except OSError:
                time.sleep(0.01)
        sent.append(text)
        if dice.random() < 0.25:
            bridge.kill()
            bridge.start(wait=False)
            bridge.wait_ports()
    until(lambda: set(sent) <= set(backend.texts()), 60)
    assert list(dict.fromkeys(backend.texts())) == sent, "the first arrival of each is in order"


def test_a_stop_while_the_backend_hangs(make_fast, backend):
    """The stop does not wait for ever, and the message comes again under its key."""
    bridge = make_fast()
    backend.gate.clear()
    sent = message("the one")
    bridge.callback(sent)
    backend.wait(1)
    began = time.monotonic()
    assert bridge.stop(30) == 0
    assert time.monotonic() - began < 20
    backend.gate.set()
    bridge.start()
    bridge.wait_state(sent["id"], "delivered")
    assert backend.texts() == ["the one", "the one"] and len(set(backend.keys)) == 1
