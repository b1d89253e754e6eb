"""A poison message, a clock that jumps, ten thousand idle connections, too few descriptors."""
import os
import resource
import socket
import time

import pytest
from bridge import message
from wait import until


def test_the_clock_jumps_back(make_bridge, backend, front, tmp_path):
    """libfaketime reads the offset from a file, so that a running process sees the jump."""
    library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
    if not os.path.exists(library):
        pytest.skip("libfaketime is not installed")
    offset = tmp_path / "offset"
    offset.write_text("+0")
    bridge = make_bridge(
        backend=backend,
        front=front,
        answer={"wait": "0"},
        retry={"first": "200ms", "factor": 1, "max": "200ms", "give_up": "1h"},
        env={
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "ASAN_OPTIONS": "verify_asan_link_order=0",
        },
    )
    backend.answer = lambda d: (503, {})
    bridge.callback(message("one"))
    backend.wait(1)
    offset.write_text("-3600")
    backend.answer = lambda d: (200, {})
    bridge.callback(message("two"))
    until(lambda: "two" in backend.texts(), 5, "new messages pass")
    until(lambda: backend.texts().count("one") >= 2, 10, "the old one does not wait an hour")


def test_ten_thousand_idle_connections(make_bridge, backend, front):
    wanted = 10000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted + 1000:
        pytest.skip("the descriptor limit of this machine is too low")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bridge = make_bridge(backend=backend, front=front, top={"limits": {"connections": 12000}})
    idle = []
    try:
        for n in range(wanted):
            s = socket.socket()
            s.bind((f"127.0.0.{1 + n // 5000}", 0))
            s.connect(("127.0.0.1", bridge.port))
            idle.append(s)
        until(lambda: bridge.metric("front_bridge_connections") >= wanted, 20)
        answer = bridge.callback(message())
        assert answer.status == 200 and answer.seconds < 3
    finally:
        for s in idle:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_few_descriptors_pause_accepting_and_nothing_else(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front)
    used = len(os.listdir(f"/proc/{bridge.process.pid}/fd"))
    resource.prlimit(bridge.process.pid, resource.RLIMIT_NOFILE, (used + 20, used + 20))
    idle = [socket.create_connection(("127.0.0.1", bridge.port)) for _ in range(60)]
    time.sleep(0.5)
    busy = sum(map(float, open(f"/proc/{bridge.process.pid}/stat").read().split()[13:15]))
    time.sleep(1)
    spent = sum(map(float, open(f"/proc/{bridge.process.pid}/stat").read().split()[13:15])) - busy
    assert spent < 50, "it does not spin"
    for s in idle:
        s.close()
    until(lambda: bridge.callback(message()).status == 200, 10)


def test_wrong_adapters_cost_only_their_own_channel(make_bridge, backend, front):
    from bridge import BINARY

    broken = BINARY.parent / "tests" / "broken"
    if not broken.is_dir():
        pytest.skip("the broken adapters are not built")
    from backend import SECRET

    good = {"account": "main", "front_channel": "cha_1", "adapter": "http", "settings": {"url": backend.url, "secret": SECRET}}
    channels = {"support": good}
    for name in ("crash_in_deliver", "hang_in_deliver", "never_completes", "completes_twice"):
        if (broken / f"{name}.so").exists():
            channels[name.replace("_", "-")] = {**good, "adapter": str(broken / f"{name}.so"), "settings": {}, "answer": {"wait": "500ms"}}
    bridge = make_bridge(backend=backend, front=front, channels=channels)
    for name in channels:
        if name != "support":
            bridge.callback(message(), channel=name)
    for n in range(20):
        answer = bridge.callback(message(f"m{n}"))
        assert answer.json["type"] == "success" and answer.seconds < 2
    backend.wait(20)


def test_a_poison_message_dies_alone(make_bridge, backend, front):
    """An exec program that ends whenever it is handed the poison: the neighbours all arrive, the poison becomes a dead letter."""
    code = (
        "import sys,json,urllib.request\n"
        "for line in sys.stdin:\n"
        "    d=json.loads(line)\n"
        "    if d.get('text')=='poison':\n"
        "        import os,signal; os.kill(os.getppid(), signal.SIGSEGV); os._exit(1)\n"
        "    if 'token' in d:\n"
        "        sys.stdout.write(json.dumps({'token':d['token'],'outcome':'delivered'})+'\\n'); sys.stdout.flush()\n"
    )
    channels = {
        "support": {
            "account": "main",
            "front_channel": "cha_1",
            "adapter": "exec",
            "answer": {"wait": "0"},
            "when_unsure": "resend",
            "settings": {"command": ["/usr/bin/python3", "-c", code]},
        }
    }
    bridge = make_bridge(backend=backend, front=front, channels=channels)
    poison = message("poison")
    neighbours = [message(f"m{n}") for n in range(10)]
    for content in neighbours[:5] + [poison] + neighbours[5:]:
        assert bridge.callback(content).status == 200
    bridge.wait_state(poison["id"], "dead", 60)
    for content in neighbours:
        bridge.wait_state(content["id"], "delivered", 60)
