"""History: imported from files, sent in the lowest lane, once for each id, whatever is killed meanwhile."""
import json
import subprocess
import threading
import time

from bridge import BINARY, Bridge
from wait import until

# What Front says of its limits: plenty, in a window that is about to end, so that no test waits for its turn.
ALLOWANCE = {"x-ratelimit-limit": "6000", "x-ratelimit-remaining": "5900"}


def allow(front):
    front.allowance = {**ALLOWANCE, "x-ratelimit-reset": str(int(time.time()) + 1)}


def line(n, **fields):
    return {"id": f"h{n}", "created_at": 1600000000 + n, "sender": {"handle": f"ada{n}"}, "text": f"text {n}", **fields}


def write(folder, lines, name="history.jsonl"):
    path = folder / name
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    return path


def run(bridge, *args, **options):
    return subprocess.run([BINARY, "import", "-c", bridge.file, *map(str, args)], capture_output=True, text=True, timeout=60, **options)


def imported(front):
    return [c[3] for c in front.calls if c[0] == "POST" and c[1] == "/inboxes/inb_1/imported_messages"]


def test_lines_reach_front_once_and_bad_ones_are_listed(make_bridge, backend, front, tmp_path):
    allow(front)
    bridge = make_bridge(backend=backend, front=front)
    file = write(tmp_path, [line(1, conversation_id="room"), "{broken", "", line(2, direction="up"), line(3), line(3)])
    result = run(bridge, file)
    assert result.returncode == 1, result
    bad = result.stdout.splitlines()
    assert bad[0].startswith(f"{file}:2: it is not JSON") and bad[1].startswith(f"{file}:4: direction"), bad
    assert bad[-1] == f"{file}: 5 lines, 2 stored, 1 known already, 2 bad"
    posts = imported(front)
    assert sorted(p["external_id"] for p in posts) == ["h1", "h3"]
    first = next(p for p in posts if p["external_id"] == "h1")
    assert first["created_at"] == 1600000001 and first["type"] == "custom" and first["metadata"]["is_inbound"]
    assert first["to"] == ["support-line"] and first["metadata"]["thread_ref"].startswith("history:")
    again = run(bridge, file, "--json")
    assert json.loads(again.stdout.splitlines()[-1]) == {"channel": "support", "lines": 5, "stored": 0, "known": 3, "bad_lines": 2}
    assert len(imported(front)) == 2
    assert "2 in Front" in run(bridge, "--status", "support").stdout
    listed = subprocess.run([BINARY, "queue", "list", "-c", bridge.file, "--channel", "support:import"], capture_output=True, text=True)
    assert listed.returncode == 0 and "support:import" in listed.stdout, listed


def test_check_stores_nothing_and_needs_no_bridge(backend, front, tmp_path):
    bridge = Bridge(tmp_path / "alone", backend, front)
    result = run(bridge, "-", "--check", input=json.dumps(line(1)) + "\n" + json.dumps({"id": "2"}) + "\n")
    assert result.returncode == 1 and "<stdin>:2: sender is missing" in result.stdout and "1 good, 1 bad" in result.stdout, result
    assert not bridge.store.exists()
    nowhere = run(bridge, "-", "--channel", "nope", input="")
    assert nowhere.returncode == 2 and "no channel" in nowhere.stderr


def test_lines_are_stored_though_no_bridge_runs_and_go_on_when_it_does(make_bridge, backend, front, tmp_path):
    allow(front)
    bridge = make_bridge(backend=backend, front=front)
    bridge.stop()
    result = run(bridge, write(tmp_path, [line(1), line(2)]))
    assert result.returncode == 0 and "2 stored" in result.stdout and "The bridge does not run" in result.stderr, result
    status = run(bridge, "--status", "support").stdout
    assert "2 waiting" in status and "the bridge does not run" in status
    assert not imported(front)
    allow(front)
    bridge.start()
    until(lambda: sorted(p["external_id"] for p in imported(front)) == ["h1", "h2"], 20)


def test_lines_wait_for_room_under_the_quota(make_bridge, backend, front, tmp_path):
    """It does not give up: what Front has taken makes room for the rest."""
    front.allowance = {"x-ratelimit-limit": "1", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 170)}
    bridge = make_bridge(backend=backend, front=front, top={"limits": {"channel_quota": "1MiB"}})
    file = write(tmp_path, [line(n, text="x" * 60_000) for n in range(30)])
    result = []
    client = threading.Thread(target=lambda: result.append(run(bridge, file, "--no-wait")))
    client.start()
    stored = lambda: json.loads(bridge.admin("GET", "/api/v1/imports?channel=support").body)["imports"]  # noqa: E731
    until(lambda: stored() and stored()[0]["waiting"] >= 15, 20)
    assert client.is_alive() and stored()[0]["waiting"] < 30
    allow(front)
    bridge.restart()  # what it has learnt of Front's limits is forgotten
    client.join(60)
    assert result and result[0].returncode == 0 and "30 lines, 30 stored" in result[0].stdout, result


