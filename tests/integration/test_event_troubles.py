"""Events in trouble: sent once more, unanswerable for Front, deadly for the bridge, early, too large, under another clock."""
import glob
import json
import sqlite3

import pytest

from backend import SECRET
from bridge import BINARY
from frontsim import wait_for
from test_events import COMPANY, events_of, front, preview, rule, start, talk, write_silently  # noqa: F401

MINUTE = 60


@pytest.fixture
def clock(tmp_path):
    """clock(seconds) sets the wall clock of bridges that are started with clock.env; the monotonic one goes on."""
    library = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)
    if not library:
        pytest.skip("libfaketime is not installed")
    offset = tmp_path / "offset"

    def set(seconds):
        offset.write_text(f"{seconds:+d}")
    set(0)
    set.env = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1",
               "FAKETIME_DONT_FAKE_MONOTONIC": "1", "ASAN_OPTIONS": "verify_asan_link_order=0"}
    return set


def waiting(bridge, result):
    """The events that wait, with this as the reason."""
    answer = bridge.admin("GET", "/api/v1/events?state=waiting").json
    return [e for e in answer["events"] if result in (e.get("result") or "")]


# ---- sent once more ----------------------------------------------------------------------------------------------------

def failed_before(event, number):
    """The event of the same message sent once more, after a failure that the message still shows."""
    again = json.loads(json.dumps(event).replace(event["id"], f"evt_zz{number}"))
    again["emitted_at"] += number / 1000
    again["target"]["data"]["error_type"] = "internal_error"
    return again


def test_an_agents_resend_is_delivered_though_the_message_shows_the_first_failure(front, start, backend):
    """Our 500 was the failure: nothing of the first time is stored."""
    bridge = start(source="events")
    event = failed_before(write_silently(front, talk(front), "Once more"), 1)
    assert rule(bridge, event).status == 200  # told of it from elsewhere: Front's failure is believed
    wait_for(lambda: [e for e in events_of(bridge, state="ignored") if "Front says that sending it failed" in e["result"]])
    assert bridge.callback(event).status == 200  # sent by it, at the channel's own URL
    assert [d["text"] for d in backend.wait(1)] == ["Once more"]
    assert bridge.callback(failed_before(event, 2)).status == 200  # what was delivered is not repeated
    wait_for(lambda: events_of(bridge, result="its message is known already"))
    backend.stays(1)


def test_a_resend_that_only_a_webhook_tells_of_is_delivered_once_the_failure_was_told(front, start, backend):
    bridge = start(source="events")
    event = write_silently(front, talk(front), "Once more")
    front.happen("sending_error", message=event["target"]["data"]["id"], send=False)
    failure = front.events()[-1]
    again = failed_before(event, 1)
    again["emitted_at"] = round(failure["emitted_at"] + 0.001, 3)
    assert rule(bridge, preview(failure)).status == 200
    wait_for(lambda: events_of(bridge, type="sending_error"))
    assert rule(bridge, event).status == 200  # of the first time: the agent has seen that it failed
    wait_for(lambda: [e for e in events_of(bridge, state="ignored", id=event["id"]) if "sending it failed" in e["result"]])
    backend.stays(0)
    for _ in range(2):
        assert rule(bridge, again).status == 200
    [delivery] = backend.wait(1)
    assert delivery["text"] == "Once more" and delivery["front"]["event_id"] == again["id"]
    failure["id"], failure["emitted_at"] = "evt_zzz2", round(again["emitted_at"] + 0.001, 3)
    failure["_links"]["self"] = failure["_links"]["self"].rsplit("/", 1)[0] + "/evt_zzz2"
    assert rule(bridge, failure).status == 200  # it had arrived: the adapter hears of it
    assert backend.wait(2)[1]["type"] == "sending_error"


