"""The image as people run it."""
import json
import os
import subprocess
import time

from bridge import ROOT, message
from container import CHANNELS, IMAGE, RUN, front_bridge, podman
from wait import until

STOPS_WITHIN = 5.0
LEAVES_ORPHANS = """#!/bin/sh
# A program of the exec adapter whose own children outlive it: they leave its group, and end later.
setsid sleep 2 </dev/null >/dev/null 2>&1 &
setsid sleep 3 </dev/null >/dev/null 2>&1 &
read -r line
"""


def inbound(n, text):
    return {"id": f"m-{n}", "conversation_id": "room-7", "sender": {"handle": "ada", "name": "Ada"}, "text": text}


def processes(container):
    """(name, state, parent) of all that is in it."""
    text = container.execute("sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null || true")
    for line in text.splitlines():
        name, rest = line.split(" (", 1)[1].rsplit(") ", 1)
        yield name, *rest.split()[:2]


def zombies(container):
    """What the bridge, process 1, ought to have waited for."""
    return [name for name, state, parent in processes(container) if state == "Z" and parent == "1"]


def kill_hosts(container):
    """Kills what the bridge has started, not what was left to it; says which."""
    script = 'for p in $(cat /proc/1/task/1/children); do grep -q sleep /proc/$p/comm || { kill -9 $p && echo $p; }; done'
    return container.execute("sh", "-c", script).split()


def test_version():
    assert "front-bridge" in front_bridge("version").stdout


def test_the_demo():
    done = front_bridge("demo", "--once", "--json", timeout=90)
    assert json.loads(done.stdout), done.stdout


def test_without_a_configuration_it_says_what_is_missing():
    done = front_bridge("run", check=2)
    assert "/etc/front-bridge.yaml" in done.stderr


def test_both_ways_and_healthy(container, backend, front):
    assert container.execute("id", "-u").strip() == "10001"
    assert "CapEff:\t0000000000000000" in container.execute("cat", "/proc/1/status")
    container.execute("touch", "/usr/bin/x", check=1)
    podman("healthcheck", "run", container.name)
    until(lambda: container.inspect("State.Healthcheck.Status") == "healthy", 10, "healthy")

    assert container.callback(message("Hello Ada")).status == 200
    assert backend.texts() == ["Hello Ada"] and not backend.bad_signatures
    assert container.hook(inbound(1, "Thank you")).status == 202
    assert "Thank you" in front.wait(1)[0]["body"]
    assert not zombies(container)


def test_a_bridge_that_hangs_is_not_healthy(container):
    podman("healthcheck", "run", container.name)
    podman("kill", "--signal", "STOP", container.name)
    try:
        assert podman("healthcheck", "run", container.name, check=None).returncode != 0
    finally:
        podman("kill", "--signal", "CONT", container.name)


def test_sigterm_ends_it_and_the_volume_keeps_what_was_accepted(container, backend):
    backend.answer = lambda d: (503, {})
    sent = message("Later")
    assert container.callback(sent).status == 200  # accepted: the backend refuses for now
    status, seconds = container.stop()
    print(f"\nSIGTERM to the end: {seconds:.2f} s")
    assert status == 0 and seconds < STOPS_WITHIN, container.logs()
    container.remove()
    backend.answer = lambda d: (200, {})
    container.start()  # another container, the same volume
    container.wait_state(sent["id"], "delivered")
    assert len(set(backend.keys)) == 1


def test_sigterm_with_nothing_to_do(container):
    status, seconds = container.stop()
    print(f"\nSIGTERM to the end, idle: {seconds:.2f} s")
    assert status == 0 and seconds < 2.0


def test_sigterm_ends_one_that_waits_for_the_volume(container):
    second = container.name + "-2"
    container.run(second)
    time.sleep(1)
    try:
        began = time.monotonic()
        podman("stop", "--time", "30", second)
        assert time.monotonic() - began < STOPS_WITHIN
        assert podman("container", "inspect", "--format", "{{.State.ExitCode}}", second).stdout.strip() == "0"
    finally:
        podman("rm", "--force", "--time", "1", second)
    assert container.callback(message("Unmoved")).status == 200


def test_as_process_1_it_reaps_what_is_left_to_it(make_container, backend, front, tmp_path):
    program = tmp_path / "leaves-orphans"
    program.write_text(LEAVES_ORPHANS)
    program.chmod(0o755)
    made = make_container(
        backend=backend,
        front=front,
        adapter="exec",
        settings={"command": ["/opt/leaves-orphans"], "restart": "100ms"},
        mounts=[(program, "/opt/leaves-orphans")],
    )
    for _ in range(3):
        assert len(kill_hosts(made)) == 1
        until(lambda: ("sleep", "S", "1") in processes(made), 5, "an orphan that has become the bridge's child")
        until(made.is_up, 20, "the channel up again")
    until(lambda: ("sleep", "S", "1") not in processes(made), 20, "the orphans' end")
    until(lambda: not zombies(made), 2, "no zombies")
    assert made.stop()[0] == 0


def test_a_killed_channel_host_is_replaced(container, backend):
    before = kill_hosts(container)
    until(lambda: container.execute("cat", "/proc/1/task/1/children").split() not in (before, []), 10, "a new host")
    until(container.is_up, 20, "the channel up again")
    assert container.callback(message("Still there")).status == 200
    assert backend.texts() == ["Still there"]
    assert not zombies(container)


def test_an_adapter_of_ones_own(make_container, backend, front, tmp_path):
    """Built outside, with the header that the image carries, and mounted beside the others."""
    include = tmp_path / "include"
    holder = podman("create", "--pull", "never", IMAGE).stdout.strip()
    podman("cp", f"{holder}:/usr/include", include)
    podman("rm", "--volumes", holder)
    built = tmp_path / "mychat.so"
    source = (ROOT / "channels/template/template.c").read_text().replace('.name = "template"', '.name = "mychat"')
    (tmp_path / "mychat.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-I", include, tmp_path / "mychat.c", "-o", built], check=True, timeout=60)
    os.chmod(built, 0o644)
    made = make_container(
        backend=backend,
        front=front,
        adapter="mychat",
        settings={"path": "/dev/shm/chat.txt", "token": "the-token-of-tests"},
        mounts=[(built, f"{CHANNELS}/mychat.so")],
    )
    assert made.callback(message("Hello Ada")).status == 200
    assert made.execute("cat", "/dev/shm/chat.txt") == "ada\tHello Ada\n"
    headers = {"authorization": "Bearer the-token-of-tests", "x-from": "ada", "x-id": "17"}
    assert made.request("POST", "/hooks/support", b"It works", headers).status == 202
    assert "It works" in front.wait(1)[0]["body"]


def test_an_adapter_that_does_not_load_is_refused_by_name(tmp_path):
    broken = tmp_path / "broken.so"
    broken.write_text("not a shared object")
    broken.chmod(0o644)
    there = f"{CHANNELS}/broken.so"
    done = podman("run", "--rm", "--no-healthcheck", *RUN, "--volume", f"{broken}:{there}:ro", IMAGE, "channel", "test", there, check=None)
    assert done.returncode != 0 and "broken.so" in done.stdout + done.stderr
