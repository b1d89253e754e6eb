"""kill -9, everywhere: what was acknowledged arrives; what comes twice comes with the same key."""
import collections
import os
import random
import signal
import threading
import time

import pytest
from bridge import message, next_id
from wait import until

KILLS = int(os.environ.get("FB_KILLS", "200"))


def fast(make_bridge, backend, front, **more):
    return make_bridge(
        backend=backend,
        front=front,
        answer={"wait": more.pop("wait", "0")},
        retry={"first": "100ms", "factor": 1, "max": "300ms", "give_up": "1h"},
        **more,
    )


class Load(threading.Thread):
    """Sends callbacks and hooks without a pause, and remembers what was acknowledged."""

    def __init__(self, bridge, name, conversations=5):
        super().__init__(daemon=True)
        self.bridge, self.tag, self.conversations = bridge, name, conversations
        self.acknowledged, self.hooked = set(), set()
        self.is_over = threading.Event()
        self.start()

    def run(self):
        n = 0
        while not self.is_over.is_set():
            n += 1
            text = f"{self.tag}-{n}"
            try:
                if n % 4 == 0:
                    wrote = {"id": text, "conversation_id": f"room-{n % self.conversations}", "sender": {"handle": "ada"}, "text": text}
                    if self.bridge.hook(wrote).status == 202:
                        self.hooked.add(text)
                else:
                    conversation = f"cnv_{self.tag}{n % self.conversations}"
                    answer = self.bridge.callback(message(text, conversation=conversation))
                    if answer.status == 200 and answer.json["type"] == "success":
                        self.acknowledged.add(text)
            except OSError:
                time.sleep(0.005)
            except Exception:
                time.sleep(0.005)

    def end(self):
        self.is_over.set()
        self.join(30)


def front_texts(front):
    return collections.Counter(p["body"].split("<")[0] for p in front.posted())


def assert_nothing_is_lost(loads, backend, front):
    acknowledged = set().union(*(load.acknowledged for load in loads))
    hooked = set().union(*(load.hooked for load in loads))
    assert acknowledged and hooked
    until(lambda: acknowledged <= set(backend.texts()), 60, "every acknowledged callback is delivered")
    until(lambda: all(any(h in t for t in front_texts(front)) for h in hooked), 60, "every acknowledged hook is posted")
    keys = collections.defaultdict(set)
    for delivery in backend.deliveries:
        keys[delivery["text"]].add(delivery["id"])
    assert all(len(k) == 1 for k in keys.values()), "a duplicate has the same key"
    ids = collections.defaultdict(set)
    for post in front.posted():
        ids[post["body"]].add(post["metadata"]["headers"]["front_bridge_id"])
    assert all(len(i) == 1 for i in ids.values())


def test_random_kills_of_the_bridge(make_bridge, backend, front):
    bridge = fast(make_bridge, backend, front)
    loads = [Load(bridge, f"load{k}") for k in range(4)]
    dice = random.Random(20260101)
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.01, 0.25))
        bridge.kill()
        bridge.start(wait=False)
        bridge.wait_ports()
    for load in loads:
        load.end()
    assert_nothing_is_lost(loads, backend, front)
    doubles = len(backend.deliveries) - len(set(backend.texts()))
    print(f"{KILLS} kills, {len(backend.deliveries)} deliveries, {doubles} of them again, {len(front.posted())} posts")


POINTS = {
    # point: may the callback have been acknowledged, and may it arrive twice?
    "before_commit": (False, False),
    "after_commit": (False, False),
    "before_answer": (False, True),
    "after_send": (False, True),
    "before_settle": (False, True),
}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("wait", ["0", "3s"])
def test_a_kill_at_each_point_of_the_way_out(make_bridge, backend, front, point, wait):
    bridge = fast(make_bridge, backend, front, wait=wait)
    bridge.callback(message("warm-up"))
    backend.wait(1)
    bridge.stop()
    bridge.start(env={"FRONT_BRIDGE_POINT": f"{point}=kill"})
    sent, acknowledged = message("the one"), False
    try:
        acknowledged = bridge.callback(sent, timeout=10).json["type"] == "success"
    except OSError:
        pass
    assert bridge.process.wait(10) == -signal.SIGKILL, "the point was reached"
    bridge.start()
    stored = bridge.state_of(sent["id"]) is not None
    if acknowledged:
        assert stored
    if not acknowledged:
        assert bridge.callback(sent).json["type"] == "success", "the agent sends it again"
    until(lambda: "the one" in backend.texts())
    bridge.wait_state(sent["id"], "delivered")
    time.sleep(0.3)
    arrived = [d for d in backend.deliveries if d["text"] == "the one"]
    assert len({d["id"] for d in arrived}) == 1
    if not POINTS[point][1]:
        assert len(arrived) == 1, "it had not left when the process died"
    assert stored == (point != "before_commit")


@pytest.mark.parametrize("point", ["before_commit", "after_commit", "before_settle", "after_relay"])
def test_a_kill_at_each_point_of_the_way_in(make_bridge, backend, front, point):
    bridge = fast(make_bridge, backend, front)
    bridge.stop()
    bridge.start(env={"FRONT_BRIDGE_POINT": f"{point}=kill"})
    wrote, acknowledged = {"id": "m-" + next_id(), "sender": {"handle": "ada"}, "text": "the one"}, False
    try:
        acknowledged = bridge.hook(wrote).status == 202
    except OSError:
        pass
    assert bridge.process.wait(10) == -signal.SIGKILL, "the point was reached"
    bridge.start()
    if not acknowledged:
        assert bridge.hook(wrote).status in (200, 202)
    until(lambda: bridge.state_of(wrote["id"]) in ("accepted", "delivered"))
    ids = {p["metadata"]["headers"]["front_bridge_id"] for p in front.posted()}
    assert len(ids) == 1
    if point in ("before_commit", "after_commit"):
        assert len(front.posted()) == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_channel_hosts_that_die_under_load(make_bridge, backend, front, how):
    bridge = fast(make_bridge, backend, front)
    loads = [Load(bridge, f"load{k}") for k in range(3)]
    dice = random.Random(7)
    for _ in range(15):
        time.sleep(dice.uniform(0.05, 0.4))
        pid = bridge.admin("GET", "/api/v1/channels").json["channels"][0]["pid"]
        if pid:
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                pass
    for load in loads:
        load.end()
    assert_nothing_is_lost(loads, backend, front)
    assert bridge.process.poll() is None


def test_order_survives_kills(make_bridge, backend, front):
    bridge = fast(make_bridge, backend, front)
    dice = random.Random(3)
    sent = []
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
    firsts = list(dict.fromkeys(backend.texts()))
    assert firsts == sent, "the first arrival of each is in order"
