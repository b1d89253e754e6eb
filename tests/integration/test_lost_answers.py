"""The answer to a POST to Front is lost: Front is asked whether it has the message before it is posted again."""
import backend as backend_module
import frontapi
import pytest
from backend import Backend
from bridge import APP_SECRET, APP_UID, SECRET, Bridge, next_id
from frontapi import FrontApi
from frontsim import Sim
from serving import Drop
from wait import until

LOST = {"call": "incoming_messages", "drop_response": True}
LOST_COMMENT = {"call": "comments", "drop_response": True}
SLOW = 40


def inbound(handle, text, **fields):
    return {"id": "m-" + next_id(), "conversation_id": "room-" + handle, "sender": {"handle": handle}, "text": text, **fields}


def reaction(message, emoji):
    return {"type": "reaction", "id": "s-" + next_id(), "conversation_id": message["conversation_id"], "sender": message["sender"],
            "message_id": message["id"], "emoji": emoji, "text": emoji}


def outbound(handle, text):
    return {**inbound(handle, text), "direction": "outbound", "sender": {"handle": "desk"}, "to": [{"handle": handle}]}


class World:
    """One bridge with channels in a simulated Front, and one in a Front that lets nobody look; each scenario runs at the same time."""

    def __init__(self, sim, blind, bridge):
        self.sim, self.blind, self.bridge = sim, blind, bridge
        self.wrote = {}  # scenario -> what was written

    def write(self, scenario, channel, message, fault=None):
        """Posts a message, and waits until the fault has struck it."""
        if fault:
            self.sim.fault(**fault)
        before = len(self.sim.calls(fault["call"])) if fault else 0
        assert self.bridge.hook(message, channel=channel).status == 202
        self.wrote[scenario] = {**message, "id": f"{message['type']}\x1f{message['id']}"} if "type" in message else message
        if fault:
            until(lambda: len(self.sim.calls(fault["call"])) > before, 10, scenario)

    def shown(self, scenario):
        return [m for m in self.sim.messages() if m["text"] == self.wrote[scenario]["text"]]

    def ends(self, scenario, state):
        self.bridge.wait_state(self.wrote[scenario]["id"], state, SLOW)

    def timeline(self, scenario):
        (entry,) = [m for m in self.bridge.messages("?limit=1000") if m["source_id"] == self.wrote[scenario]["id"]]
        shown = self.bridge.admin("GET", f"/api/v1/messages/{entry['id']}").json
        return entry, [a["outcome"] for a in shown["timeline"]]


def channel(front_channel, account="main", **fields):
    settings = {"url": "http://127.0.0.1:9/", "secret": backend_module.SECRET}
    retry = {"first": "100ms", "factor": 2, "max": "1s", "give_up": "1h"}
    return {"account": account, "front_channel": front_channel, "adapter": "http", "retry": retry, "settings": settings, **fields}


@pytest.fixture(scope="module")
def world(binary, tmp_path_factory):
    app = {"uid": APP_UID, "secret": APP_SECRET}
    with Sim.start(binary, token=frontapi.TOKEN, app=app) as sim, FrontApi() as blind:
        bridge = Bridge(
            tmp_path_factory.mktemp("lost") / "bridge",
            front=sim,
            channels={
                "support": channel("cha_1"),
                "app": channel("cha_app", kind="application"),
                "deaf": channel("cha_deaf", kind="application"),
                "hold": channel("cha_h", account="blind"),
                "resend": channel("cha_r", account="blind", when_unsure="resend"),
                "late": channel("cha_late", retry={"first": "100ms", "give_up": "300ms"}, answer={"wait": "0"}),
            },
        )
        bridge.config["accounts"]["blind"] = {"api": blind.url, "token": frontapi.TOKEN, "secrets": [SECRET]}
        bridge.write()
        bridge.start()
        url = f"http://127.0.0.1:{bridge.port}/front"
        sim.add_channel(id="cha_1", kind="custom", address="line", secret=SECRET, webhook_url=url + "/support")
        sim.add_channel(id="cha_late", kind="custom", address="late", secret=SECRET, webhook_url=url + "/late")
        sim.add_channel(id="cha_app", kind="application", address="app", secret=APP_SECRET, webhook_url=url + "/app")
        sim.add_channel(id="cha_deaf", kind="application", address="deaf", secret=APP_SECRET, webhook_url="http://127.0.0.1:9/")
        world = World(sim, blind, bridge)
        play(world)
        yield world
        bridge.finish()


def play(world):
    known = inbound("kim", "kim says hello")
    world.write("known", "support", known)
    until(lambda: world.bridge.lines("thread_learnt"), 10, "Kim's conversation")
    world.blind.script = [Drop, Drop]
    world.blind.accept = see_nothing(world.blind.accept)
    world.write("hold", "hold", inbound("ada", "held"))
    until(lambda: len(world.blind.posted()) == 1)
    world.write("resend", "resend", inbound("ada", "resent"))
    until(lambda: len(world.blind.posted()) == 2)
    world.write("first", "support", inbound("ada", "the first of a thread"), LOST)
    world.write("not there", "support", inbound("bob", "Front never saw it"), {**LOST, "applied": False})
    world.write("thread", "support", inbound("kim", "in a known thread"), LOST)
    fail_late(world)
    world.write("comment", "support", reaction(known, "👍"), LOST_COMMENT)
    world.write("comment not there", "support", reaction(known, "👎"), {**LOST_COMMENT, "applied": False})
    world.write("app", "app", inbound("eve", "Front confirms it"), {**LOST, "call": "inbound_messages"})
    world.write("deaf", "deaf", inbound("joe", "only events show it"), {**LOST, "call": "inbound_messages"})
    world.write("agent", "support", outbound("lea", "from an agent"), {**LOST, "call": "imported_messages"})
    world.write("agent app", "deaf", outbound("max", "an agent of the app"), {**LOST, "call": "outbound_messages"})