def test_what_the_backend_refused_may_be_sent_once_more(front, start, backend):
    bridge = start(source="events", late_failure="none")
    event = write_silently(front, talk(front), "No")
    backend.answer = lambda d: (400, {"message": "Not like this."})
    assert bridge.callback(event).status == 200
    bridge.wait_state(event["target"]["data"]["id"], "dead")
    backend.answer = lambda d: (200, {})
    assert rule(bridge, event).status == 200  # the same sending, told again
    wait_for(lambda: events_of(bridge, result="its message is known already"))
    again = failed_before(event, 5000)
    del again["target"]["data"]["error_type"]
    again["target"]["data"]["text"] = again["target"]["data"]["body"] = "Yes"
    wait_for(lambda: rule(bridge, again).status == 200)
    assert [d["text"] for d in backend.wait(2)] == ["No", "Yes"]


# ---- Front cannot answer --------------------------------------------------------------------------------------------------

def test_a_message_that_front_cannot_show_holds_up_its_conversation_for_ten_minutes_alone(front, start, backend, clock):
    bridge = start(source="events", env=clock.env, too_old="24h")
    conversation = talk(front)
    broken, next = (write_silently(front, conversation, text) for text in ("broken", "next"))
    front.fault(call="message", status=500, next=-1)
    assert bridge.callback(preview(broken)).status == 200
    assert bridge.callback(next).status == 200  # as a whole: nothing is asked about it
    wait_for(lambda: waiting(bridge, "Front was asked about it"))
    backend.stays(0)
    clock(11 * MINUTE)
    assert [d["text"] for d in backend.wait(1, 20)] == ["next"]
    front.clear_faults()  # it is tried again all the same
    clock(17 * MINUTE)
    assert [d["text"] for d in backend.wait(2, 20)] == ["next", "broken"]


def test_while_front_answers_nothing_the_order_is_kept(front, start, backend, clock):
    bridge = start(source="events", env=clock.env, too_old="24h")
    conversation = talk(front)
    events = [write_silently(front, conversation, text) for text in ("one", "two")]
    front.fault(status=500, next=-1)
    for event in events:
        assert bridge.callback(preview(event)).status == 200
    wait_for(lambda: waiting(bridge, "Front was asked about it"))
    clock(11 * MINUTE)
    tried = len(front.calls("channel"))
    wait_for(lambda: len(front.calls("channel")) > tried, 20)  # is it Front, or the message?
    front.clear_faults()
    clock(17 * MINUTE)
    assert [d["text"] for d in backend.wait(2, 20)] == ["one", "two"]


def test_an_event_that_front_cannot_show_is_told_with_its_own_data(front, start, backend, clock):
    bridge = start(events=["archive"], env=clock.env)
    front.happen("archive", conversation=talk(front))
    event = [e for e in front.events() if e["type"] == "archive"][-1]
    front.fault(call="event", status=502, next=-1)
    assert bridge.callback(preview(event)).status == 200
    wait_for(lambda: waiting(bridge, "Front was asked about it"))
    clock(11 * MINUTE)
    wait_for(lambda: [r for r in backend.wait(1, 20) if r["type"] == "archive"], 20)


# ---- what kills the bridge -------------------------------------------------------------------------------------------------

def test_an_event_that_kills_the_bridge_is_set_aside_after_three_starts(front, start, backend):
    bridge = start(source="events")
    conversation = talk(front)
    deadly, next = (write_silently(front, conversation, text) for text in ("deadly", "next"))
    bridge.restart(env={"FRONT_BRIDGE_POINT": "at_event=kill"})
    try:
        bridge.callback(preview(deadly))
    except OSError:
        pass  # it died while it answered
    for _ in range(2):
        bridge.process.wait(20)
        bridge.start(env={"FRONT_BRIDGE_POINT": "at_event=kill"}, wait=False)
    bridge.process.wait(20)
    bridge.start()
    [line] = bridge.lines("event_set_aside")
    assert "three times" in line["reason"] and line["id"] == deadly["id"] and line["type"] == "out_reply"
    assert line["cure"] == f"front-bridge events replay {deadly['id']}"
    assert bridge.metric("front_bridge_events_total", state="failed", type="out_reply") == 1
    assert bridge.callback(preview(next)).status == 200
    assert [d["text"] for d in backend.wait(1)] == ["next"]
    [failed] = bridge.admin("GET", "/api/v1/events?state=failed").json["events"]
    assert failed["id"] == deadly["id"] and failed["result"].startswith("set aside")
    assert line["cure"] in failed["result"]
    bridge.run_cli(*line["cure"].split()[1:], check=0)
    assert [d["text"] for d in backend.wait(2)] == ["next", "deadly"]


