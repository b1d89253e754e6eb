"""front-bridge channel register: Front is told where to call, and nothing else is changed."""
import json
import subprocess
import threading

import pytest
import yaml
from bridge import BINARY, SECRET, Bridge, message
from frontapi import TOKEN
from frontsetup import FrontSetup
from serving import Drop
from wait import until

PUBLIC = "https://bridge.example.com"
NAME = "support (front-bridge)"


@pytest.fixture
def front():
    with FrontSetup() as running:
        yield running


@pytest.fixture
def bridge(tmp_path, front):
    """A configuration; nothing runs."""
    return Bridge(tmp_path, front=front, top={"public_url": PUBLIC})


def unregistered(bridge):
    del bridge.config["channels"]["support"]["front_channel"]
    bridge.write()
    return bridge


def register(bridge, *options, code=0, name="support"):
    done = bridge.run_cli("channel", "register", name, "--json", *options)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert TOKEN not in done.stdout + done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


def test_a_known_channel_gets_the_url_and_keeps_its_settings(bridge, front):
    answer = register(bridge)
    assert answer == {"channel": "support", "action": "updated", "front_channel": "cha_1", "inbox": None,
                      "webhook_url": f"{PUBLIC}/front/support"}
    (write,) = front.writes()
    assert write == ("PATCH", "/channels/cha_1", {"settings": {
        "undo_send_time": 5, "all_teammates_can_reply": False, "webhook_url": f"{PUBLIC}/front/support"}})
    register(bridge)
    assert front.writes()[1] == write, "what Front does not show is said again, the same"
    text = bridge.run_cli("channel", "register", "support", check=0).stdout
    assert text == f"Front calls {PUBLIC}/front/support for cha_1.\n"


def test_where_front_shows_the_url_it_is_left_alone(bridge, front):
    front.channels["cha_1"]["settings"]["webhook_url"] = f"{PUBLIC}/front/support"
    assert register(bridge)["action"] == "unchanged"
    assert not front.writes()


def test_a_new_channel_is_made_once(bridge, front):
    unregistered(bridge)
    answer = register(bridge, "--inbox", "inb_1")
    made = answer["front_channel"]
    assert answer["action"] == "created" and made in front.channels and made != "cha_1"
    assert front.channels[made]["name"] == NAME, "the mark is off again"
    posts = [c for c in front.writes() if c[0] == "POST"]
    assert len(posts) == 1 and posts[0][1] == "/inboxes/inb_1/channels" and posts[0][2]["type"] == "custom"
    assert posts[0][2]["settings"] == {"webhook_url": f"{PUBLIC}/front/support"}
    n = len(front.writes())
    assert register(bridge, "--inbox", "inb_1") == {**answer, "action": "found"}
    assert len(front.writes()) == n and len(front.channels) == 2
    text = bridge.run_cli("channel", "register", "support", "--inbox", "inb_1", check=0).stdout
    line = text.splitlines()[-1]
    assert line == f"    front_channel: {made}"
    bridge.config["channels"]["support"].update(yaml.safe_load(line))
    bridge.write()
    assert register(bridge)["action"] == "updated"


def test_a_dry_run_only_looks(bridge, front):
    assert register(bridge, "--dry-run")["action"] == "would_update"
    unregistered(bridge)
    assert register(bridge, "--inbox", "inb_2", "--dry-run")["action"] == "would_create"
    assert not front.writes() and len(front.channels) == 1


def test_a_channel_in_dry_run_takes_over_nothing(bridge, front):
    bridge.config["channels"]["support"]["dry_run"] = True
    bridge.write()
    assert "dry_run" in register(bridge, code=2)
    assert not front.writes()


