"""front-bridge doctor, in a good world and in those that are wrong in one way each."""
import email.utils
import json
import time

import backend as backend_module
import pytest
from bridge import APP_SECRET, APP_UID, SECRET, Bridge, message
from frontapi import TOKEN
from frontsetup import FrontSetup
from serving import Drop, Server


@pytest.fixture
def front():
    with FrontSetup() as running:
        yield running


@pytest.fixture
def world(make_bridge, backend, front):
    """A running bridge that knows its own URL."""
    bridge = make_bridge(backend=backend, front=front)
    bridge.config["public_url"] = f"http://127.0.0.1:{bridge.port}"
    bridge.write()
    return bridge


def doctor(bridge, code=None, *options):
    done = bridge.run_cli("doctor", "--json", *options)
    assert done.returncode in (0, 1), done.stderr
    if code is not None:
        assert done.returncode == code, done.stdout
    for secret in (TOKEN, SECRET, APP_SECRET, backend_module.SECRET):
        assert secret not in done.stdout + done.stderr
    return json.loads(done.stdout)


def find(report, check, subject=None):
    (found,) = [c for c in report["checks"] if c["check"] == check and subject in (None, c["subject"])]
    return found


def bad(report):
    return [(c["subject"], c["check"]) for c in report["checks"] if c["level"] in ("warning", "problem")]


def test_a_good_world_is_well_and_costs_little(world, backend, front):
    report = doctor(world, 0)
    assert report["is_well"] and bad(report) == []
    assert {c["level"] for c in report["checks"]} == {"ok", "note"}
    assert "Professional" in find(report, "rate")["text"]
    assert "inb_1" in find(report, "in Front")["text"] and "support-line" in find(report, "in Front")["text"]
    assert find(report, "signature")["level"] == "ok"
    assert "does not show" in find(report, "callback URL")["text"]
    assert report["front_requests"]["main"] == len(front.calls) == 14
    assert all(c[2] == {} and "_0" in c[1] for c in front.writes()), "only what cannot succeed"
    assert not backend.deliveries and world.messages() == [], "nothing is stored or sent"
    text = world.run_cli("doctor", check=0).stdout
    assert "ok       account main, token: Front takes it, as a token of Acme\n" in text
    assert text.endswith("0 problems, 0 warnings. Account main: 14 requests to Front.\n")


def test_what_waits_for_a_person_is_said(world, backend):
    report = doctor(world)
    assert [c["level"] for c in report["checks"] if c["check"] == "messages"] == ["ok"]
    world.config["channels"]["support"]["when_unsure"] = "hold"
    world.write()
    world.restart()
    backend.answer = lambda d: Drop
    sent = message()
    world.callback(sent)
    world.wait_state(sent["id"], "unknown")
    (found,) = [c for c in doctor(world)["checks"] if c["check"] == "messages"]
    assert found["level"] == "warning" and "unknown" in found["text"] and "queue list --state unknown" in found["cure"]


def test_without_a_running_bridge(tmp_path, backend, front):
    bridge = Bridge(tmp_path, backend=backend, front=front, top={"public_url": "http://127.0.0.1:1"})
    report = doctor(bridge, 1)
    assert bad(report) == [("public_url", "reachable")]
    assert find(report, "running")["level"] == "note"
    assert find(report, "signature")["level"] == "note"
    assert not (tmp_path / "store").exists(), "it makes nothing"


def test_a_wrong_token_costs_one_request(world, front):
    front.tokens = {"another": set()}
    report = doctor(world, 1)
    assert bad(report) == [("account main", "token")]
    assert "401" in find(report, "token")["text"] and "Developers" in find(report, "token")["cure"]
    assert len(front.calls) == 1


def test_missing_scopes(world, front):
    front.tokens[TOKEN] -= {"comments:write", "comments:read", "channels:write", "messages:read"}
    report = doctor(world, 1)
    levels = {c["check"]: c["level"] for c in report["checks"] if c["check"].startswith("scope")}
    assert levels.pop("scope comments:write") == levels.pop("scope messages:read") == "problem"
    assert levels.pop("scope channels:write") == "warning", "register alone needs it"
    assert levels.pop("scope comments:read") == "warning", "lost answers alone need it"
    assert set(levels.values()) == {"ok"}
    assert "tell agents of reactions" in find(report, "scope comments:write")["text"]


class Elsewhere(Server):
    def handle(self, method, path, headers, body):
        return 200, {"content-type": "application/json"}, b'{"hello":"world"}'


def test_a_host_that_is_not_front(world):
    with Elsewhere() as other:
        world.config["accounts"]["main"]["api"] = other.url
        world.write()
        report = doctor(world, 1)
    assert bad(report) == [("account main", "api")]
    assert "api2.frontapp.com" in find(report, "api")["cure"]


