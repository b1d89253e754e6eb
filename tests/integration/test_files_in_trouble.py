"""Files of customers when something ends in the middle: a process, a disk, an answer of Front."""
import concurrent.futures
import contextlib
import http.client
import itertools
import os
import random
import subprocess
import threading
import time

import pytest

import courier as courier_module
from courier import PNG, data, digest, shown, url
from slow import SlowWay
from wait import until


def kill_at(courier, point):
    courier.bridge.stop()
    courier.bridge.start(env={"FRONT_BRIDGE_POINT": f"{point}=kill"})


def wait_dead(courier):
    until(lambda: courier.bridge.process.poll() is not None)
    courier.bridge.start()


@pytest.mark.parametrize("channel", ["support", "app"])
@pytest.mark.parametrize("point", ["mid_copy", "after_copy", "before_commit", "after_commit", "mid_upload", "after_relay", "before_settle"])
def test_killed_with_files(make_courier, company, point, channel):
    """The backend sends again what was not acknowledged: one message, the same bytes, and no file that is nobody's."""
    courier = make_courier()
    contents = [data(300_000, 1), data(300_000, 2)]
    lines = ["id m1", "text survives", *[courier.file(c) for c in contents]]
    kill_at(courier, point)
    heard = None
    try:
        heard = courier.post(*lines, channel=channel)
    except OSError:
        pass
    wait_dead(courier)
    if heard is None:
        assert courier.post(*lines, channel=channel).status in (200, 202)
    [message] = shown(company)
    assert [a["sha256"] for a in message["attachments"]] == [digest(c) for c in contents]
    until(lambda: courier.bridge.state_of("m1") in ("accepted", "delivered"))
    until(lambda: len(courier.kept()) == 2, what=courier.kept)
    assert len(company.messages()) == 1


@pytest.mark.parametrize("point", ["mid_fetch", "after_fetch"])
def test_killed_while_it_fetches(make_courier, company, shelf, point):
    courier = make_courier()
    content = data(200_000)
    kill_at(courier, point)
    assert courier.post("id m1", "text survives", url(shelf.put("a.png", content))).status == 202
    wait_dead(courier)
    [message] = shown(company)
    assert [a["sha256"] for a in message["attachments"]] == [digest(content)] and message["text"] == "survives"
    until(lambda: len(courier.kept()) == 1, what=courier.kept)


@pytest.mark.parametrize("channel,call", [("support", "incoming_messages"), ("app", "inbound_messages")])
def test_a_lost_answer_is_looked_for(make_courier, company, channel, call):
    courier = make_courier()
    company.fault(call=call, drop_response=True)
    content = data(2_000_000)
    assert courier.post("id m1", "text once", courier.file(content), channel=channel).status == 202
    [message] = shown(company)
    assert [a["sha256"] for a in message["attachments"]] == [digest(content)]
    until(lambda: courier.bridge.state_of("m1") in ("accepted", "delivered"))
    assert len(company.messages()) == 1 and len(company.calls(call)) == 1


def test_what_front_refuses_is_dead_with_its_reason(make_courier, company):
    courier = make_courier()
    company.configure(attachments={"max_bytes": 1000})
    assert courier.post("id m1", "text big", courier.file(data(2000))).status == 202
    assert courier.post("id m2", "text small", courier.file(b"x")).status == 202
    courier.bridge.wait_state("m1", "dead")
    assert [m["text"] for m in shown(company)] == ["small"]
    [dead] = [m for m in courier.bridge.messages() if m["source_id"] == "m1"]
    assert "413" in dead["reason"] and "larger than 25 MB" in dead["reason"]
    company.configure(attachments={"max_bytes": 25_000_000})
    courier.bridge.run_cli("dead", "retry", dead["id"], check=0)
    [message] = [m for m in shown(company, 2) if m["text"] == "big"]
    assert message["attachments"][0]["size"] == 2000


