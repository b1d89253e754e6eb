"""Texts that are too long for a backend: in parts, in order, each once by its key, and whatever happens in the middle."""
import html
import re

import pytest

import backend as backend_module
from bridge import ROOT, message
from serving import Drop
from wait import until

LIMIT = 200
WORDS = "The cat \U0001f431 sat on the mat, and `code(x)` was written \U0001f468\u200d\U0001f469\u200d\U0001f467 about it by Ren\u00e9e. "
TEXT = "".join(f"{n}: {WORDS}" for n in range(26)).strip()
NUMBER = re.compile(r"\n\((\d+)/(\d+)\)$")


def units(text):
    """Characters as the bridge counts them."""
    return len(text.encode("utf-16-le")) // 2


def joined(deliveries):
    return " ".join(NUMBER.sub("", d["text"]) for d in deliveries)


def settings(backend, **fields):
    return {"url": backend.url + "/deliver", "secret": backend_module.SECRET, "max_text": LIMIT, "format": "plain", **fields}


@pytest.fixture
def make(make_bridge, backend, front):
    def start(form=None, **options):
        return make_bridge(backend=backend, front=front, settings=settings(backend, **(form or {})), **options)

    return start


def whole(deliveries, text=TEXT):
    """They are the parts of one text, and nothing else."""
    n = len(deliveries)
    assert joined(deliveries) == text
    for k, delivery in enumerate(deliveries, 1):
        assert units(delivery["text"]) <= LIMIT
        assert NUMBER.search(delivery["text"]).groups() == (str(k), str(n))
        assert (delivery["part"], delivery["part_n"]) == (k, n)


def test_parts_in_order_are_the_text(make, backend, front):
    bridge = make()
    assert 1900 < len(TEXT) < 2500
    front.files["fil_1"] = ("text/plain", b"content")
    file = {"id": "fil_1", "url": "https://acme.api.frontapp.com/download/fil_1", "filename": "a.txt", "content_type": "text/plain",
            "size": 7, "metadata": {"is_inline": False}}
    earlier = message("earlier", conversation="cnv_1")
    assert bridge.callback(earlier).json["type"] == "success"
    headers = {"headers": {"in_reply_to": "fb-" + earlier["id"]}}
    sent, behind = message(TEXT, subject="S", attachments=[file], metadata=headers, conversation="cnv_1"), message("short", conversation="cnv_1")
    assert bridge.callback(sent).json["type"] == "success"
    assert bridge.callback(behind).json["type"] == "success"
    bridge.wait_state(behind["id"], "delivered")
    first, *parts, last = backend.deliveries
    whole(parts)
    assert len(parts) > 9
    assert last["text"] == "short" and "part" not in last and "-p" not in last["id"]
    own = parts[0]["id"][: -len("-p1")]
    assert backend.keys == [first["id"], *(f"{own}-p{k}" for k in range(1, len(parts) + 1)), last["id"]]
    assert [d["id"] for d in parts] == backend.keys[1:-1]
    assert [d["attempt"] for d in parts] == [1] * len(parts)
    assert [len(d["attachments"]) for d in parts] == [0] * (len(parts) - 1) + [1]
    assert [d["subject"] for d in parts] == ["S"] + [None] * (len(parts) - 1)
    assert [d["in_reply_to"] for d in parts] == ["x-" + first["id"]] + [None] * (len(parts) - 1)
    assert bridge.request("GET", parts[-1]["attachments"][0]["url"].split(f":{bridge.port}")[1]).body == b"content"
    assert bridge.metric("front_bridge_deliveries_total", channel="support", outcome="delivered") == 3, "a message is one delivery"
    assert backend.bad_signatures == 0