def fail_late(world):
    """A delivery that fails after success; the answer to the comment that tells of it is lost."""
    world.sim.fault(**LOST_COMMENT)
    world.late = world.sim.send("cha_late", "never arrives", to="zoe")["conversation"]
    until(lambda: world.sim.calls("comments"), 10, "the comment")


def see_nothing(accept):
    def answer(method, path, content):
        if method == "GET":
            return 403, {"content-type": "application/json"}, b'{"_error":{"status":403,"title":"Forbidden","message":"No scope"}}'
        return accept(method, path, content)

    return answer


@pytest.mark.parametrize("scenario, state", [("first", "delivered"), ("thread", "delivered"), ("app", "delivered"), ("deaf", "delivered")])
def test_what_front_has_is_not_posted_again(world, scenario, state):
    world.ends(scenario, state)
    assert len(world.shown(scenario)) == 1
    entry, outcomes = world.timeline(scenario)
    assert outcomes == ["unknown", "delivered"]
    if scenario != "app":
        assert entry["external_id"], "Front's own id is known"


def test_what_front_never_saw_is_posted_again(world):
    world.ends("not there", "accepted")
    (message,) = until(lambda: world.shown("not there"), 5)
    assert world.timeline("not there")[1] == ["unknown", "delivered"]
    assert len({m["conversation"] for m in world.shown("not there") + [message]}) == 1


def test_agents_messages_are_not_doubled_either(world):
    for scenario in ("agent", "agent app"):
        until(lambda: world.bridge.state_of(world.wrote[scenario]["id"]) in ("accepted", "delivered"), SLOW, scenario)
        until(lambda: world.shown(scenario), 5, scenario)  # Front accepts first, and shows a little later
        assert len(world.shown(scenario)) == 1, scenario


@pytest.mark.parametrize("scenario", ["comment", "comment not there"])
def test_a_comment_is_looked_for_by_its_words(world, scenario):
    world.ends(scenario, "delivered")
    emoji = world.wrote[scenario]["emoji"]
    (kim,) = [c for c in world.sim.conversations() if c["customer"]["handle"] == "kim"]
    assert len([c for c in world.sim.conversation(kim["id"])["comments"] if emoji in c["body"]]) == 1
    assert world.timeline(scenario)[1] == ["unknown", "delivered"]


def test_a_late_failure_whose_comment_was_not_answered_is_told_once(world):
    until(lambda: world.bridge.lines("failure_told", channel="late"), SLOW)
    assert len(world.sim.conversation(world.late)["comments"]) == 1


def test_the_conversation_is_learnt_from_what_was_found(world):
    world.ends("first", "delivered")
    (found,) = world.shown("first")
    again = inbound("ada", "and another one")
    world.write("again", "support", again)
    world.ends("again", "accepted")
    (message,) = until(lambda: world.shown("again"), 5)
    assert message["conversation"] == found["conversation"]


def test_who_cannot_look_says_so(world):
    world.ends("hold", "unknown")
    entry, _ = world.timeline("hold")
    assert "No scope" in entry["reason"] and "Look in Front" in entry["reason"] and "retry" in entry["reason"]
    assert len([p for p in world.blind.posted() if "held" in p["body"]]) == 1
    world.bridge.admin("POST", f"/api/v1/messages/retry?id={entry['id']}")
    world.ends("hold", "accepted")
    assert len([p for p in world.blind.posted() if "held" in p["body"]]) == 2, "who retries has looked"


def test_who_would_rather_have_it_twice_gets_that(world):
    world.ends("resend", "accepted")
    assert len([p for p in world.blind.posted() if "resent" in p["body"]]) == 2


@pytest.mark.parametrize("fault", [None, {"call": "events", "status": 503, "next": 2}])
def test_killed_between_the_post_and_its_settle(sim, tmp_path, fault):
    with Backend() as backend:
        bridge = Bridge(tmp_path / "bridge", backend=backend, front=sim, account={"token": sim.token})
        bridge.start(env={"FRONT_BRIDGE_POINT": "after_relay=kill"})
        sim.add_channel(id="cha_1", kind="custom", address="line", secret=SECRET)
        wrote = inbound("ada", "killed")
        bridge.hook(wrote)
        bridge.process.wait(20)
        if fault:
            sim.fault(**fault)
        bridge.start()
        bridge.wait_state(wrote["id"], "delivered", SLOW)
        assert [m["text"] for m in sim.inbound()] == ["killed"]
        assert len(sim.calls("incoming_messages")) == 1
        bridge.finish()
