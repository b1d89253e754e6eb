"""The agent heard success, and the message failed for good: they are told, once, and not five hundred times."""
import json
import threading
import time

import backend as backend_module
from bridge import message
from wait import until

SHORT = {"first": "100ms", "factor": 1, "max": "100ms", "give_up": "500ms"}


def calls(front, method, part):
    with front.lock:
        return [c for c in front.calls if c[0] == method and part in c[1]]


def serve_calls(front):
    """Comments, status and conversations as Front answers them."""
    original = front.accept

    def accept(method, path, content):
        if path.endswith("/comments"):
            return 201, {"content-type": "application/json"}, b'{"id":"com_1"}'
        if method in ("PATCH", "PUT"):
            return 204, {}, b""
        return original(method, path, content)

    front.accept = accept


def test_the_comment_is_in_the_companys_own_words(make_bridge, backend, front):
    serve_calls(front)
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"}, retry=SHORT,
                         late_failure_text="{recipient} hat nichts bekommen ({reason}) {odd}")
    backend.answer = lambda d: (422, {"message": "No such {recipient}."})
    bridge.callback(message(to="ada", conversation="cnv_late"))
    until(lambda: calls(front, "POST", "/conversations/cnv_late/comments"))
    (comment,) = calls(front, "POST", "/conversations/cnv_late/comments")
    assert comment[3]["body"] == "ada hat nichts bekommen (No such {recipient}.) {odd}"


def test_a_custom_channel_gets_a_comment_and_is_reopened(make_bridge, backend, front):
    serve_calls(front)
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"}, retry=SHORT)
    backend.answer = lambda d: (503, {})
    sent = message(to="ada", conversation="cnv_late")
    assert bridge.callback(sent).json["type"] == "success"
    bridge.wait_state(sent["id"], "dead")
    until(lambda: calls(front, "POST", "/conversations/cnv_late/comments"))
    (comment,) = calls(front, "POST", "/conversations/cnv_late/comments")
    assert "ada" in comment[3]["body"] and "503" in comment[3]["body"]
    assert calls(front, "PATCH", "/conversations/cnv_late")[0][3] == {"status": "open"}
    time.sleep(1.5)
    assert len(calls(front, "POST", "/comments")) == 1, "once"


def test_a_merged_conversation_is_learnt_from_a_redirect(make_bridge, backend, front):
    serve_calls(front)
    front.moved["cnv_late"] = "cnv_left"
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"}, retry=SHORT)
    backend.answer = lambda d: (422, {"message": "No."})
    bridge.callback(message(to="ada", conversation="cnv_late"))
    until(lambda: calls(front, "POST", "/conversations/cnv_left/comments"))
    assert len(calls(front, "PATCH", "/conversations/cnv_left")) == 1
    until(lambda: bridge.lines("conversation_moved"))
    bridge.kill()
    bridge.start()
    asked = len(calls(front, "POST", "/conversations/cnv_late")) + len(calls(front, "PATCH", "/conversations/cnv_late"))
    bridge.callback(message(to="ada", conversation="cnv_late"))
    until(lambda: len(calls(front, "POST", "/conversations/cnv_left/comments")) == 2)
    assert len(calls(front, "PATCH", "/conversations/cnv_left")) == 2
    assert asked == len(calls(front, "POST", "/conversations/cnv_late")) + len(calls(front, "PATCH", "/conversations/cnv_late"))


def fail_in_a_closed_conversation(make_bridge, backend, front, status):
    """A late failure in cnv_shut; status is Front's answer to whoever reopens that."""
    serve_calls(front)
    accept = front.accept
    front.accept = lambda method, path, content: (status, {}, b"") if method == "PATCH" else accept(method, path, content)
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"}, retry=SHORT)
    backend.answer = lambda d: (422, {"message": "No."})
    bridge.callback(message(conversation="cnv_shut"))
    return bridge


def test_a_conversation_that_cannot_be_reopened_yet_gets_no_comment_for_each_try(make_bridge, backend, front):
    """The report is told from its beginning until Front has taken all of it: what must not be repeated comes last."""
    bridge = fail_in_a_closed_conversation(make_bridge, backend, front, 503)
    until(lambda: calls(front, "PATCH", "/conversations/cnv_shut"))
    bridge.restart()
    assert not calls(front, "POST", "/comments")