def test_what_a_stop_interrupts_is_given_back(front, start, backend):
    bridge = start(source="events")
    event = write_silently(front, talk(front), "later")
    front.fault(call="message", hang=True, next=-1)
    assert bridge.callback(preview(event)).status == 200
    wait_for(lambda: front.calls("message"))
    for _ in range(4):  # a stop is no death
        assert bridge.stop() == 0
        with sqlite3.connect(bridge.store / "front-bridge.db") as db:
            assert db.execute("SELECT state, out, crash_n FROM event").fetchall() == [(0, 0, 0)]
        db.close()
        calls = len(front.calls("message"))
        bridge.start()
        wait_for(lambda: len(front.calls("message")) > calls)
    front.clear_faults()
    bridge.restart()
    assert [d["text"] for d in backend.wait(1, 20)] == ["later"]


# ---- not yet known ---------------------------------------------------------------------------------------------------------

def test_an_adapter_that_never_comes_up_delays_no_event_of_other_channels(front, make_bridge, backend):
    front.add_channel(id="cha_2", address="other-line", inbox="inb_2", secret=COMPANY)
    never = BINARY.parent / "tests" / "channels" / "open_exits.so"
    if not never.exists():
        pytest.skip("the broken adapters are not built")
    http = {"url": backend.url, "secret": SECRET}
    channels = {
        "up": {"account": "main", "front_channel": "cha_1", "adapter": "http", "source": "events", "settings": http},
        "down": {"account": "main", "front_channel": "cha_2", "adapter": str(never)},
    }
    bridge = make_bridge(backend=backend, front=front, account={"token": front.token}, channels=channels, wait=False)
    bridge.wait_ports()
    wait_for(lambda: [c for c in bridge.admin("GET", "/api/v1/channels").json["channels"] if c["name"] == "up" and c["status"] == "up"])
    conversation = talk(front)
    front.happen("archive", conversation=conversation)
    assert rule(bridge, [e for e in front.events() if e["type"] == "archive"][-1]).status == 200
    assert rule(bridge, write_silently(front, conversation, "behind it")).status == 200
    assert [d["text"] for d in backend.wait(1)] == ["behind it"]
    other = front.api("POST", "/channels/cha_2/incoming_messages", {"sender": {"handle": "bob"}, "body": "Hello"}).json["message_uid"]
    theirs = wait_for(lambda: (lambda a: a.json if a.status == 200 else None)(front.api("GET", f"/messages/alt:uid:{other}")))
    front.happen("archive", conversation=theirs["_links"]["related"]["conversation"].rsplit("/", 1)[1])
    assert rule(bridge, [e for e in front.events() if e["type"] == "archive"][-1]).status == 200
    wait_for(lambda: waiting(bridge, "an adapter was not up yet"))  # this one may be wanted


# ---- other limits ----------------------------------------------------------------------------------------------------------

def test_a_clock_that_is_set_back_does_not_hold_up_what_waits(front, start, backend, clock):
    bridge = start(source="events", env=clock.env, too_old="24h")
    event = write_silently(front, talk(front), "later")
    front.fault(call="message", status=404, next=-1)
    assert bridge.callback(preview(event)).status == 200
    wait_for(lambda: waiting(bridge, "Front does not know it"))
    clock(-2 * 60 * MINUTE)
    front.clear_faults()
    assert [d["text"] for d in backend.wait(1, 20)] == ["later"]


def test_a_message_that_is_too_large_to_be_stored_is_refused_and_not_cut_off(front, start, backend):
    bridge = start(source="events", top={"limits": {"callback_body": "40MiB"}})
    event = write_silently(front, talk(front), "small")
    event["target"]["data"]["text"] = event["target"]["data"]["body"] = "x" * (7 << 20)
    answer = bridge.callback(event["target"]["data"])
    assert answer.status == 400 and "too large" in answer.json["message"]
    assert bridge.callback(event).status == 200
    wait_for(lambda: events_of(bridge, state="failed", result="its message is too large to be stored"))
    backend.stays(0)