def test_files_are_opened_for_the_last_part(make, backend, front):
    """What the disk loses meanwhile is missed only there, and fetched again."""
    bridge = make()
    front.files["fil_1"] = ("text/plain", b"content")
    file = {"id": "fil_1", "url": "https://acme.api.frontapp.com/download/fil_1", "filename": "a.txt", "content_type": "text/plain",
            "size": 7, "metadata": {"is_inline": False}}

    def lose(delivery):
        if delivery["part"] == 2:
            for kept in (bridge.store / "files").iterdir():
                kept.unlink()
        return 200, {}

    backend.answer = lose
    sent = message(TEXT, attachments=[file])
    bridge.callback(sent)
    bridge.wait_state(sent["id"], "delivered")
    whole(backend.deliveries)
    told = [e["part"] if e.get("part") else e["event"] for e in bridge.lines() if e.get("part") or e["event"] == "file_lost"]
    n = len(backend.deliveries)
    assert told[:n] == [*range(1, n), "file_lost"]
    assert bridge.request("GET", backend.deliveries[-1]["attachments"][0]["url"].split(f":{bridge.port}")[1]).body == b"content"


def test_the_answer_waits_for_the_last_part(make, backend):
    bridge = make()
    backend.answer = lambda d: (422, {"message": "No more."}) if d.get("part") == 3 else (200, {})
    sent = message(TEXT)
    answer = bridge.callback(sent)
    n = backend.deliveries[0]["part_n"]
    assert answer.status == 400
    assert answer.json["message"] == f"2 of {n} parts were delivered; No more."
    bridge.wait_state(sent["id"], "rejected")
    backend.stays(3)
    # The agent sends it again: what was delivered is not repeated, and the part that was refused keeps its key.
    backend.answer = lambda d: (200, {})
    other = {"email": "ada@example.com", "first_name": "Ada", "last_name": "L"}
    again = {**sent, "error_type": "bad_request", "version": "v2", "created_at": sent["created_at"] + 60, "author": other}
    assert bridge.callback(again).json["type"] == "success"
    bridge.wait_state(sent["id"], "delivered")
    whole(backend.deliveries[:2] + backend.deliveries[3:])
    assert backend.deliveries[3]["author"]["name"] == "Ada L"
    assert backend.keys[2] == backend.keys[3]


def test_a_late_failure_says_what_arrived_and_many_are_one_cause(make, backend, front):
    """Seven messages fail at different parts by one cause: five are told, each with what arrived of it."""
    original = front.accept

    def accept(method, path, content):
        if path.endswith("/comments"):
            return 201, {"content-type": "application/json"}, b'{"id":"com_1"}'
        return (204, {}, b"") if method == "PATCH" else original(method, path, content)

    front.accept = accept
    bridge = make(answer={"wait": "0"})
    sent = [message(TEXT, conversation=f"cnv_{k}") for k in range(7)]
    last = {m["id"]: k for k, m in enumerate(sent, 2)}  # the part that is refused
    backend.answer = lambda d: (422, {"message": "No more."}) if d["part"] == last[d["front"]["message_id"]] else (200, {})
    for one in sent:
        bridge.callback(one)
    for one in sent:
        bridge.wait_state(one["id"], "dead")
    comments = lambda: [c[3]["body"] for c in front.calls if c[0] == "POST" and c[1].endswith("/comments")]  # noqa: E731
    until(lambda: len(comments()) == 5 and bridge.lines("many_failures"))
    assert bridge.lines("many_failures")[0]["reason"] == "No more."
    assert all(re.search(r"\d of \d+ parts (was|were) delivered; No more\.", body) for body in comments())
    whole_n = {d["part_n"] for d in backend.deliveries}
    assert len(whole_n) == 1


def test_another_text_begins_anew(make, backend):
    bridge = make()
    backend.answer = lambda d: (422, {"message": "No more."}) if d.get("part") == 2 else (200, {})
    sent = message(TEXT)
    assert bridge.callback(sent).status == 400
    backend.answer = lambda d: (200, {})
    edited = TEXT.replace("cat", "dog")
    assert bridge.callback({**sent, "text": edited, "body": None, "error_type": "bad_request"}).json["type"] == "success"
    bridge.wait_state(sent["id"], "delivered")
    whole(backend.deliveries[2:], edited)
    assert all(".2-p" in key for key in backend.keys[2:])


def test_a_retry_in_the_middle_is_the_same_part(make, backend):
    bridge = make()
    failures = {2: [(503, {})] * 2, 4: [Drop]}
    backend.answer = lambda d: failures[d["part"]].pop() if failures.get(d["part"]) else (200, {})
    sent = message(TEXT)
    bridge.callback(sent)
    bridge.wait_state(sent["id"], "delivered")
    by_key = dict(zip(backend.keys, backend.deliveries))
    whole(list(by_key.values()))
    assert len(backend.keys) == len(by_key) + 3
    assert [d["part"] for d in backend.deliveries] == sorted(d["part"] for d in backend.deliveries)
    assert [d["attempt"] for d in backend.deliveries if d["part"] == 2] == [1, 2, 3]
    assert [d["attempt"] for d in backend.deliveries if d["part"] == 3] == [1]