def test_history_of_an_application_channel_is_proven_by_front(make_bridge, backend, front, tmp_path):
    allow(front)
    bridge = make_bridge(backend=backend, front=front, kind="application")
    agents = line(2, direction="outbound", sender={"handle": "grace"}, to=[{"handle": "ada2"}], text="from us")
    assert run(bridge, write(tmp_path, [line(1), agents])).returncode == 0
    posts = {c[1].rsplit("/", 1)[1]: c[3] for c in front.calls if c[0] == "POST"}
    assert posts["inbound_messages"]["delivered_at"] == 1600000001 and posts["inbound_messages"]["sender"]["handle"] == "ada1"
    assert posts["outbound_messages"]["to"][0]["handle"] == "ada2"
    first = posts["inbound_messages"]["metadata"]["external_id"]
    proof = {"type": "message_imported", "payload": {"metadata": {"external_id": first}}}
    assert bridge.app_callback(proof, channel="support").json == {}
    until(lambda: bridge.state_of("h1") == "delivered", 10, lambda: bridge.messages())
    assert bridge.metric("front_bridge_confirmations_total", channel="support", result="confirmed") == 1
    bridge.app_callback(proof, channel="support")
    assert bridge.metric("front_bridge_confirmations_total", channel="support", result="confirmed") == 1


def test_history_joins_the_live_conversation(make_bridge, backend, front, tmp_path):
    allow(front)
    bridge = make_bridge(backend=backend, front=front)
    assert bridge.hook({"id": "live", "sender": {"handle": "ada1"}, "text": "hi"}).status == 202
    until(lambda: bridge.lines("thread_learnt"), 15)
    assert run(bridge, write(tmp_path, [line(1), line(2)])).returncode == 0
    posts = {p["external_id"]: p for p in imported(front)}
    assert posts["h1"]["conversation_id"] == "cnv_1" and "thread_ref" not in posts["h1"]["metadata"]
    assert "conversation_id" not in posts["h2"]


def test_nothing_is_lost_or_doubled_when_all_are_killed(make_bridge, backend, front, tmp_path):
    allow(front)
    bridge = make_bridge(backend=backend, front=front)
    file = write(tmp_path, [line(n) for n in range(1200)])
    client = subprocess.Popen([BINARY, "import", "-c", bridge.file, file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: len(imported(front)) > 5, 20)
    client.kill()
    client.wait()
    bridge.kill()
    bridge.start()
    allow(front)
    result = run(bridge, file, "--no-wait")
    assert result.returncode == 0, result
    sums = result.stdout.split()
    assert sums[1] == "1,200" and int(sums[3].replace(",", "")) + int(sums[5].replace(",", "")) == 1200, sums
    stored = json.loads(bridge.admin("GET", "/api/v1/imports?channel=support").body)["imports"][0]
    assert stored["waiting"] + stored["imported"] == 1200 and stored["dead"] == 0, stored


def test_a_live_message_does_not_wait_behind_history(make_bridge, backend, front, tmp_path):
    front.allowance = {"x-ratelimit-limit": "50", "x-ratelimit-remaining": "45", "x-ratelimit-reset": str(int(time.time()) + 55)}
    bridge = make_bridge(backend=backend, front=front)
    assert run(bridge, write(tmp_path, [line(n) for n in range(3000)]), "--no-wait").returncode == 0
    began = time.monotonic()
    assert bridge.hook({"id": "live", "sender": {"handle": "eve"}, "text": "now"}).status == 202
    until(lambda: any(c[1].endswith("incoming_messages") for c in front.calls), 10)
    waited = time.monotonic() - began
    assert waited < 60 / 40 + 0.5, waited  # one slot of what the reserve leaves of the plan
    assert len(imported(front)) < 100
    channels = subprocess.run([BINARY, "channel", "list", "-c", bridge.file], capture_output=True, text=True)
    assert "lines of history wait" in channels.stdout, channels


def test_a_dry_run_imports_nothing(make_bridge, backend, front, tmp_path):
    bridge = make_bridge(backend=backend, front=front, dry_run=True)
    result = run(bridge, write(tmp_path, [line(1)]))
    assert result.returncode == 1 and "dry_run" in result.stderr, result
    assert not imported(front)