def test_a_host_that_does_not_answer(world):
    world.config["accounts"]["main"]["api"] = "http://127.0.0.1:1"
    world.write()
    report = doctor(world, 1)
    assert bad(report) == [("account main", "api")]


@pytest.mark.parametrize("skew, level", [(-120, "warning"), (900, "problem")])
def test_a_clock_that_is_wrong(world, front, skew, level):
    front.headers = {"date": email.utils.formatdate(time.time() - skew, usegmt=True)}
    report = doctor(world)
    assert find(report, "clock")["level"] == level
    assert ("behind" if skew < 0 else "ahead of") in find(report, "clock")["text"]


def test_a_limit_that_others_use_up(world, front):
    front.rate = {"x-ratelimit-limit": "50", "x-ratelimit-remaining": "46", "x-ratelimit-reset": "9999999999"}
    assert "Starter" in find(doctor(world, 0), "rate")["text"]
    front.rate["x-ratelimit-remaining"] = "3"
    report = doctor(world, 0, "--timeout", "2s")
    assert find(report, "rate")["level"] == "warning"
    assert "rate limit is used up" in find(report, "scope messages:read")["text"], "what the reserve is for is left"


@pytest.mark.parametrize(
    "changes, word",
    [({"type": "smtp"}, "smtp"), ({"is_valid": False}, "not valid"), (None, "knows no channel")],
)
def test_a_channel_that_is_wrong_in_front(world, front, changes, word):
    if changes is None:
        del front.channels["cha_1"]
    else:
        front.channels["cha_1"].update(changes)
    report = doctor(world, 1)
    assert bad(report) == [("channel support", "in Front")]
    assert word in find(report, "in Front")["text"]


def test_a_bridge_that_runs_with_other_secrets(world):
    world.config["accounts"]["main"]["secrets"] = [SECRET, "a-newer-one"]
    world.write()
    report = doctor(world, 1)
    assert bad(report) == [("channel support", "signature")]
    assert "secret 2" in find(report, "signature")["text"]


def test_a_bridge_that_does_not_know_the_channel(world):
    world.config["channels"]["more"] = {**world.config["channels"]["support"], "front_channel": "cha_2"}
    world.write()
    report = doctor(world, 1)
    assert ("channel more", "signature") in bad(report) and ("channel more", "status") in bad(report)
    assert ("channel support", "signature") not in bad(report)


class Yes(Server):
    def handle(self, method, path, headers, body):
        return 200, {"content-type": "application/json"}, b'ok' if path == "/healthz" else b'{"type":"success"}'


def test_something_else_answers_at_the_public_url(world):
    with Yes() as other:
        world.config["public_url"] = other.url
        world.write()
        report = doctor(world, 1)
    assert bad(report) == [("channel support", "signature")]


def test_a_backend_that_is_down(world, backend):
    backend.close()
    report = doctor(world, 1)
    assert bad(report) == [("channel support", "backend")]
    assert backend_module.SECRET not in json.dumps(report)
    assert find(report, "backend")["text"].startswith(f"http://127.0.0.1:{backend.port}: ")


def test_an_application_channel(make_bridge, backend, front):
    channels = {
        "app": {"account": "main", "kind": "application", "front_channel": "cha_1", "adapter": "http",
                "settings": {"url": backend.url, "secret": backend_module.SECRET}}
    }
    account = {"token": TOKEN, "app": {"uid": APP_UID, "secret": APP_SECRET}}
    bridge = make_bridge(backend=backend, front=front, channels=channels, account=account)
    bridge.config["public_url"] = f"http://127.0.0.1:{bridge.port}"
    bridge.write()
    report = doctor(bridge, 1)
    assert bad(report) == [("channel app", "app")], "this world takes no app's token"
    assert find(report, "signature")["level"] == "ok"
    front.tokens = type("Any", (dict,), {"get": lambda self, key: set(front_scopes())})()
    report = doctor(bridge, 0)
    assert find(report, "app")["level"] == "ok"


def front_scopes():
    from frontsetup import SCOPES

    return SCOPES.values()


def test_a_configuration_with_mistakes(world):
    world.config["channels"]["support"]["settings"] = {}
    world.write()
    done = world.run_cli("doctor")
    assert done.returncode == 2 and "settings" in done.stderr


def test_a_stalling_front_ends_by_the_deadline(world, front):
    front.lock.acquire()
    try:
        report = doctor(world, 1, "--timeout", "2s")
    finally:
        front.lock.release()
    assert "the time was over" in find(report, "api")["text"]
    assert find(report, "signature")["level"] == "ok", "the rest was looked at meanwhile"
