"""queue, dead, channel, health, sign, check: with a running bridge and without one."""
import json
import subprocess
import time

import pytest
from bridge import BINARY, SECRET, message
from wait import until


def data(done):
    return json.loads(done.stdout)


def make_dead(bridge, backend, n=2):
    backend.answer = lambda d: (400, {"message": "No."})
    ids = []
    for _ in range(n):
        sent = message(to=["ada", "bob"])  # two recipients: one at least is refused late
        bridge.callback(sent)
        ids.append(sent["id"])
    return ids


def test_queue_and_dead_while_it_runs_and_while_it_does_not(make_bridge, backend, front):
    bridge = make_bridge(
        backend=backend, front=front, answer={"wait": "0"}, retry={"first": "100ms", "factor": 1, "max": "100ms", "give_up": "600ms"}
    )
    backend.answer = lambda d: (503, {})
    sent = message("Hello")
    bridge.callback(sent)
    bridge.wait_state(sent["id"], "dead")
    for running in (True, False):
        if not running:
            bridge.stop()
        listed = data(bridge.run_cli("queue", "list", "--json", check=0))["messages"]
        assert [m["source_id"] for m in listed] == [sent["id"]]
        (dead,) = data(bridge.run_cli("dead", "list", "--json", check=0))["messages"]
        shown = data(bridge.run_cli("dead", "show", dead["id"], "--json", check=0))
        assert shown["source_id"] == sent["id"] and len(shown["timeline"]) >= 2
        assert shown["timeline"][0]["outcome"] == "retry" and shown["timeline"][0]["code"] == 503
        assert sent["id"] in bridge.run_cli("queue", "list", check=0).stdout
        assert "503" in bridge.run_cli("queue", "show", dead["id"], check=0).stdout
    backend.answer = lambda d: (200, {})
    assert data(bridge.run_cli("dead", "retry", dead["id"], "--json", check=0))["changed"] == 1
    count = len(backend.deliveries)
    bridge.start()
    backend.wait(count + 1)
    bridge.wait_state(sent["id"], "delivered")