def test_what_the_disk_has_lost(make_courier, company, shelf):
    """What has a URL is fetched again; what has none is left out, and the text says so."""
    courier = make_courier()
    company.fault(call="incoming_messages", status=503, next=-1)
    assert courier.post("id m1", "text see", url(shelf.put("a.png", b"fetched")), courier.file(b"copied", "b.png")).status == 202
    until(lambda: company.calls("incoming_messages"), 20)
    for name in courier.kept():
        os.unlink(courier.bridge.store / "files" / name)
    until(lambda: courier.bridge.lines("file_lost"))
    company.clear_faults()
    [message] = shown(company)
    assert [company.file(a) for a in message["attachments"]] == [b"fetched"]
    assert "The file was lost on the bridge's disk." in message["text"] and shelf.calls == ["/a.png", "/a.png"]


def test_a_front_that_reads_slowly_holds_up_nobody(make_courier, company):
    with SlowWay(company.port) as way:
        courier = make_courier(account={"api": way.url})
        courier.post("text hello", sender="cid")  # until Front has answered once, the bridge asks one thing at a time
        shown(company)
        content = data(20_000_000)
        assert courier.post("id m1", "text large", courier.file(content)).status == 202
        until(lambda: way.waiting)
        assert courier.post("text behind it").status == 202
        assert courier.post("text beside it", courier.file(b"x"), sender="bob").status == 202
        assert {m["text"] for m in shown(company, 2)} == {"hello", "beside it"}
        way.gate.set()
        large = next(m for m in shown(company, 4) if m["text"] == "large")
        assert large["attachments"][0]["sha256"] == digest(content)
        assert [m["text"] for m in company.conversation(large["conversation"])["messages"]] == ["large", "behind it"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk(make_courier, company, shelf, tmp_path):
    """The adapter hears "not now"; what was acknowledged comes when there is room."""
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", small], check=True)
    courier = None
    try:
        courier = make_courier(top={"store": str(small)})
        refused = courier.post("id m1", "text large", courier.file(data(8_000_000)))
        assert refused.status == 503 and b"no room" in refused.body
        assert courier.post("id m2", "text fetched", url(shelf.put("a.png", data(8_000_000, 2)))).status == 202
        until(lambda: courier.bridge.lines("file_not_fetched"), 20)
        assert courier.kept() == [] or courier.bridge.lines("file_not_fetched")
        assert courier.post("text small", courier.file(b"x"), sender="bob").status == 202
        assert [m["text"] for m in shown(company)] == ["small"]
        subprocess.run(["mount", "-o", "remount,size=40m", small], check=True)
        assert courier.post("id m1", "text large", courier.file(data(8_000_000))).status == 202
        by_text = {m["text"]: m for m in shown(company, 3)}
        assert by_text["large"]["attachments"][0]["sha256"] == digest(data(8_000_000))
        assert by_text["fetched"]["attachments"][0]["sha256"] == digest(data(8_000_000, 2))
    finally:
        if courier:
            courier.bridge.stop()
        subprocess.run(["umount", "-l", small], check=True)


def test_slow_files_keep_no_call_to_front_waiting(make_courier, company, shelf, monkeypatch):
    """However many connections hang at the backends of however many channels."""
    support = courier_module.channels()["support"]
    many = {f"c{i}": {**support, "front_channel": f"cha_c{i}"} for i in range(17)}
    monkeypatch.setattr(courier_module, "channels", lambda settings: many)
    for name, channel in many.items():
        company.add_channel(id=channel["front_channel"], kind="custom", address=name)
    gate = threading.Event()

    def drips(s):
        return 200, {"content-type": PNG}, iter(lambda: b"" if gate.wait(0.5) else b"x" * 2000, b"")

    courier = make_courier()
    lines = [url(shelf.put(f"{i}.png", drips)) for i in range(4)]
    try:
        for name in list(many)[:16]:
            assert courier.post("text later", *lines, channel=name).status == 202
        until(lambda: len(shelf.calls) >= 64, 20, lambda: len(shelf.calls))
        assert courier.post("text at once", channel="c16").status == 202
        assert [m["text"] for m in shown(company)] == ["at once"]
    finally:
        gate.set()
    assert len(shown(company, 17, timeout=60)) == 17


def test_a_stop_waits_for_no_file(make_courier, company, shelf):
    gate = threading.Event()

    def slow(s):
        gate.wait(20)
        return 200, {"content-type": PNG}, b"late"

    courier = make_courier()
    assert courier.post("id m1", "text later", url(shelf.put("a.png", slow))).status == 202
    until(lambda: shelf.calls)
    assert courier.bridge.stop() == 0
    gate.set()
    courier.bridge.start()
    [message] = shown(company)
    assert company.file(message["attachments"][0]) == b"late"


def test_what_comes_first_is_stored_first(make_courier, company):
    """Also where a backend does not wait for an answer, and the first message's file takes its time."""
    courier = make_courier()
    large = courier.file(data(5_000_000))
    courier.bridge.stop()
    courier.bridge.start(env={"FRONT_BRIDGE_POINT": "mid_copy=sleep:20"})
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        first = pool.submit(courier.post, "text first", large)
        until(courier.kept)
        second = pool.submit(courier.post, "text second")
        assert courier.post("text beside", sender="bob").status == 202
        assert (first.result().status, second.result().status) == (202, 202)
    message = next(m for m in shown(company, 3) if m["text"] == "first")
    assert [m["text"] for m in company.conversation(message["conversation"])["messages"]] == ["first", "second"]


def test_a_flood_of_files_is_told_to_come_later(make_courier, company):
    """What is on its way onto the disk is bounded: the backend hears "not now", and nothing is lost."""
    courier = make_courier()
    large = courier.file(data(20_000_000))
    courier.bridge.stop()
    courier.bridge.start(env={"FRONT_BRIDGE_POINT": "mid_copy=sleep:2"})
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda i: courier.post(f"id m{i}", "text large", large, sender=f"c{i}").status, range(24)))
    assert set(answers) == {202, 503} and answers.count(202) >= 12, answers
    until(lambda: len(company.messages()) == answers.count(202), 60, lambda: len(company.messages()))
    until(lambda: len(courier.kept()) == answers.count(202))