def test_the_limit_changes_between_parts(make, backend):
    """What is under way goes on as it was cut; what no longer fits is refused, and the agent is told."""
    bridge = make(answer={"wait": "0"}, retry={"first": "50ms", "factor": 1, "max": "50ms", "give_up": "1h"})
    for changed, state in ((1000, "delivered"), (50, "dead")):
        backend.deliveries.clear()
        backend.answer = lambda d: (503, {}) if d["part"] == 3 else (200, {})
        sent = message(TEXT)
        bridge.callback(sent)
        until(lambda: any(d["part"] == 3 for d in backend.deliveries))
        bridge.stop()
        backend.answer = lambda d: (200, {})
        bridge.config["channels"]["support"]["settings"]["max_text"] = changed
        bridge.write()
        bridge.start()
        bridge.wait_state(sent["id"], state)
        parts = {d["part"]: d for d in backend.deliveries}
        if state == "delivered":
            whole(list(parts.values()))
        else:
            assert sorted(parts) == [1, 2, 3]
            (entry,) = [m for m in bridge.messages("?limit=1000") if m["source_id"] == sent["id"]]
            n = parts[1]["part_n"]
            assert entry["reason"].startswith(f"2 of {n} parts were delivered; What is left no longer fits")
        bridge.stop()
        bridge.config["channels"]["support"]["settings"]["max_text"] = LIMIT
        bridge.write()
        bridge.start()


def test_receipts_name_any_part(make, backend):
    bridge = make()
    sent = message(TEXT, conversation="cnv_r")
    bridge.callback(sent)
    bridge.wait_state(sent["id"], "delivered")
    parts = list(backend.deliveries)
    shown = bridge.admin("GET", "/api/v1/messages/" + parts[0]["id"][: -len("-p1")]).json
    assert shown["parts"] == {"delivered": len(parts), "of": len(parts)}
    done = bridge.run_cli("queue", "show", shown["id"], check=0)
    assert f"{len(parts)} of {len(parts)} delivered" in done.stdout
    for name in ({"external_id": "x-" + parts[2]["id"]}, {"external_id": "x-" + parts[-1]["id"]}, {"delivery_id": parts[1]["id"]}):
        answer = bridge.hook({"type": "receipt", "status": "delivered", **name})
        assert answer.status == 200, (name, answer)
    assert bridge.hook({"type": "receipt", "status": "delivered", "external_id": "x-nothing"}).status == 404
    timeline = bridge.admin("GET", "/api/v1/messages/" + shown["id"]).json["timeline"]
    assert [a["outcome"] for a in timeline] == ["delivered"] * len(parts) + ["told delivered"]


def test_a_customer_answers_any_part(make_bridge, backend, front):
    app = {"account": "main", "kind": "application", "front_channel": "cha_app", "adapter": "http", "settings": settings(backend)}
    bridge = make_bridge(backend=backend, front=front, channels={"app": app})
    sent = message(TEXT, to="ada")
    bridge.app_callback({"type": "message", "payload": sent, "metadata": {"external_conversation_ids": ["of-front"]}})
    bridge.wait_state(sent["id"], "delivered")
    for k in (0, 5, -1):
        wrote = {"sender": {"handle": "ada"}, "text": "I see.", "in_reply_to": "x-" + backend.deliveries[k]["id"]}
        ours = bridge.hook(wrote, "app").json["id"]
        find = lambda: [p for p in front.posted() if p["metadata"]["external_id"] == ours]  # noqa: B023, E731
        metadata = until(find)[0]["metadata"]
        assert metadata["referenced_message_external_id"] == "fb-" + sent["id"]
        assert metadata["external_conversation_id"] == "of-front"


