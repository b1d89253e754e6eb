"""What the simulator shows of events is what Front's OpenAPI says. Merged conversations' ids and custom fields have no schema there."""
import os
import pathlib
import sys

import pytest

from openapi import ROOT

sys.path.insert(0, str(ROOT / "tests" / "integration"))

from frontsim import Receiver, Sim, wait_for  # noqa: E402

BINARY = pathlib.Path(os.environ.get("FRONT_BRIDGE_BIN", ROOT / "build-debug" / "front-bridge"))

TYPES = ("assign unassign archive reopen trash restore comment mention inbound outbound out_reply move forward tag untag link_added "
         "link_removed sending_error message_bounce_error reminder").split()


@pytest.fixture(scope="module")
def sim():
    if not BINARY.exists():
        pytest.fail(f"{BINARY} is not there: build it, or set FRONT_BRIDGE_BIN")
    with Receiver() as receiver, Sim.start(str(BINARY), rate={"limit": 0, "per_resource": 0}, created_delay_ms=0) as running:
        running.add_channel(id="cha_c", address="chat", webhook_url=receiver.url, secret="s")
        running.api("POST", "/channels/cha_c/incoming_messages", {"sender": {"handle": "ada", "name": "Ada"}, "body": "Hello"})
        [conversation] = wait_for(running.conversations)
        running.send("cha_c", "Hello you", conversation=conversation["id"], subject="S")
        running.talk = conversation["id"]
        yield running


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("source", ["rule", None])
def test_an_event(schema, sim, type, source):
    event = sim.happen(type, sim.talk, inbox="inb_1", **({"source": source} if source else {}))["event"]
    shown = sim.api("GET", f"/events/{event['id']}").json
    assert schema.mistakes_of_answer("GET", "/events/evt_1", shown) == []


def test_a_source_without_a_resource(schema, sim):
    event = sim.happen("tag", sim.talk, source="api")["event"]
    assert schema.mistakes_of_answer("GET", "/events/evt_1", event) == []


def test_a_page(schema, sim):
    page = sim.search(limit=5).json
    assert page["_results"] and schema.mistakes_of_answer("GET", "/events", page) == []


def test_the_validator_sees_mistakes(schema, sim):
    """A validator that accepts everything would pass all of the above."""
    event = sim.happen("assign", sim.talk)["event"]
    for change in ({"type": 7}, {"type": "nothing"}, {"emitted_at": "now"}, {"source": {"_meta": {"type": "planet"}}}, {"id": None},
                   {"target": {"_meta": {"type": "message"}, "data": {"id": 5}}}, {"conversation": {}}, {"extra": 1}):
        assert schema.mistakes_of_answer("GET", "/events/evt_1", {**event, **change}), change
