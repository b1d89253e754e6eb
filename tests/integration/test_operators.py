"""queue, dead, channel, health, sign, check: with a running bridge and without one."""
import fcntl
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

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
    bridge.config["channels"]["support"]["retry"]["give_up"] = "1h"  # the new life begins now, and must outlast a slow start
    bridge.write()
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


def make_messages(bridge, backend):
    """Two dead ones with different reasons, one delivered, one from a customer, one held."""
    texts = {"refused": (400, {"message": "No."}), "gone": (410, {"message": "Gone."})}
    backend.answer = lambda d: texts.get(d["text"], (200, {"external_id": "x-1"}))
    ids = {}
    for text in ("refused", "gone", "fine"):
        sent = message(text, to=text)
        bridge.callback(sent)
        bridge.wait_state(sent["id"], "delivered" if text == "fine" else "dead")
    bridge.hook({"id": "m-1", "sender": {"handle": "ada"}, "text": "hello"})
    bridge.wait_state("m-1", "accepted")
    backend.gate.clear()
    for _ in range(2):
        bridge.callback(message("slow", to="slow", conversation="cnv_slow"))
    bridge.run_cli("queue", "hold", "--all", check=0)
    backend.gate.set()
    until(lambda: bridge.metric("front_bridge_queue_depth", state="delivered") == 2)
    for entry in bridge.messages():
        ids[entry.get("recipient", "customer"), entry["state"]] = entry["id"]
    return ids


@pytest.mark.parametrize("is_running", [True, False])
def test_filters_select(make_bridge, backend, front, is_running):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"})
    make_messages(bridge, backend)
    if not is_running:
        bridge.stop()
    (reason,) = {m["reason"] for m in data(bridge.run_cli("dead", "list", "--json"))["messages"] if m["recipient"] == "gone"}
    for args, count in (
        ((), 6),
        (("--state", "dead"), 2),
        (("--state", "dead,held"), 3),
        (("--state=delivered,accepted",), 3),
        (("--direction", "in"), 1),
        (("--direction", "out"), 5),
        (("--channel", "support"), 6),
        (("--reason", reason), 1),
        (("--reason", "held by an operator", "--state", "held"), 1),
        (("--limit", "2"), 2),
        (("--limit", "1", "--direction", "in"), 1),
    ):
        listed = data(bridge.run_cli("queue", "list", "--json", *args, check=0))["messages"]
        assert len(listed) == count, args
        text = bridge.run_cli("queue", "list", *args, check=0).stdout
        assert all(m["id"] in text and m["state"] in text for m in listed), args
    assert len(data(bridge.run_cli("dead", "list", "--json", "--reason", reason, check=0))["messages"]) == 1
    for args in (("--limit", "0"), ("--limit", "1001"), ("--limit", "x"), ("--channel", "other"), ("--direction", "up"), ("--state", "dead,"), ("--state", "")):
        assert bridge.run_cli("queue", "list", *args).returncode == 2, args
    assert bridge.run_cli("dead", "list", "--state", "dead").returncode == 2


@pytest.mark.parametrize("is_running", [True, False])
def test_text_is_for_people(make_bridge, backend, front, is_running):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"})
    ids = make_messages(bridge, backend)
    backend.answer = lambda d: (400, {"message": "a \u001b[31mred\u001b[0m \u202eword\n" + "and more " * 40})
    sent = message("line one\n\u001b[2Jline two", to="hostile")
    bridge.callback(sent)
    bridge.wait_state(sent["id"], "dead")
    if not is_running:
        bridge.stop()
    time.sleep(1.1)
    pages = [bridge.run_cli("queue", "list", check=0).stdout, bridge.run_cli("dead", "list", check=0).stdout]
    for page in pages:
        assert all(len(line) <= 120 for line in page.splitlines()), page
        assert " ago " in page
    assert "3 dead letters, by reason:" in pages[1] and "delivered" not in pages[1]
    assert "The newest" not in pages[1]
    pages += [bridge.run_cli("queue", "show", entry, check=0).stdout for entry in ids.values()]
    shown = bridge.run_cli("queue", "show", ids["fine", "delivered"], check=0).stdout
    for words in ("received", "attempt 1", "delivered", "Front's message", "x-1", "to ", "fine"):
        assert words in shown, (words, shown)
    (hostile,) = [m["id"] for m in data(bridge.run_cli("dead", "list", "--json"))["messages"] if m["source_id"] == sent["id"]]
    pages.append(bridge.run_cli("dead", "show", hostile, check=0).stdout)
    assert "\\x1b[2Jline two" in pages[-1]
    for page in pages:
        assert not any(ord(c) < 32 and c != "\n" or c == "\u202e" for c in page), page


