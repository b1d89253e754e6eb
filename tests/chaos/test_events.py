"""kill -9 while Front's events come by the channel's own URL, by a rule's webhook, and by nothing but the look for missed ones."""
import http.client
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))

from bridge import BINARY  # noqa: E402
from frontsim import Receiver, Sim, wait_for  # noqa: E402

KILLS = 15
POINTS = (None, "before_event_answer", None, "before_release", "at_event")  # None: whenever it hits
COMPANY = "the-company-api-secret"


@pytest.fixture
def front():
    with Sim.start(str(BINARY), secret=COMPANY, created_delay_ms=0, rate={"limit": 100000, "per_resource": 0}) as sim:
        with Receiver() as says_success:  # no callback of a message reaches the bridge: there are only events
            sim.add_channel(id="cha_1", address="support-line", inbox="inb_1", secret=COMPANY, webhook_url=says_success.url + "/front")
            yield sim


def conversations_of(front, n):
    found = []
    for i in range(n):
        answer = front.api("POST", "/channels/cha_1/incoming_messages", {"sender": {"handle": f"c{i}"}, "body": "Hello"})
        shown = wait_for(lambda: (a := front.api("GET", f"/messages/alt:uid:{answer.json['message_uid']}")).status == 200 and a.json)
        found.append(shown["_links"]["related"]["conversation"].rsplit("/", 1)[1])
    return found


class Agents(threading.Thread):
    """Write without a pause; of what they write some events come to the channel's URL, some to the webhook, some twice, some nowhere."""

    def __init__(self, front, bridge, conversations):
        super().__init__(daemon=True)
        self.front, self.bridge, self.conversations = front, bridge, conversations
        self.texts, self.failed, self.error = {}, {}, None  # by message; by event
        self.is_over = threading.Event()
        self.start()

    def tell(self, event, how):
        for way in how:
            try:
                url = f"http://127.0.0.1:{self.bridge.port}" + {"channel": "/front/support", "rule": "/events/main"}[way]
                self.front.notify(event["id"], url=url, kind=way, form="preview")
            except (OSError, http.client.HTTPException, AssertionError):
                pass  # the bridge is dead: nobody heard it

    def write(self, n):
        text = f"n{n}"
        sent = self.front.send("cha_1", text, conversation=self.conversations[n % len(self.conversations)])
        self.texts[sent["id"]] = text
        event = [e for e in self.front.events() if e["type"] in ("outbound", "out_reply")][-1]
        self.tell(event, [(), ("channel",), ("rule",), ("channel", "rule"), ("rule", "rule")][n % 5])
        return sent

    def fail(self, message):
        self.front.happen("sending_error", message=message, send=False)
        event = self.front.events()[-1]
        self.failed[event["id"]] = message
        self.tell(event, [(), ("channel",), ("rule",)][len(self.failed) % 3])

    def run(self):
        try:
            n, before = 0, []
            while not self.is_over.is_set():
                before.append(self.write(n)["id"])
                n += 1
                if n % 7 == 0:
                    self.fail(before[n - 7])
        except Exception as e:
            self.error = e

    def end(self):
        self.is_over.set()
        self.join(30)
        assert not self.is_alive() and self.error is None, self.error


def waiting(bridge):
    return bridge.admin("GET", "/api/v1/events?state=waiting").json["events"]


def keys_by(deliveries, keys, name):
    found = {}
    for delivery, key in zip(deliveries, keys):
        found.setdefault(name(delivery), set()).add(key)
    return found


def ends_by_itself(bridge, point, seconds):
    """At a point the process kills itself, which may take a moment; else it is killed after so long."""
    try:
        bridge.process.wait(10 if point else seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def wait_for_ports(bridge):
    try:
        bridge.wait_ports()
    except AssertionError:
        assert bridge.process.poll() == -signal.SIGKILL, bridge.tail()  # it was at its point already


def test_events_survive_kills(make_bridge, backend, front):
    bridge = make_bridge(
        backend=backend,
        front=front,
        source="events",
        answer={"wait": "0"},
        retry={"first": "100ms", "factor": 1, "max": "300ms", "give_up": "1h"},
        account={"token": front.token, "secrets": [COMPANY], "catch_up": {"enabled": True, "every": "1m"}},
    )
    wait_for(lambda: bridge.lines("caught_up"), 20)  # nothing from before this is ever delivered
    agents, dice = Agents(front, bridge, conversations_of(front, 4)), random.Random(3)
    died_at = []
    for n in range(KILLS):
        point = POINTS[n % len(POINTS)]
        died_at += [point] if ends_by_itself(bridge, point, dice.uniform(0.1, 0.7)) else []
        bridge.kill()
        time.sleep(dice.uniform(0, 0.3))
        following = POINTS[(n + 1) % len(POINTS)] if n + 1 < KILLS else None
        bridge.start(wait=False, env={"FRONT_BRIDGE_POINT": f"{following}=kill"} if following else None)
        wait_for_ports(bridge)
    agents.end()
    bridge.kill()
    looks = len(bridge.lines("caught_up"))
    bridge.start()
    # The first look may end what an earlier process began; the next one comes at once, and goes on from there to now.
    wait_for(lambda: [a for a in bridge.lines("caught_up")[looks:] if a["window"] == "new"], 30, "the look after the last start")
    wait_for(lambda: not waiting(bridge), 30, "every event is acted on")
    wait_for(lambda: not [m for m in bridge.messages("?limit=1000") if m["state"] in ("queued", "sending")], 30, "every message")
    with backend.lock:
        deliveries, keys = list(backend.deliveries), list(backend.keys)
    told = keys_by(deliveries, keys, lambda d: (d["type"], d["front"]["message_id" if d["type"] == "message" else "event_id"]))
    assert all(len(k) == 1 for k in told.values()), "what comes again comes under its key"
    assert len({k for of_one in told.values() for k in of_one}) == len(told), "no two share a key"
    delivered, notices = ({name for kind, name in told if kind == wanted} for wanted in ("message", "sending_error"))
    # What had failed at Front before the bridge could deliver it is neither delivered nor told of: the agent has seen it.
    unsent = set(agents.texts) - delivered
    assert unsent <= set(agents.failed.values()), [agents.texts[m] for m in unsent - set(agents.failed.values())]
    assert delivered <= set(agents.texts)
    expected = {event for event, message in agents.failed.items() if message in delivered}
    assert notices <= set(agents.failed)
    cancelled = ("what was open of its message is taken back", "the bridge refused its message itself")  # the second after a kill
    missing = expected - notices - {e["id"] for e in bridge.lines("event", type="sending_error") if e["result"] in cancelled}
    assert not missing, [e for e in bridge.lines("event", type="sending_error") if e["id"] in missing]
    assert len(delivered) > 20 and notices
    assert set(died_at) == set(filter(None, POINTS)), "every point was met"
    print(f"{len(told)} told of {len(agents.texts)} and {len(agents.failed)}, {len(keys) - len(told)} came again")
    assert backend.bad_signatures == 0
