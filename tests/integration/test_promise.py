"""The answer to the agent comes within `wait` + 0.5 s, whatever the others do."""
import threading
import time

import pytest
from bridge import message
from wait import until


@pytest.mark.parametrize("policy, kind", [("accept", "success"), ("error", "request_timeout")])
def test_a_backend_that_hangs(make_bridge, backend, front, policy, kind):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "1s", "on_timeout": policy})
    backend.gate.clear()
    sent = message()
    answer = bridge.callback(sent)
    assert 0.9 <= answer.seconds <= 1.5, answer
    assert answer.json["type"] == kind
    if policy == "error":
        assert answer.status == 408 and bridge.state_of(sent["id"]) == "cancelled"
        [line] = until(lambda: bridge.lines("cancelled"))
        assert line["source_id"] == sent["id"] and line["reason"] == "not delivered in time"
    else:
        assert bridge.state_of(sent["id"]) == "sending"
    backend.gate.set()


def test_error_means_that_no_attempt_starts_any_more(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "300ms", "on_timeout": "error"}, retry={"first": "500ms"})
    backend.answer = lambda d: (503, {})
    sent = message()
    assert bridge.callback(sent).json["type"] == "request_timeout"
    backend.stays(1, 1.5)
    backend.answer = lambda d: (200, {})
    assert bridge.callback(sent).json["type"] == "success", "the agent's resend is a new attempt"
    backend.stays(2)


def test_behind_another_with_error_is_answered_and_cancelled_at_once(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "3s", "on_timeout": "error"})
    backend.gate.clear()
    first = threading.Thread(target=bridge.callback, args=(message("one", conversation="cnv_a"),))
    first.start()
    backend.wait(1)
    second = message("two", conversation="cnv_a")
    answer = bridge.callback(second)
    assert answer.json["type"] == "request_timeout" and answer.seconds < 1
    backend.gate.set()
    first.join()
    backend.stays(1)


def test_wait_zero_answers_as_soon_as_it_is_durable(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"})
    backend.gate.clear()
    answer = bridge.callback(message())
    assert answer.json["type"] == "success" and answer.seconds < 0.5
    backend.gate.set()


@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
def test_a_disk_that_stalls(make_bridge, backend, front, point):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "1s"})
    bridge.stop()
    bridge.start(env={"FRONT_BRIDGE_POINT": f"{point}=sleep:2500"})
    sent = message()
    answer = bridge.callback(sent)
    assert 0.9 <= answer.seconds <= 1.5, answer
    assert answer.json["type"] == "internal_error" and answer.status == 500
    backend.stays(0, 3), "an error was answered: nothing may be sent"
    assert bridge.state_of(sent["id"]) in (None, "cancelled")


def test_the_time_counts_from_the_first_byte(make_bridge, backend, front):
    import json
    import socket

    import signing
    from bridge import SECRET

    bridge = make_bridge(backend=backend, front=front, answer={"wait": "1500ms"})
    backend.gate.clear()
    body = json.dumps(message()).encode()
    head = (
        f"POST /front/support HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Front-Signature: {signing.sha1(body, SECRET)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", bridge.port)) as s:
        start = time.monotonic()
        s.sendall(head)
        time.sleep(1.0)
        s.sendall(body)
        answer = s.recv(65536)
        took = time.monotonic() - start
    assert b"200 OK" in answer and 1.4 <= took <= 2.0, (took, answer)
    backend.gate.set()


def test_an_adapter_that_dies_while_the_agent_waits(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "4s"})
    backend.gate.clear()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(bridge.callback(message())))
    thread.start()
    backend.wait(1)
    import os
    import signal

    pid = bridge.admin("GET", "/api/v1/channels").json["channels"][0]["pid"]
    os.kill(pid, signal.SIGKILL)
    backend.gate.set()
    thread.join()
    assert answers[0].json["type"] == "success" and answers[0].seconds < 4.5
    assert len(set(backend.keys)) == 1


def test_more_held_than_allowed_is_answered_by_on_timeout(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "4s"}, top={"limits": {"held": 5}})
    backend.gate.clear()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(bridge.callback(message()))) for _ in range(8)]
    for t in threads:
        t.start()
    until(lambda: len(answers) >= 3, 3)
    assert all(a.json["type"] == "success" for a in answers)
    backend.gate.set()
    for t in threads:
        t.join()
    assert len(answers) == 8 and len(backend.deliveries) == 8