KILLS = int(os.environ.get("FB_KILLS", "8"))


def post_until_heard(courier, stop, heard, k):
    """A backend that sends each message until it is acknowledged."""
    for i in itertools.count():
        if stop.is_set():
            return
        name, content = f"m{k}-{i}", data(random.Random(i).choice([0, 100, 300_000]), i)
        lines = [f"id {name}", f"text {name}", courier.file(content, at=name)]
        status = None
        while status not in (200, 202):
            with contextlib.suppress(OSError, http.client.HTTPException):
                status = courier.post(*lines, sender=name, channel="app" if i % 2 else "support").status
            time.sleep(0.02)
        heard[name] = digest(content)
        time.sleep(0.1)  # no more than Front can be asked about afterwards


def missing(courier, company, heard):
    there = {m["text"] for m in company.messages()}
    return [(m["source_id"], m["channel"], m["state"], m.get("reason")) for m in courier.bridge.messages("?limit=1000") if m["source_id"] not in there]


def test_killed_at_any_time(make_courier, company):
    """Whatever was acknowledged is in Front once, with its file; nothing is left on the disk that no message names."""
    courier = make_courier(account={"rate": {"reserve": "0%", "per_resource": "50/s"}})
    heard, stop, dice = {}, threading.Event(), random.Random(7)
    writers = [threading.Thread(target=post_until_heard, args=(courier, stop, heard, k)) for k in range(3)]
    for writer in writers:
        writer.start()
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.1, 0.6))
        courier.bridge.kill()
        courier.bridge.start()
    stop.set()
    for writer in writers:
        writer.join(60)
    assert len(heard) >= KILLS
    until(lambda: len(company.messages()) >= len(heard), 60, lambda: missing(courier, company, heard))
    assert {m["text"]: m["attachments"][0]["sha256"] for m in company.messages()} == heard
    assert len(company.messages()) == len(heard)
    courier.bridge.restart()  # which sweeps what the last kill left
    until(lambda: len(courier.kept()) == len(heard), 20, lambda: f"{len(heard)} messages, {len(courier.kept())} files")
