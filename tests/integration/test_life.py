"""Start, stop, two at once, and disks that fail."""
import os
import signal
import sqlite3
import subprocess
import threading
import time

import pytest
import evidence
from bridge import BINARY, Bridge, message
from wait import until


def database(bridge):
    (found,) = [p for p in bridge.store.iterdir() if p.suffix in (".db", ".sqlite")]
    return found


def test_a_stop_answers_what_is_held_and_keeps_the_backlog(bridge, backend):
    backend.gate.clear()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(bridge.callback(message("held"))))
    thread.start()
    backend.wait(1)
    bridge.process.send_signal(signal.SIGTERM)
    thread.join(3)
    assert answers and answers[0].json["type"] == "success"
    backend.gate.set()
    assert bridge.process.wait(10) == 0
    bridge.start()
    until(lambda: [m["state"] for m in bridge.messages()] == ["delivered"])
    assert len(set(backend.keys)) == 1


def test_a_backlog_survives_a_stop(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"})
    backend.answer = lambda d: (503, {})
    for n in range(50):
        bridge.callback(message(f"m{n}"))
    bridge.stop()
    backend.answer = lambda d: (200, {})
    bridge.start()
    until(lambda: bridge.metric("front_bridge_queue_depth", state="delivered") == 50)


def test_what_comes_before_the_bridge_has_looked_back_is_sent_once(make_bridge, backend, front):
    """The store stalls, so the host is up long before the attempts of an earlier process are settled: this is none of them."""
    env = {"FRONT_BRIDGE_POINT": "before_fact=sleep:700"}
    bridge = make_bridge(backend=backend, front=front, env=env, wait=False, answer={"wait": "0"})
    bridge.wait_ports()
    until(lambda: bridge.lines("channel_host", status="up"))
    sent = message()
    assert bridge.callback(sent).json["type"] == "success"
    bridge.wait_state(sent["id"], "delivered")
    assert not bridge.lines("open_at_start") and not bridge.lines("late_outcome")
    backend.stays(1)


def test_a_second_bridge_waits_and_then_gives_up(bridge, tmp_path):
    bridge.config["lock_wait"] = "1s"
    bridge.write()
    start = time.monotonic()
    second = subprocess.run([BINARY, "run", "-c", bridge.file], capture_output=True, text=True, timeout=30)
    assert second.returncode == 75, second
    assert 0.9 <= time.monotonic() - start < 10
    assert second.stderr.count(str(bridge.store)) == 2, "at once, in the log, and in the end"
    assert "store_in_use" in second.stderr
    assert bridge.callback(message()).status == 200


def test_a_second_bridge_takes_over_when_the_first_ends(bridge, backend):
    ports = bridge.store / "ports"
    second = Bridge(bridge.folder)
    second.config = bridge.config
    second.write()
    ports.unlink()
    second.process = subprocess.Popen([BINARY, "run", "-c", bridge.file], stderr=open(bridge.folder / "log2", "w"))
    evidence.watch("second bridge", second.process, bridge.folder / "log2")
    time.sleep(0.3)
    assert second.process.poll() is None
    assert bridge.stop() == 0
    second.wait_ports()
    until(second.is_up)
    assert second.callback(message()).status == 200
    assert second.stop() == 0


def test_kill_leaves_no_child_behind(bridge):
    pids = [c["pid"] for c in bridge.admin("GET", "/api/v1/channels").json["channels"]]
    bridge.kill()
    until(lambda: not any(os.path.exists(f"/proc/{p}") for p in pids), 5)


def test_a_port_that_is_taken_is_one_sentence(bridge, tmp_path):
    other = Bridge(tmp_path / "other")
    other.config["listen"] = f"127.0.0.1:{bridge.port}"
    other.config["channels"] = bridge.config["channels"]
    other.write()
    done = subprocess.run([BINARY, "run", "-c", other.file], capture_output=True, text=True, timeout=30)
    assert done.returncode in (1, 2) and str(bridge.port) in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_refuses_and_recovers(make_bridge, backend, front, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=True)
    bridge = None
    try:
        bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"}, top={"store": str(small)})
        bridge.callback(message("before"))
        backend.wait(1)
        backend.answer = lambda d: (503, {})
        filler = small / "filler"
        with open(filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass
        answers = [bridge.callback(message("y" * 50000)) for _ in range(10)]
        refused = [a for a in answers if a.status != 200]
        assert refused and all(a.json["type"] in ("internal_error", "too_many_requests") for a in refused), answers
        until(lambda: bridge.admin("GET", "/readyz").status == 503, 5)
        accepted = len(answers) - len(refused)
        filler.unlink()
        until(lambda: bridge.admin("GET", "/readyz").status == 200, 10)
        backend.answer = lambda d: (200, {})
        assert bridge.callback(message("after")).status == 200
        until(lambda: bridge.metric("front_bridge_queue_depth", state="delivered") == accepted + 2, 30)
        assert bridge.stop() == 0
    finally:
        if bridge:
            bridge.stop()
        subprocess.run(["umount", "-l", small])


def test_a_read_only_directory_is_one_sentence(tmp_path, backend):
    bridge = Bridge(tmp_path / "b", backend=backend)
    bridge.config["store"] = "/proc/nowhere"
    bridge.write()
    done = subprocess.run([BINARY, "run", "-c", bridge.file], capture_output=True, text=True, timeout=30)
    assert done.returncode in (1, 2) and "/proc/nowhere" in done.stderr


def test_a_corrupt_database_refuses_work_and_is_not_touched(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front)
    bridge.callback(message())
    bridge.stop()
    file = database(bridge)
    for extra in file.parent.glob(file.name + "-*"):
        extra.unlink()
    original = file.read_bytes()
    file.write_bytes(b"this is no database" * 500)
    bridge.start(wait=False)
    bridge.wait_ports()
    assert bridge.admin("GET", "/readyz").status == 503
    answer = bridge.callback(message())
    assert answer.status == 500 and answer.json["type"] == "internal_error"
    assert file.read_bytes().startswith(b"this is no database")
    file.write_bytes(original)
    until(lambda: bridge.admin("GET", "/readyz").status == 200, 10)
    assert bridge.callback(message()).status == 200


def test_an_older_process_may_be_killed_at_any_time(bridge, backend):
    backend.gate.clear()
    thread = threading.Thread(target=lambda: pytest.raises(Exception, bridge.callback, message("in flight")))
    thread.start()
    backend.wait(1)
    bridge.kill()
    thread.join()
    backend.gate.set()
    bridge.start()
    backend.wait(2)
    assert len(set(backend.keys)) == 1, "the same key after a crash"
    until(lambda: [m["state"] for m in bridge.messages()] == ["delivered"])


def test_the_database_is_plain_sqlite_in_wal_mode(bridge):
    bridge.callback(message())
    with sqlite3.connect(f"file:{database(bridge)}?mode=ro", uri=True) as db:
        assert db.execute("pragma journal_mode").fetchone() == ("wal",)
    assert oct(bridge.store.stat().st_mode)[-3:] == "700"
