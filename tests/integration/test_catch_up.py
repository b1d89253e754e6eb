"""Events that nobody heard: found again by GET /events, taken once, and nothing from before the first start."""
import json
import time

import pytest

from frontsim import Receiver, wait_for

COMPANY = "the-company-api-secret"


@pytest.fixture
def front(sim):
    sim.configure(secret=COMPANY, created_delay_ms=0, rate={"limit": 0, "per_resource": 0})
    sim.add_channel(id="cha_1", address="support-line", inbox="inb_1", secret=COMPANY)
    with Receiver() as says_success:
        sim.silent = says_success.url + "/front"
        sim.add_channel(id="cha_1", webhook_url=sim.silent)
        yield sim


@pytest.fixture
def start(make_bridge, backend, front):
    def run(catch_up=None, **changes):
        account = {"token": front.token, "catch_up": {"enabled": True, "every": "1m", **(catch_up or {})}}
        bridge = make_bridge(backend=backend, front=front, account=account, **{"source": "events", **changes})
        wait_for(lambda: bridge.lines("caught_up"), 20)
        return bridge
    return run


def talk(front, handle="ada"):
    answer = front.api("POST", "/channels/cha_1/incoming_messages", {"sender": {"handle": handle}, "body": "Hello"})
    uid = answer.json["message_uid"]
    message = wait_for(lambda: (lambda a: a.json if a.status == 200 else None)(front.api("GET", f"/messages/alt:uid:{uid}")))
    return message["_links"]["related"]["conversation"].rsplit("/", 1)[1]


def looks(bridge):
    return bridge.lines("caught_up")


def again(bridge):
    """Starts the bridge again, and waits for its first look."""
    n = len(looks(bridge))
    bridge.start()
    return wait_for(lambda: looks(bridge)[n:], 20)[0]


def test_what_was_missed_is_delivered_once_and_in_order(front, start, backend):
    conversation = talk(front)
    front.send("cha_1", "before the first start", conversation=conversation)
    bridge = start()
    bridge.stop()
    for i in range(40):  # three pages
        front.send("cha_1", f"n{i}", conversation=conversation)
    look = again(bridge)
    assert look["new"] == 40 and look["took_pages"] >= 3
    assert [d["text"] for d in backend.wait(40, 30)] == [f"n{i}" for i in range(40)]
    bridge.stop()
    look = again(bridge)
    assert look["events"] == 40 and look["new"] == 0
    backend.stays(40)


def test_old_and_imported_messages_are_reported_and_not_sent(front, start, backend):
    conversation = talk(front)
    bridge = start()
    bridge.stop()
    year_ago = int(time.time()) - 365 * 86400
    front.import_old("cha_1", "a year ago", year_ago, conversation=conversation, is_inbound=False)
    front.send("cha_1", "today", conversation=conversation)
    assert again(bridge)["new"] == 2
    assert [d["text"] for d in backend.wait(1)] == ["today"]
    wait_for(lambda: [e for e in bridge.lines("event") if "imported" in e["result"]])
    backend.stays(1)


def test_a_process_that_dies_between_pages_goes_on_there(front, start, backend):
    conversation = talk(front)
    bridge = start()
    bridge.stop()
    for i in range(40):
        front.send("cha_1", f"n{i}", conversation=conversation)
    bridge.start(env={"FRONT_BRIDGE_POINT": "after_page=kill:2"}, wait=False)
    bridge.process.wait(30)
    front.send("cha_1", "while it was dead", conversation=conversation)
    look = again(bridge)
    assert look["window"] == "resumed" and look["took_pages"] < 3  # not from the first page
    wait_for(lambda: [a for a in looks(bridge) if a["window"] == "new"][1:], 20, "what came since is looked for at once")
    assert [d["text"] for d in backend.wait(41, 30)] == [f"n{i}" for i in range(40)] + ["while it was dead"]
    backend.stays(41)


def test_what_was_found_is_let_go_though_catching_up_is_switched_off(front, start, backend):
    conversation = talk(front)
    bridge = start()
    bridge.stop()
    for i in range(20):
        front.send("cha_1", f"n{i}", conversation=conversation)
    bridge.start(env={"FRONT_BRIDGE_POINT": "after_page=kill:1"}, wait=False)
    bridge.process.wait(30)
    bridge.config["accounts"]["main"]["catch_up"]["enabled"] = False
    bridge.write()
    bridge.start()
    assert [d["text"] for d in backend.wait(15, 30)] == [f"n{i}" for i in range(5, 20)]  # the first page is the newest


def test_pages_that_go_round_end_the_look_and_lose_nothing(front, start, backend):
    conversation = talk(front)
    bridge = start()
    bridge.stop()
    for i in range(20):
        front.send("cha_1", f"n{i}", conversation=conversation)
    front.fault(call="events", page_loop=True, next=1000)
    look = again(bridge)
    assert "round" in look["reason"]
    assert len(front.calls("events")) < 10
    front.clear_faults()
    bridge.stop()
    again(bridge)
    assert sorted(d["text"] for d in backend.wait(20, 30)) == sorted(f"n{i}" for i in range(20))
    backend.stays(20)


def test_failures_of_the_window_and_other_peoples_events(front, start, backend):
    conversation = talk(front)
    bridge = start()
    sent = front.send("cha_1", "Hello", conversation=conversation)
    front.add_channel(id="cha_2", address="other", inbox="inb_2", secret=COMPANY, webhook_url=front.silent)
    bridge.stop()
    front.send("cha_2", "not ours", to="bob")
    front.happen("sending_error", message=sent["id"], send=False)
    look = again(bridge)
    assert look["new"] == 2  # the message and its failure; the other inbox is not even asked about
    wait_for(lambda: len(bridge.lines("event")) >= 2)
    assert "not ours" not in backend.texts() and "Hello" not in backend.texts()
    [told] = bridge.lines("event", type="out_reply")
    assert "sending it failed" in told["result"]


def test_a_long_look_leaves_room_for_what_customers_write(front, start):
    """Front says nothing of its limits, so fifty calls a minute are all there is: they are not all the look's."""
    conversation = talk(front)
    bridge = start()
    bridge.stop()
    front.configure(thin_pages=True)  # pages of events that nobody asks for, each of which has to be read
    for _ in range(420):
        front.happen("tag", conversation, tag="vip", send=False)
        front.happen("untag", conversation, tag="vip", send=False)
    before = len(front.calls("events"))
    bridge.start()

    def rests():
        n = len(front.calls("events"))
        time.sleep(0.5)
        return n - before >= 10 and len(front.calls("events")) == n
    wait_for(rests, 20)
    assert bridge.hook({"id": "m-1", "sender": {"handle": "ada"}, "text": "Hello"}).status == 202
    bridge.wait_state("m-1", "accepted")
    assert not [look for look in looks(bridge) if look["took_pages"] > 10]  # it is not over
