"""The machine below: a clock that jumps, descriptors that run out, disks that are full or fail."""
import glob
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

import pytest
from bridge import message
from load import Causes, Load, check_books, hook_body
from wait import until

# ---- the clock ----------------------------------------------------------------------------------------------------

FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)


@pytest.fixture
def clock(tmp_path):
    """clock(seconds) moves the wall clock of the bridge and its children while they run; the monotonic one goes on."""
    if not FAKETIME:
        pytest.skip("libfaketime is not installed")
    folder = tmp_path / "clock"  # of its own, so that the hosts' sandbox shows it to them
    folder.mkdir()
    offset = folder / "offset"

    def move(seconds):
        (folder / "new").write_text(f"{seconds:+d}")
        os.replace(folder / "new", offset)

    move(0)
    move.env = {
        "LD_PRELOAD": FAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "ASAN_OPTIONS": "verify_asan_link_order=0",
    }
    return move


@pytest.mark.parametrize("is_restarted", [False, True])
def test_the_clock_is_set_back(make_fast, backend, front, clock, is_restarted):
    """Nothing waits for the old time to come again: not what is new, in back-off, behind another, or on its way in."""
    bridge = make_fast(env=clock.env)
    backend.answer = lambda d: (503, {})
    front.script = [(503, {}, b"{}")] * 1000
    waiting = [message("head", conversation="cnv_a"), message("follower", conversation="cnv_a")]
    wrote = hook_body("inbound")
    for content in waiting:
        assert bridge.callback(content).json["type"] == "success"
    assert bridge.hook(wrote).status == 202
    backend.wait(2)
    front.wait(1)
    if is_restarted:
        bridge.stop()
    clock(-7 * 86400)
    if is_restarted:
        bridge.start()
    new = message("new")
    assert bridge.callback(new).json["type"] == "success"
    backend.answer = lambda d: (200, {})
    front.script = []
    for content in [*waiting, new]:
        bridge.wait_state(content["id"], "delivered", 20)
    bridge.wait_state(wrote["id"], "accepted", 20)


def test_a_clock_that_jumps_about_under_load(make_fast, backend, front, clock):
    bridge = make_fast(env=clock.env, too_old="30d")
    loads = [Load(bridge, f"load{k}") for k in range(2)]
    # The webhooks of the test's backend are signed with the real time: jumps stay within what they tolerate.
    for offset in (-200, 100, -30, 200, 0, -1, 250, -250):
        clock(offset)
        time.sleep(0.3)
    for load in loads:
        load.end()
    check_books(loads, bridge, backend, front, Causes())


# ---- descriptors ----------------------------------------------------------------------------------------------------


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as f:
        return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))


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
        assert answer.status == 200 and answer.seconds < 5
        assert bridge.hook(hook_body("hello")).status == 202
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
    busy = cpu_ticks(bridge.process.pid)
    time.sleep(1)
    assert cpu_ticks(bridge.process.pid) - busy < 50, "it does not spin"
    for s in idle:
        s.close()
    until(lambda: bridge.callback(message()).status == 200, 10)


# ---- the disk -------------------------------------------------------------------------------------------------------


def fill(path):
    with open(path, "ab", buffering=0) as f:
        for size in (1 << 20, 4096):
            try:
                while f.write(bytes(size)) == size:
                    pass
            except OSError:
                pass


def can_mount(folder):
    return subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", folder], capture_output=True).returncode == 0


def test_a_disk_that_fills_up_under_load(make_fast, backend, front, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if not can_mount(disk):
        pytest.skip("mounting needs privileges")
    try:
        bridge = make_fast(top={"store": str(disk / "store")})
        loads = [Load(bridge, f"load{k}") for k in range(3)]
        for _ in range(3):
            time.sleep(0.5)
            ballast = disk / "ballast"
            ballast.touch()
            fill(ballast)
            until(lambda: bridge.admin("GET", "/readyz").status == 503, 20)
            refused = bridge.callback(message("refused"))
            assert refused.status in (429, 500) and refused.json["message"]
            time.sleep(0.5)
            ballast.unlink()
            until(lambda: bridge.admin("GET", "/readyz").status == 200, 20)
        time.sleep(0.5)
        for load in loads:
            load.end()
        # What the store could not settle is settled later; it never leads to another attempt while the process lives.
        check_books(loads, bridge, backend, front, Causes())
        assert "refused" not in backend.texts()
        bridge.stop()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


@pytest.fixture
def inject():
    """inject(process, what) lets system calls fail until the value it gives is called."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    tracers = []

    def start(pid, what):
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={what.split(':')[0]}", "-e", f"inject={what}", "-p", str(pid)],
            stderr=subprocess.PIPE,
        )
        tracers.append(tracer)
        until(lambda: tracer.poll() is not None or is_traced(pid), 10)
        if tracer.poll() is not None:
            pytest.skip("strace may not trace here")

        def end():
            tracer.send_signal(signal.SIGINT)
            tracer.wait(20)

        return end

    yield start
    for tracer in tracers:
        if tracer.poll() is None:
            tracer.kill()
            tracer.wait()


def is_traced(pid):
    with open(f"/proc/{pid}/status") as f:
        return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in f)


@pytest.mark.parametrize("what", ["fdatasync,fsync:error=EIO", "pwrite64:error=ENOSPC", "pwrite64:error=EIO:when=7+3"])
def test_a_disk_that_fails_under_load(make_fast, backend, front, inject, what):
    bridge = make_fast()
    loads = [Load(bridge, f"load{k}") for k in range(3)]
    for _ in range(3):
        time.sleep(0.4)
        end = inject(bridge.process.pid, what)
        time.sleep(1.0)
        end()
    until(lambda: bridge.admin("GET", "/readyz").status == 200, 30)
    time.sleep(0.5)
    for load in loads:
        load.end()
    check_books(loads, bridge, backend, front, Causes())
    bridge.stop()
    with sqlite3.connect(bridge.store / "front-bridge.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_sync_that_fails_is_never_answered_with_success(make_fast, backend, front, inject):
    """The one thing that must not happen: success for what a failed fdatasync did not keep."""
    bridge = make_fast()
    assert bridge.callback(message("before")).json["type"] == "success"
    end = inject(bridge.process.pid, "fdatasync,fsync:error=EIO")
    refused = [message(f"refused {n}") for n in range(5)]
    for content in refused:
        assert bridge.callback(content).status in (429, 500)
    assert bridge.hook(hook_body("refused")).status in (429, 500, 503)
    end()
    until(lambda: bridge.admin("GET", "/readyz").status == 200, 30)
    until(lambda: bridge.callback(message("after")).status == 200, 30)
    until(lambda: "after" in backend.texts())
    assert not [t for t in backend.texts() if t.startswith("refused")], "what was refused is not sent"
    # A commit whose sync failed may have happened all the same: then it was undone.
    assert all(bridge.state_of(content["id"]) in (None, "cancelled") for content in refused)
    assert not front.posted()
    for content in refused:
        assert bridge.callback(content).json["type"] == "success", "the agent sends it again"
        bridge.wait_state(content["id"], "delivered")
    assert sorted(t for t in backend.texts() if t.startswith("refused")) == [f"refused {n}" for n in range(5)]