def test_two_at_once_find_their_own(bridge, front, tmp_path):
    unregistered(bridge)
    bridge.config["channels"]["sales"] = {**bridge.config["channels"]["support"]}
    bridge.write()
    both = threading.Barrier(2, timeout=20)
    front.before_post = both.wait  # both have looked before either has made one
    command = [BINARY, "channel", "register", "--inbox", "inb_1", "--json", "-c", bridge.file]
    runs = {
        name: subprocess.Popen([*command, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for name in ("support", "sales")
    }
    for name, process in runs.items():
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert front.channels[json.loads(out)["front_channel"]]["name"] == f"{name} (front-bridge)"
        assert err == ""
    assert len(front.channels) == 3


def test_two_of_one_name_at_once_are_told(bridge, front):
    unregistered(bridge)
    both = threading.Barrier(2, timeout=20)
    front.before_post = both.wait
    command = [BINARY, "channel", "register", "support", "--inbox", "inb_1", "--json", "-c", bridge.file]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ended = [p.communicate(timeout=60) for p in runs]
    ids = {json.loads(out)["front_channel"] for out, _ in ended}
    assert len(ids) == 2 and ids < set(front.channels)
    assert any("another registration made" in err for _, err in ended)


def test_a_lost_answer_makes_no_second_channel(bridge, front):
    unregistered(bridge)
    answer = front.answer

    def lose(method, path, headers, content):
        made = answer(method, path, headers, content)
        if method == "POST":
            raise Drop
        return made

    front.answer = lose
    assert register(bridge, "--inbox", "inb_1")["action"] == "created"
    assert len(front.channels) == 2


def test_where_front_shows_no_names_the_only_new_one_is_ours(bridge, front, monkeypatch):
    unregistered(bridge)
    answer = front.answer

    def nameless(method, path, headers, content):
        status, shown = answer(method, path, headers, content)
        if method == "GET" and path.endswith("/channels"):
            shown = {"_results": [{k: v for k, v in c.items() if k != "name"} for c in shown["_results"]]}
        return status, shown

    front.answer = nameless
    made = register(bridge, "--inbox", "inb_1")["front_channel"]
    assert made in front.channels and made != "cha_1"


def test_every_page_of_an_inbox_is_looked_through(bridge, front):
    unregistered(bridge)
    front.add_channel("cha_last", name=NAME)
    answer = front.answer

    def paged(method, path, headers, content):
        status, shown = answer(method, path, headers, content)
        if method == "GET" and "/channels" in path and "_results" in shown:
            at = int(path.partition("page_token=")[2] or 0)
            link = f"https://elsewhere.example/inboxes/inb_1/channels?page_token={at + 1}"
            more = at + 1 < len(shown["_results"])
            shown = {"_results": shown["_results"][at:at + 1], "_pagination": {"next": link if more else None}}
        return status, shown

    front.answer = paged
    assert register(bridge, "--inbox", "inb_1") == {
        "channel": "support", "action": "found", "front_channel": "cha_last", "inbox": "inb_1",
        "webhook_url": f"{PUBLIC}/front/support"}
    assert not front.writes()


def test_from_nothing_to_a_message_with_the_simulated_front(make_bridge, backend, sim):
    """As the README says it: register, doctor, and an agent writes."""
    bridge = make_bridge(backend=backend, front_channel=None)
    bridge.stop()
    token = sim.scoped_token("messages:read", "messages:write", "conversations:read", "conversations:write", "comments:read",
                             "comments:write", "channels:read", "channels:write", "inboxes:read", "attachments:read", "events:*:read")
    bridge.config["accounts"]["main"].update(api=sim.url, token=token)
    bridge.config["listen"] = f"127.0.0.1:{bridge.port}"
    bridge.config["public_url"] = f"http://127.0.0.1:{bridge.port}"
    bridge.write()
    made = register(bridge, "--inbox", "inb_1")["front_channel"]
    assert register(bridge, "--inbox", "inb_1") == {
        "channel": "support", "action": "found", "front_channel": made, "inbox": "inb_1",
        "webhook_url": f"http://127.0.0.1:{bridge.port}/front/support"}
    bridge.config["channels"]["support"]["front_channel"] = made
    bridge.write()
    assert register(bridge)["action"] == "updated"
    sim.add_channel(id=made, secret=SECRET)
    bridge.start()
    report = json.loads(bridge.run_cli("doctor", "--json").stdout)
    assert report["is_well"], report
    assert [c["check"] for c in report["checks"] if c["level"] == "warning"] == []
    assert sim.send(made, "hello", to="ada")["state"] == "sent"
    assert backend.texts() == ["hello"]
    assert bridge.hook({"id": "m-1", "sender": {"handle": "ada"}, "text": "Hi"}).status == 202
    until(sim.inbound)


def test_what_cannot_be_registered(bridge, front):
    front.channels["cha_1"]["type"] = "smtp"
    assert "no custom channel" in register(bridge, code=1)
    del front.channels["cha_1"]
    assert "knows no channel cha_1" in register(bridge, code=1)
    assert "has a front_channel" in register(bridge, "--inbox", "inb_1", code=2)
    assert 'no channel "nobody"' in register(bridge, code=2, name="nobody")
    front.inboxes["inb_1"].clear()
    unregistered(bridge)
    asked = register(bridge, code=2)
    assert "--inbox inb_1  Inbox inb_1" in asked and "--inbox inb_2" in asked
    assert "such as inb_12ab" in register(bridge, "--inbox", "tea_1", code=2)
    assert "knows no inbox" in register(bridge, "--inbox", "inb_9", code=1)
    front.tokens[TOKEN] -= {"channels:write"}
    assert "channels:write" in register(bridge, "--inbox", "inb_1", code=1)
    front.tokens = {}
    assert "401" in register(bridge, "--inbox", "inb_1", code=1)
    del bridge.config["public_url"]
    bridge.write()
    assert "public_url" in register(bridge, "--inbox", "inb_1", code=2)
    assert not [c for c in front.writes() if c[0] == "PATCH"] and not front.channels


def test_an_application_channel_is_connected_by_hand(bridge, front):
    bridge.config["channels"]["support"].update(kind="application", api_key="typed")
    del bridge.config["channels"]["support"]["front_channel"]
    bridge.write()
    assert register(bridge)["webhook_url"] == f"{PUBLIC}/apps/main"
    text = bridge.run_cli("channel", "register", "support", check=0).stdout
    assert f"{PUBLIC}/apps/main" in text and "app_uid_1" in text and "api_key" in text and "typed" not in text
    assert not front.calls


def test_a_bridge_runs_before_its_channel_is_registered(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, front_channel=None)
    assert bridge.lines("no_front_channel", channel="support")
    assert bridge.callback(message()).json["type"] == "success", "Front may call it already"
    assert bridge.hook({"id": "m-1", "sender": {"handle": "ada"}, "text": "Hi"}).status == 202
    assert bridge.state_of("m-1") == "queued", "it waits"
    assert not front.calls
    warning = bridge.run_cli("check", check=0).stderr
    assert "channels.support: warning: without its front_channel it cannot post to Front" in warning
    report = json.loads(bridge.run_cli("doctor", "--json").stdout)
    (found,) = [c for c in report["checks"] if c["check"] == "in Front"]
    assert found["level"] == "problem" and "channel register support" in found["cure"]