def test_ids_that_are_wrong(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"})
    ids = make_messages(bridge, backend)
    tag = ids["fine", "delivered"].split("-")[0]
    for _ in range(2):
        for verb in ("retry", "hold", "release", "drop"):
            for wrong in ("nonsense", "fbxxxxxx-1", tag + "-zzzz", tag + "-", "", "../dead", "a&all=1"):
                done = bridge.run_cli("queue", verb, wrong)
                assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, (verb, wrong, done)
        for wrong in ("nonsense", "fbxxxxxx-1", tag + "-zzzz", "..", "?all=1", "a b"):
            for group in ("queue", "dead"):
                done = bridge.run_cli(group, "show", wrong)
                assert done.returncode == 1 and done.stderr and not done.stdout, (group, wrong, done)
        # A dead letter is asked for, and this is none.
        for args in (("show",), ("retry",), ("drop",)):
            assert bridge.run_cli("dead", *args, ids["fine", "delivered"]).returncode == 1
        bridge.stop()
    assert len(data(bridge.run_cli("dead", "list", "--json"))["messages"]) == 2
    bridge.start()


@pytest.mark.parametrize("is_running", [True, False])
def test_several_ids(make_bridge, backend, front, is_running):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"})
    ids = make_messages(bridge, backend)
    dead = [ids["refused", "dead"], ids["gone", "dead"]]
    none = dead[0].split("-")[0] + "-zzzz"
    backend.answer = lambda d: (400, {"message": "No."})
    if not is_running:
        bridge.stop()
    # One word that is no id at all: nothing is changed.
    assert bridge.run_cli("queue", "drop", *dead, "nonsense").returncode == 1
    done = bridge.run_cli("queue", "drop", dead[0], none, ids["fine", "delivered"], "--json")
    assert done.returncode == 1 and data(done) == {"changed": 1, "skipped": 1, "missing": 1, "missing_ids": [none]}
    assert f"\n1 not found: {none}.\n" in bridge.run_cli("queue", "hold", none, ids["fine", "delivered"]).stdout
    many = [f"{none[:-1]}{n}" for n in "0123456789abcd"]
    assert bridge.run_cli("queue", "hold", *many, ids["fine", "delivered"]).stdout.endswith(f"\n14 not found: {', '.join(many[:10])} and 4 more.\n")
    done = bridge.run_cli("dead", "drop", dead[1], "--json")
    assert done.returncode == 0 and data(done) == {"changed": 1, "skipped": 0, "missing": 0}
    done = bridge.run_cli("dead", "retry", "--all", "--json")
    assert done.returncode == 1 and data(done) == {"changed": 0, "skipped": 0, "missing": 0}
    assert "nothing to retry" in bridge.run_cli("dead", "retry", "--all").stdout
    assert bridge.run_cli("queue", "release", "--all").stdout == "1 message released.\n"
    assert "left alone" in bridge.run_cli("queue", "release", ids["fine", "delivered"]).stdout
    for args in ((), ("--channel", "support"), (dead[0], "--all"), (dead[0], "--channel", "support")):
        assert bridge.run_cli("queue", "retry", *args).returncode == 2


def test_bulk_of_1500_without_a_bridge_and_with_one(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "0"})
    backend.answer = lambda d: (400, {"message": "No."})
    with ThreadPoolExecutor(8) as pool:
        assert all(a.status == 200 for a in pool.map(lambda n: bridge.callback(message(f"m{n}")), range(1500)))
    until(lambda: bridge.metric("front_bridge_queue_depth", state="dead") == 1500, 60)
    (reason,) = {m["reason"] for m in bridge.messages("?limit=1000")}
    assert len(data(bridge.run_cli("queue", "list", "--json", "--limit", "1000", check=0))["messages"]) == 1000
    text = bridge.run_cli("dead", "list", check=0).stdout
    assert "The newest 1000 dead letters, by reason:" in text and f"1000  {reason}" in text
    assert len(text.splitlines()) < 120
    bridge.stop()
    for args in (
        ("dead", "retry", "--all", "--reason", reason),
        ("queue", "hold", "--all"),
        ("queue", "release", "--all"),
        ("queue", "hold", "--all", "--channel", "support"),
    ):
        assert data(bridge.run_cli(*args, "--json", check=0))["changed"] == 1500, args
    backend.answer = lambda d: (200, {})
    bridge.start()
    backend.stays(1500, 0.3)
    assert data(bridge.run_cli("queue", "release", "--all", "--json", check=0))["changed"] == 1500
    until(lambda: bridge.metric("front_bridge_queue_depth", state="delivered") == 1500, 60)