def test_a_conversation_that_front_does_not_reopen_gets_its_comment_all_the_same(make_bridge, backend, front):
    bridge = fail_in_a_closed_conversation(make_bridge, backend, front, 403)
    until(lambda: calls(front, "POST", "/conversations/cnv_shut/comments"))
    assert "403" in bridge.lines("not_reopened")[0]["reason"]


def test_a_failure_that_can_be_told_nowhere_is_in_the_log(make_bridge, backend, front):
    serve_calls(front)
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"}, retry=SHORT)
    backend.answer = lambda d: (422, {"message": "No."})
    sent = message()
    del sent["_links"]["related"]["conversation"]
    bridge.callback(sent)
    (line,) = until(lambda: bridge.lines("failure_not_told"))
    assert line["source_id"] == sent["id"] and "not known in Front" in line["reason"]


def test_a_refusal_after_success_is_told(make_bridge, backend, front):
    serve_calls(front)
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "500ms"})
    backend.gate.clear()
    backend.answer = lambda d: (400, {"message": "Ada has left."})
    assert bridge.callback(message(conversation="cnv_r")).json["type"] == "success"
    backend.gate.set()
    until(lambda: calls(front, "POST", "/conversations/cnv_r/comments"))
    assert calls(front, "PATCH", "/conversations/cnv_r")
    assert "Ada has left." in calls(front, "POST", "/comments")[0][3]["body"]


def test_a_refusal_in_the_answer_is_not_told_again(make_bridge, backend, front):
    serve_calls(front)
    bridge = make_bridge(backend=backend, front=front)
    backend.answer = lambda d: (400, {"message": "No."})
    assert bridge.callback(message()).status == 400
    time.sleep(2)
    assert not calls(front, "POST", "/comments")


def test_an_application_channel_gets_a_status(make_bridge, backend, front):
    serve_calls(front)
    channels = {
        "app": {
            "account": "main",
            "kind": "application",
            "front_channel": "cha_app",
            "adapter": "http",
            "answer": {"wait": "0"},
            "retry": SHORT,
            "settings": {"url": backend.url, "secret": backend_module.SECRET},
        }
    }
    bridge = make_bridge(backend=backend, front=front, channels=channels)
    backend.answer = lambda d: (503, {})
    envelope = {"type": "message", "payload": message(), "metadata": {"external_conversation_ids": ["room/1"]}}
    answer = bridge.app_callback(envelope).json
    until(lambda: calls(front, "PUT", "/status"))
    (_, path, _, body) = calls(front, "PUT", "/status")[0]
    assert path == f"/channels/cha_app/conversations/room%2F1/messages/{answer['external_id']}/status"
    assert body["status"] == "failed" and "503" in body["reason"]


def test_front_is_away_and_the_report_waits(make_bridge, backend, front):
    serve_calls(front)
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"}, retry=SHORT)
    backend.answer = lambda d: (503, {})
    front.script = [(503, {}, b"")]
    original, front.accept = front.accept, lambda *a: (503, {}, b"")
    sent = message(conversation="cnv_w")
    bridge.callback(sent)
    bridge.wait_state(sent["id"], "dead")
    until(lambda: calls(front, "PATCH", "/conversations/cnv_w"))
    bridge.kill()
    front.accept = original
    bridge.start()
    until(lambda: calls(front, "POST", "/conversations/cnv_w/comments"), 45)


def test_a_backend_that_is_down_is_one_alert(make_bridge, backend, front):
    serve_calls(front)
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"}, retry=SHORT)
    backend.answer = lambda d: (503, {"message": "down"})
    threads = [threading.Thread(target=bridge.callback, args=(message(),)) for _ in range(40)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    until(lambda: bridge.metric("front_bridge_queue_depth", direction="out", state="dead") == 40, 20)
    until(lambda: bridge.lines("many_failures"))
    time.sleep(3)
    assert len(calls(front, "POST", "/comments")) <= 5
    assert bridge.metric("front_bridge_alerts_total") == 1


def test_none_tells_nobody(make_bridge, backend, front):
    serve_calls(front)
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"}, retry=SHORT, late_failure="none")
    backend.answer = lambda d: (503, {})
    sent = message()
    bridge.callback(sent)
    bridge.wait_state(sent["id"], "dead")
    time.sleep(2)
    assert not [c for c in front.calls if c[0] in ("POST", "PUT", "PATCH")]
    assert json.dumps(front.posted()) == "[]"