def test_hold_release_and_drop(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"})
    backend.gate.clear()
    for n in range(4):
        bridge.callback(message(f"m{n}", conversation="cnv_a"))
    backend.wait(1)
    by_text = {}
    for entry in bridge.messages():
        shown = data(bridge.run_cli("queue", "show", entry["id"], "--json", check=0))
        by_text[shown["body"]["text"]] = entry["id"]
    assert data(bridge.run_cli("queue", "hold", by_text["m1"], "--json", check=0))["changed"] == 1
    assert data(bridge.run_cli("queue", "drop", by_text["m2"], "--json", check=0))["changed"] == 1
    backend.gate.set()
    backend.wait(2)
    backend.stays(2)
    assert backend.texts() == ["m0", "m3"], "what is held steps aside"
    assert data(bridge.run_cli("queue", "release", by_text["m1"], "--json", check=0))["changed"] == 1
    assert backend.wait(3)[2]["text"] == "m1"


def test_bulk_retry_really_resends(make_bridge, backend, front):
    bridge = make_bridge(
        backend=backend, front=front, answer={"wait": "0"}, retry={"first": "100ms", "factor": 1, "max": "100ms", "give_up": "300ms"}
    )
    backend.answer = lambda d: (503, {})
    for n in range(30):
        bridge.callback(message(f"m{n}"))
    until(lambda: bridge.metric("front_bridge_queue_depth", state="dead") == 30)
    backend.answer = lambda d: (200, {})
    assert data(bridge.run_cli("dead", "retry", "--all", "--channel", "support", "--json", check=0))["changed"] == 30
    until(lambda: bridge.metric("front_bridge_queue_depth", state="delivered") == 30)


def test_wrong_words_get_a_sentence(bridge):
    for args, code in (
        (("queue", "show", "nonsense"), 1),
        (("queue", "list", "--state", "odd"), 2),
        (("queue", "retry"), 2),
        (("queue", "explode"), 2),
        (("queu",), 2),
        (("queue", "list", "--chanel", "x"), 2),
    ):
        done = subprocess.run([BINARY, *args, *(["-c", bridge.file] if args[0] == "queue" else [])], capture_output=True, text=True)
        assert done.returncode in (code, 1 if code == 2 and "odd" in args else code), (args, done)
        assert done.stderr.strip(), args


def test_health_channels_and_version(bridge):
    config = dict(bridge.config)
    config["admin"] = {"listen": f"127.0.0.1:{bridge.admin_port}"}
    bridge.config = config
    bridge.write()
    assert bridge.run_cli("health").returncode == 0
    listed = data(bridge.run_cli("channel", "list", "--json", check=0))
    assert "support" in json.dumps(listed)
    version = subprocess.run([BINARY, "version"], capture_output=True, text=True)
    assert version.returncode == 0 and "front-bridge" in version.stdout
    bridge.stop()
    assert bridge.run_cli("health").returncode == 1


def test_sign_makes_what_front_would(bridge, tmp_path):
    import signing

    body = json.dumps(message()).encode()
    (tmp_path / "body").write_bytes(body)
    done = bridge.run_cli("sign", "--channel", "support", str(tmp_path / "body"), check=0)
    assert signing.sha1(body, SECRET) in done.stdout
    done = subprocess.run([BINARY, "sign", "-c", bridge.file, "--channel", "support"], input=body, capture_output=True)
    assert signing.sha1(body, SECRET).encode() in done.stdout


def test_the_admin_listener_wants_its_token(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front)
    bridge.stop()
    bridge.config["admin"]["token"] = "admin-secret"
    bridge.write()
    bridge.start(wait=False)
    bridge.wait_ports()
    for path in ("/metrics", "/api/v1/channels", "/api/v1/messages"):
        assert bridge.admin("GET", path).status == 401
        good = bridge.request("GET", path, headers={"authorization": "Bearer admin-secret"}, port=bridge.admin_port)
        assert good.status == 200
        bad = bridge.request("GET", path, headers={"authorization": "Bearer admin-secre"}, port=bridge.admin_port)
        assert bad.status == 401
    assert bridge.admin("GET", "/readyz").status == 200
    assert "admin-secret" not in bridge.tail(100000)


METRICS = """front_bridge_callbacks_total front_bridge_deliveries_total front_bridge_inbound_total front_bridge_queue_depth
front_bridge_oldest_seconds front_bridge_delivery_seconds_bucket front_bridge_answer_seconds_bucket front_bridge_front_requests_total
front_bridge_rate_remaining front_bridge_channel_up front_bridge_store_commit_seconds_bucket""".split()


def test_metrics_have_their_names_and_add_up(bridge, backend, front):
    bridge.callback(message())
    bridge.hook({"id": "m1", "sender": {"handle": "ada"}, "text": "hi"})
    front.wait(1)
    until(lambda: bridge.metric("front_bridge_front_requests_total") >= 1)
    text = bridge.admin("GET", "/metrics").body.decode()
    for name in METRICS:
        assert name + "{" in text, name
    assert bridge.metric("front_bridge_callbacks_total", channel="support", result="success") == 1
    assert bridge.metric("front_bridge_deliveries_total", outcome="delivered") == 1
    assert bridge.metric("front_bridge_channel_up", channel="support") == 1


def test_logs_have_ids_and_no_secrets_or_texts(bridge, backend, front):
    sent = message("a very private sentence")
    bridge.callback(sent)
    bridge.hook({"id": "m1", "sender": {"handle": "ada"}, "text": "another private sentence"})
    front.wait(1)
    until(lambda: bridge.lines("delivered", source_id=sent["id"]))
    bridge.stop()
    log = bridge.log_path.read_text()
    from backend import SECRET as BACKEND_SECRET
    from frontapi import TOKEN

    for secret in ("private sentence", SECRET, BACKEND_SECRET, TOKEN):
        assert secret not in log
    line = bridge.lines("delivered", source_id=sent["id"])[0]
    assert line["channel"] == "support" and line["id"] and line["attempt"] == 1


def check(tmp_path, text):
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    return subprocess.run([BINARY, "check", "-c", file], capture_output=True, text=True), file


WRONG = """listen: 0.0.0.0:8080
stroe: /var/lib/front-bridge
accounts:
  main:
    token: ${NO_SUCH_VARIABLE}
    secrets: [a]
channels:
  support:
    account: mian
    front_channel: cha_1
    adapter: http
    answer: {wait: 9s}
    retry: {first: soon}
    settings: {url: "http://127.0.0.1:1/", token: x, tokn: y}
  support:
    account: main
  other:
    account: main
    front_channel: cha_2
    adapter: no-such-adapter
"""


def test_check_tells_every_mistake_with_its_line_and_cure(tmp_path):
    done, file = check(tmp_path, WRONG)
    assert done.returncode == 2
    said = done.stdout + done.stderr
    for line, words in ((2, "store"), (5, "NO_SUCH_VARIABLE"), (9, "main"), (12, "6"), (13, "soon"), (15, "support")):
        assert any(l.startswith(f"{file}:{line}:") and words in l for l in said.splitlines()), (line, words, said)


def test_check_looks_into_the_adapters(tmp_path):
    good = """store: {0}/store
accounts: {{main: {{token: t, secrets: [s]}}}}
channels:
  support:
    account: main
    front_channel: cha_1
    adapter: {1}
    settings: {2}
"""
    done, _ = check(tmp_path, good.format(tmp_path, "http", '{url: "http://127.0.0.1:1/", token: x}'))
    assert done.returncode == 0, done
    for adapter, settings, words in (
        ("no-such-adapter", "{}", "no-such-adapter"),
        ("http", "{}", "url"),
        ("http", '{url: "http://127.0.0.1:1/"}', "unauthenticated"),
        ("http", '{url: "http://127.0.0.1:1/", tokn: x}', "token"),
        ("http", '{url: "http://127.0.0.1:1/", token: x, timeout: soon}', "timeout"),
    ):
        done, _ = check(tmp_path, good.format(tmp_path, adapter, settings))
        assert done.returncode == 2 and words in done.stdout + done.stderr, (settings, done)
        run = subprocess.run([BINARY, "run", "-c", tmp_path / "wrong.yaml"], capture_output=True, text=True, timeout=30)
        assert run.returncode == 2 and words in run.stdout + run.stderr


@pytest.mark.parametrize("command", ["", "run", "check", "demo", "sim", "sign", "queue", "dead", "channel", "health", "version"])
def test_every_command_has_help(command):
    done = subprocess.run([BINARY, *filter(None, [command]), "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and len(done.stdout) > 100