def complains(done, code, *words):
    assert done.returncode == code and not done.stdout, done
    assert len(done.stderr.splitlines()) == 1 and all(w in done.stderr for w in words), done


EVERY = (("queue", "list"), ("dead", "list", "--json"), ("queue", "retry", "--all"), ("dead", "drop", "--all"))


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    from bridge import Bridge

    bridge = Bridge(tmp_path / "new")
    for args in EVERY:
        complains(bridge.run_cli(*args), 1, str(bridge.store), "no store")
    assert not bridge.store.exists()
    bridge.store.mkdir()
    for args in EVERY:
        complains(bridge.run_cli(*args), 1, str(bridge.store), "no store")
    assert list(bridge.store.iterdir()) == []


def test_a_store_in_use_without_its_socket(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front)
    bridge.stop()
    with open(bridge.store / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for args in EVERY:
            complains(bridge.run_cli(*args), 75, "another process", "try again")
    assert bridge.run_cli("queue", "list").returncode == 0


def test_after_a_kill_the_old_socket_misleads_nobody(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front)
    sent = message()
    bridge.callback(sent)
    bridge.kill()
    assert (bridge.store / "admin.sock").exists()
    assert sent["id"] in bridge.run_cli("queue", "list", check=0).stdout
    bridge.start()
    assert sent["id"] in bridge.run_cli("queue", "list", check=0).stdout


@pytest.mark.parametrize("first_bad_byte", [0, 8192])
@pytest.mark.parametrize("is_running", [True, False])
def test_a_corrupt_store_says_so_and_nobody_waits(make_bridge, backend, front, is_running, first_bad_byte):
    bridge = make_bridge(backend=backend, front=front)
    for n in range(20):
        bridge.callback(message(f"m{n}"))
    bridge.stop()
    database = bridge.store / "front-bridge.db"
    database.write_bytes(database.read_bytes()[:first_bad_byte] + b"this is no database " * 10000)
    if is_running:
        bridge.start(wait=False)
        bridge.wait_ports()
    for args in EVERY + (("queue", "show", "fbabcdef-1"), ("queue", "drop", "fbabcdef-1")):
        start = time.monotonic()
        complains(bridge.run_cli(*args), 1, "front-bridge.db")
        assert time.monotonic() - start < 5


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


def test_channel_list_says_how_the_channels_of_the_running_bridge_are(make_bridge, front):
    bridge = make_bridge(front=front, answer={"wait": "0"})  # without a backend

    def states():
        rows = bridge.run_cli("channel", "list", check=0).stdout.splitlines()[1:]
        return [(c["status"], c["paused"]) for c in data(bridge.run_cli("channel", "list", "--json", check=0))], rows

    until(lambda: states()[0] == [("up", False)], what="the channel is up")
    assert all(" up  " in row for row in states()[1])
    for n in range(30):
        bridge.callback(message(f"m{n}", conversation=f"cnv_{n}"))
    until(lambda: states()[0] == [("up", True)], what="the channel is paused")
    assert all(" up, paused " in row for row in states()[1])
    bridge.stop()
    assert states()[0] == [(None, None)]


@pytest.mark.parametrize("is_running", [True, False])
def test_a_channel_that_is_in_no_configuration(make_bridge, backend, front, is_running):
    bridge = make_bridge(backend=backend, front=front)
    if not is_running:
        bridge.stop()
    for words in (
        ("queue", "list"), ("dead", "list"), ("queue", "list", "--json"), ("dead", "retry", "--all"), ("queue", "drop", "--all"),
        ("events", "list"), ("events", "list", "--json"), ("events", "replay", "--all"),
    ):
        done = bridge.run_cli(*words, "--channel", "suport")
        assert (done.returncode, done.stdout) == (2, ""), words
        assert 'there is no channel "suport" in the configuration; did you mean "support"?' in done.stderr
    assert bridge.run_cli("queue", "list", "--channel", "support", check=0).stdout == "No messages.\n"
    assert bridge.run_cli("events", "list", "--channel", "support", check=0).stdout == "There are no such events.\n"


def test_messages_of_a_channel_that_was_removed_are_still_listed(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front)
    bridge.callback(message("old"))
    config = dict(bridge.config)
    config["channels"] = {"renamed": config["channels"]["support"]}
    bridge.config = config
    bridge.write()
    assert len(data(bridge.run_cli("queue", "list", "--channel", "support", "--json", check=0))["messages"]) == 1
    done = bridge.run_cli("queue", "list", "--channel", "zebra")
    assert done.returncode == 2 and 'no channel "zebra"' in done.stderr


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


def test_what_waits_for_fronts_rate_limit_says_so(bridge, backend, front):
    (account,) = bridge.admin("GET", "/api/v1/accounts").json["accounts"]
    assert account["rate_is_assumed"] and (account["rate_limit"], account["waiting"]) == (50, 0)
    front.allowance = {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 170)}
    for id in ("m-1", "m-2"):
        assert bridge.hook({"id": id, "sender": {"handle": "ada"}, "text": id}).status == 202
        bridge.wait_state(id, "accepted" if id == "m-1" else "sending")
    waiting = until(lambda: [m for m in bridge.messages() if "waits_for" in m])
    assert [(m["source_id"], m["waits_for"]) for m in waiting] == [("m-2", "Front's rate limit")]
    assert "waits for Front's rate limit" in bridge.run_cli("queue", "list", check=0).stdout
    (account,) = bridge.admin("GET", "/api/v1/accounts").json["accounts"]
    assert not account["rate_is_assumed"] and account["rate_limit"] == 60 and account["waiting"] >= 1


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




