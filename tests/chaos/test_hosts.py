"""Channel hosts that die, and adapters that break their promises: they cost their own channel, and no message."""
import os
import random
import signal
import time

import pytest
from backend import SECRET
from bridge import BINARY, message
from load import Causes, Load, check_books
from wait import until

ADAPTERS = BINARY.parent / "tests" / "channels"
QUIET = {"ASAN_OPTIONS": "handle_segv=0:handle_abort=0"}  # a host that is told to crash does so without a report

if not ADAPTERS.is_dir():
    pytest.skip("the tests' adapters are not built", allow_module_level=True)


def broken(name):
    return {
        "account": "main",
        "front_channel": "cha_" + name.replace("_", ""),
        "adapter": str(ADAPTERS / f"{name}.so"),
        "answer": {"wait": "500ms"},
    }


def http(backend):
    return {
        "account": "main",
        "front_channel": "cha_1",
        "adapter": "http",
        "settings": {"url": backend.url, "secret": SECRET},
    }


def channel_of(bridge):
    return bridge.admin("GET", "/api/v1/channels").json["channels"][0]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP])
def test_hosts_that_end_under_load(make_fast, backend, front, how):
    bridge = make_fast(env=QUIET)
    loads = [Load(bridge, f"load{k}") for k in range(3)]
    dice, causes = random.Random(7), Causes()
    for _ in range(1 if how == signal.SIGSTOP else 7):  # each costs a longer back-off
        until(lambda: channel_of(bridge)["status"] == "up", 90)
        time.sleep(dice.uniform(0.05, 0.5))
        pid = channel_of(bridge)["pid"]
        with causes:
            os.kill(pid, how)
            until(lambda: channel_of(bridge)["pid"] not in (0, pid), 90)
    until(lambda: channel_of(bridge)["status"] == "up", 90)
    time.sleep(0.5)
    for load in loads:
        load.end()
    check_books(loads, bridge, backend, front, causes)
    assert bridge.process.poll() is None


def test_a_poison_message_dies_alone(make_fast):
    """Whoever was in flight beside it is sent again; the poison ends its host three times and is dead."""
    bridge = make_fast(adapter=str(ADAPTERS / "probe.so"), settings={}, when_unsure="resend")
    poison = message("crash")
    neighbours = [message("timer") for _ in range(20)]
    for content in neighbours[:10] + [poison] + neighbours[10:]:
        assert bridge.callback(content).status == 200
    bridge.wait_state(poison["id"], "dead", 60)
    for content in neighbours:
        bridge.wait_state(content["id"], "delivered", 60)
    (dead,) = bridge.admin("GET", "/api/v1/dead").json["messages"]
    assert "three times" in dead["reason"]
    assert all(m["state"] == "delivered" for m in bridge.messages() if m["source_id"] != poison["id"])


def test_two_poison_messages_die_each_for_itself(make_fast):
    bridge = make_fast(adapter=str(ADAPTERS / "probe.so"), settings={}, when_unsure="resend")
    poisons = [message("crash") for _ in range(2)]
    healthy = [message("timer") for _ in range(5)]
    for content in poisons + healthy:
        assert bridge.callback(content).status == 200
    for content in poisons:
        bridge.wait_state(content["id"], "dead", 90)
    for content in healthy:
        bridge.wait_state(content["id"], "delivered", 60)


DELIVERING = [  # what goes wrong when a message is delivered
    "completes_late",
    "completes_twice",
    "deliver_crashes",
    "deliver_exits",
    "deliver_hangs",
    "flood_log",
    "floods_raw",
    "leaks_descriptors",
    "lies_length",
    "lies_outcome",
    "lies_token",
    "lies_twice",
    "lies_type",
    "mumbles",
    "never_completes",
    "other_thread",
    "smuggles_descriptor",
    "timer_hangs",
]


def test_adapters_that_break_their_promises_cost_only_their_own_channel(make_bridge, backend, front):
    names = [n for n in DELIVERING if (ADAPTERS / f"{n}.so").exists()]
    assert len(names) > 10
    channels = {"support": http(backend)}
    for name in names:
        channels[name.replace("_", "-")] = broken(name)
    bridge = make_bridge(backend=backend, front=front, channels=channels, env=QUIET)
    for round in range(2):
        for name in channels:
            if name != "support":
                answer = bridge.callback(message(), channel=name)
                assert answer.status in (200, 400, 408, 429, 500), (name, answer)
                assert answer.seconds < 3, (name, answer)
        for n in range(20):
            answer = bridge.callback(message(f"m{round}.{n}"))
            assert answer.json["type"] == "success" and answer.seconds < 3, answer
    backend.wait(40)
    assert bridge.metric("front_bridge_channel_up", channel="support") == 1


def test_a_flooding_adapter_does_not_starve_the_others(make_bridge, backend, front):
    if not (ADAPTERS / "flood_receive.so").exists():
        pytest.skip("no flooding adapter")
    channels = {"support": http(backend), "flood": broken("flood_receive")}
    bridge = make_bridge(backend=backend, front=front, channels=channels, top={"limits": {"channel_quota": "1MiB"}})
    bridge.callback(message(), channel="flood")
    for n in range(50):
        answer = bridge.callback(message(f"m{n}"))
        assert answer.json["type"] == "success" and answer.seconds < 3
    backend.wait(50)
    hooked = bridge.hook({"sender": {"handle": "ada"}, "text": "hello"})
    assert hooked.status == 202