def test_what_may_have_arrived_waits_for_a_person_and_goes_on(make, backend):
    bridge = make(when_unsure="hold", answer={"wait": "0"})
    lost = [True]
    backend.answer = lambda d: Drop if d["part"] == 3 and lost and lost.pop() else (200, {})
    sent = message(TEXT)
    bridge.callback(sent)
    bridge.wait_state(sent["id"], "unknown")
    backend.stays(3)
    (entry,) = [m for m in bridge.messages() if m["source_id"] == sent["id"]]
    assert entry["parts"]["delivered"] == 2
    bridge.restart()
    bridge.run_cli("queue", "retry", entry["id"], check=0)
    bridge.wait_state(sent["id"], "delivered")
    assert [d["part"] for d in backend.deliveries[:5]] == [1, 2, 3, 3, 4]
    assert backend.keys[2] == backend.keys[3]
    whole(backend.deliveries[:3] + backend.deliveries[4:])


def test_a_program_gets_parts(make_bridge, front):
    """The example of the exec adapter answers each delivery with a message."""
    command = ["/usr/bin/python3", str(ROOT / "channels/exec/examples/echo.py")]
    bridge = make_bridge(front=front, adapter="exec", settings={"command": command, "max_text": LIMIT, "format": "markdown"})
    sent = message(TEXT)
    bridge.callback(sent)
    bridge.wait_state(sent["id"], "delivered")
    until(lambda: len(front.posted()) > 9)
    n = int(NUMBER.search(shown(front)[0])[2])
    assert until(lambda: len(shown(front)) == n)
    assert [NUMBER.search(text).groups() for text in shown(front)] == [(str(k), str(n)) for k in range(1, n + 1)]


def shown(front):
    """What was posted to Front, as text."""
    bodies = [html.unescape(re.sub(r"<br ?/?>", "\n", p["body"])) for p in front.posted()]
    return [re.sub(r"<[^>]+>", "", b).strip() for b in bodies]


def test_more_than_99_parts_are_refused_with_a_sentence(make, backend):
    bridge = make()
    sent = message("word " * 5000)
    answer = bridge.callback(sent)
    assert answer.status == 400
    assert answer.json["message"] == "The text is too long: it would be more than 99 messages of 200 characters."
    backend.stays(0)


def test_the_deadline_passes_in_the_middle(make, backend):
    """on_timeout error: nothing of the rest is sent, and the agent reads what was; the resend goes on behind it."""
    bridge = make(answer={"wait": "500ms", "on_timeout": "error"})
    backend.answer = lambda d: (503, {}) if d["part"] == 2 else (200, {})
    sent = message(TEXT)
    answer = bridge.callback(sent)
    n = backend.deliveries[0]["part_n"]
    assert answer.status == 408
    assert answer.json["message"] == f"1 of {n} parts was delivered; The rest was not delivered in time and will not be sent."
    bridge.wait_state(sent["id"], "cancelled")
    so_far = len(backend.deliveries)
    backend.stays(so_far)
    backend.answer = lambda d: (200, {})
    bridge.callback({**sent, "error_type": "request_timeout"})
    until(lambda: bridge.state_of(sent["id"]) in ("delivered", "cancelled"))
    by_part = {d["part"]: d for d in backend.deliveries}
    assert len([d for d in backend.deliveries if d["part"] == 1]) == 1
    if bridge.state_of(sent["id"]) == "delivered":
        whole([by_part[k] for k in sorted(by_part)])


def test_an_html_backend_gets_parts_that_are_valid_by_themselves(make, backend):
    bridge = make({"format": "html"})
    body = "<ul>" + "".join(f"<li>item <b>number {n}</b> &amp; more words for it</li>" for n in range(30)) + "</ul>"
    sent = message("x", body=body)
    sent["text"] = None
    bridge.callback(sent)
    bridge.wait_state(sent["id"], "delivered")
    n = len(backend.deliveries)
    assert n > 5
    for delivery in backend.deliveries:
        html = delivery["html"]
        assert units(html) <= LIMIT and units(delivery["text"]) <= LIMIT
        assert html.startswith("<ul><li>") and html.count("<li>") == html.count("</li>") and html.count("<ul>") == html.count("</ul>") == 1
        assert html.endswith(f"<p>({delivery['part']}/{n})</p>")
    assert [int(k) for d in backend.deliveries for k in re.findall(r"number (\d+)", d["html"])] == list(range(30))