def test_a_misspelt_filter_does_not_mean_everything(bridge, backend):
    bridge.callback(message())
    assert bridge.admin("POST", "/api/v1/messages/drop?all=1&chanel=other").status == 400
    assert bridge.admin("GET", "/api/v1/messages?stat=dead").status == 400


def test_web_pages_may_not_use_the_admin_listener(bridge):
    port = bridge.admin_port
    assert bridge.request("POST", "/api/v1/messages/drop?all=1", headers={"Origin": "http://evil.example"}, port=port).status == 403
    assert bridge.request("GET", "/metrics", headers={"Host": "evil.example"}, port=port).status == 403
    assert bridge.request("GET", "/metrics", headers={"Host": f"localhost:{port}"}, port=port).status == 200


def test_a_retry_by_an_operator_probes_at_once(make_bridge, front):
    from backend import Backend

    with Backend() as gone:
        port = gone.port
    bridge = make_bridge(backend=gone, front=front, answer={"wait": "0"}, retry={"first": "100ms", "factor": 1, "max": "100ms"})
    sent = message()
    bridge.callback(sent)
    until(lambda: len(bridge.lines("queued")) >= 6, 30)  # the probes are seconds apart by now
    with Backend(port) as back:
        entry = bridge.messages()[0]
        bridge.admin("POST", f"/api/v1/messages/hold?id={entry['id']}")
        bridge.admin("POST", f"/api/v1/messages/release?id={entry['id']}")
        back.wait(1, 3)


def test_a_hangup_does_not_end_it(bridge):
    import signal

    bridge.process.send_signal(signal.SIGHUP)
    until(lambda: bridge.lines("reloaded"))
    assert bridge.callback(message()).status == 200
