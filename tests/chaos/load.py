"""Load that remembers what it was promised, and the books that are kept of what came of it."""
import collections
import http.client
import random
import threading
import time

from bridge import message, next_id
from serving import Drop
from wait import until


class Load(threading.Thread):
    """Sends callbacks and hooks without a pause, one after the other; most go to a few conversations of its own."""

    def __init__(self, bridge, tag, conversations=5, hook_every=6):
        super().__init__(daemon=True)
        self.bridge, self.tag, self.conversations, self.hook_every = bridge, tag, conversations, hook_every
        self.acknowledged, self.hooked = [], []  # texts that were answered with success, in order
        self.last_error = None
        self.is_over = threading.Event()
        self.start()

    def send(self, n):
        text = f"{self.tag}.{n}."
        room = f"{self.tag}-{n % self.conversations}"
        if n % self.hook_every == 0:
            wrote = {"id": text, "conversation_id": room, "sender": {"handle": self.tag}, "text": text}
            if self.bridge.hook(wrote).status == 202:
                self.hooked.append(text)
        else:
            answer = self.bridge.callback(message(text, conversation=room))
            if answer.status == 200 and answer.json["type"] == "success":
                self.acknowledged.append(text)

    def run(self):
        n = 0
        while not self.is_over.is_set():
            n += 1
            try:
                self.send(n)
            except (OSError, ValueError, http.client.HTTPException) as e:  # it is dead, or died while it answered
                self.last_error = e
                time.sleep(0.005)

    def end(self):
        self.is_over.set()
        self.join(30)
        assert not self.is_alive()


class Causes:
    """Spans of time in which something happened that excuses an attempt that was made twice."""

    def __init__(self):
        self.spans = []

    def __enter__(self):
        self.begin = time.monotonic()

    def __exit__(self, *_):
        self.spans.append((self.begin, time.monotonic()))

    def excuse(self, first, again):
        return any(begin <= again and first <= end for begin, end in self.spans)


class Forgetful:
    """A script for FrontApi: every so often it takes a message and its answer is lost."""

    def __init__(self, rate, seed=11):
        self.rate, self.dice, self.n = rate, random.Random(seed), 0

    def __bool__(self):
        return True

    def pop(self, _):
        if self.dice.random() >= self.rate:
            return None
        self.n += 1
        return Drop


def text_of(post):
    return post["body"].split("<")[0]


def arrivals_at(backend):
    with backend.lock:
        return list(zip((d["text"] for d in backend.deliveries), backend.keys, backend.times))


def arrivals_in(front):
    with front.lock:
        calls = list(zip(front.calls, front.times))
    return [(text_of(c[3]), c[3]["metadata"]["headers"]["front_bridge_id"], at) for c, at in calls if c[0] == "POST"]


def check_order(arrivals, conversations):
    """Within a conversation the first arrivals are in the order in which they were sent."""
    last = {}
    seen = set()
    for text, _, _ in arrivals:
        tag, n, _ = text.split(".")
        lane = (tag, int(n) % conversations)
        if text in seen:
            continue
        seen.add(text)
        assert last.get(lane, 0) < int(n), f"{text} came after {last[lane]} of its conversation"
        last[lane] = int(n)


def check_keys(arrivals):
    """A message that comes again comes under the key that it had."""
    keys = collections.defaultdict(set)
    for text, key, _ in arrivals:
        keys[text].add(key)
    assert all(len(k) == 1 for k in keys.values()), [t for t, k in keys.items() if len(k) > 1]
    assert len({k for key in keys.values() for k in key}) == len(keys), "no two messages share a key"


def check_repeats(arrivals, causes):
    """What comes again does so because something happened in between; gives how many came again."""
    last, n = {}, 0
    for text, _, at in arrivals:
        if text in last:
            n += 1
            assert causes.excuse(last[text], at), f"{text} came again {at - last[text]:.3f} s later for no reason"
        last[text] = at
    return n


def check_books(loads, bridge, backend, front, causes, lost_answers=False, timeout=120):
    """Everything that was acknowledged has arrived, in order, and again only with cause. Gives a line about it."""
    acknowledged = {t for load in loads for t in load.acknowledged}
    hooked = {t for load in loads for t in load.hooked}
    assert acknowledged and hooked, [load.last_error for load in loads]
    until(lambda: acknowledged <= set(backend.texts()), timeout, lambda: f"missing {acknowledged - set(backend.texts())}")
    until(
        lambda: hooked <= {text_of(p) for p in front.posted()},
        timeout,
        lambda: f"missing {hooked - {text_of(p) for p in front.posted()}}",
    )
    until(lambda: open_messages(bridge) == 0, timeout, lambda: f"{open_messages(bridge)} still open")
    out, back = arrivals_at(backend), arrivals_in(front)
    for arrivals in (out, back):
        check_keys(arrivals)
        check_order(arrivals, loads[0].conversations)
    again = check_repeats(out, causes)
    again_back = len(back) - len({a[0] for a in back}) if lost_answers else check_repeats(back, causes)
    return f"{len(out)} deliveries, {again} of them again; {len(back)} posts, {again_back} of them again"


def open_messages(bridge):
    """By one read: what is between two parts or attempts goes from one state to the other and back."""
    return len(bridge.messages("?state=queued,sending&limit=1000"))


def hook_body(text):
    return {"id": "m-" + next_id(), "sender": {"handle": "ada"}, "text": text}
