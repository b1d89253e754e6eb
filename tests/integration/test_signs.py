"""What happens to messages in the backend: edits, deletes, reactions and typing, on both kinds of channels of the simulated Front."""
import json

import backend as backend_module
import frontapi
import pytest
from bridge import APP_SECRET, APP_UID, SECRET, Bridge, message, next_id
from frontsim import Sim
from serving import Drop
from wait import until

CUSTOM, APP, TOKENLESS = "support", "app", "tokenless"


def channel(front_channel, account="main", **fields):
    settings = {"url": "http://127.0.0.1:9/", "secret": backend_module.SECRET}
    retry = {"first": "100ms", "factor": 2, "max": "1s", "give_up": "1h"}
    return {"account": account, "front_channel": front_channel, "adapter": "http", "retry": retry, "settings": settings, **fields}


class World:
    def __init__(self, sim, bridge):
        self.sim, self.bridge = sim, bridge

    def write(self, channel, handle, text="Is it in stock?", **fields):
        """A customer's message that Front shows, in a conversation that the bridge knows; gives its id."""
        message = {"id": "m-" + next_id(), "conversation_id": "room-" + handle, "sender": {"handle": handle, "name": handle.title()}, "text": text, **fields}
        assert self.bridge.hook(message, channel=channel).status == 202
        until(lambda: self.conversation(handle), 10, message["id"])
        return message["id"]

    def tell(self, channel, type, handle, status=202, **fields):
        sign = {"type": type, "id": "s-" + next_id(), "conversation_id": "room-" + handle, "sender": {"handle": handle, "name": handle.title()}, **fields}
        answer = self.bridge.hook(sign, channel=channel)
        assert answer.status == status, answer
        return answer

    def conversation(self, handle):
        """The only conversation of that customer."""
        found = [c for c in self.sim.conversations() if c["customer"]["handle"] == handle]
        assert len(found) < 2, found
        return self.sim.conversation(found[0]["id"]) if found else None

    def bodies(self, handle):
        return [m["html"] for m in self.conversation(handle)["messages"]]

    def comments(self, handle):
        return [c["body"] for c in self.conversation(handle)["comments"]]

    def archive(self, handle):
        id = self.conversation(handle)["id"]
        assert self.sim.api("PATCH", f"/conversations/{id}", {"status": "archived"}).status == 204
        assert self.conversation(handle)["status"] == "archived"


@pytest.fixture(scope="module")
def world(binary, tmp_path_factory):
    app = {"uid": APP_UID, "secret": APP_SECRET}
    with Sim.start(binary, token=frontapi.TOKEN, app=app) as sim:
        channels = {
            CUSTOM: channel("cha_1"),
            APP: channel("cha_app", kind="application"),
            TOKENLESS: channel("cha_less", account="tokenless", kind="application"),
        }
        bridge = Bridge(tmp_path_factory.mktemp("signs") / "bridge", front=sim, channels=channels)
        bridge.config["accounts"]["tokenless"] = {"api": sim.url, "app": app}
        bridge.write()
        bridge.start()
        url = f"http://127.0.0.1:{bridge.port}/front/"
        sim.add_channel(id="cha_1", kind="custom", address="line", secret=SECRET, webhook_url=url + CUSTOM)
        for id, name in (("cha_app", APP), ("cha_less", TOKENLESS)):
            sim.add_channel(id=id, kind="application", address=name, secret=APP_SECRET, webhook_url=url + name)
        yield World(sim, bridge)
        bridge.finish()


@pytest.mark.parametrize("channel", [CUSTOM, APP])
def test_an_edit_is_a_message_in_the_thread_and_reopens_it(world, channel):
    who = "edit-" + channel
    m = world.write(channel, who)
    world.archive(who)
    world.tell(channel, "edit", who, message_id=m, text="Is it in stock in <red>?")
    told = f"<p><em>{who.title()} changed the message “Is it in stock?”. It now reads:</em></p>Is it in stock in &lt;red&gt;?"
    until(lambda: world.bodies(who)[1:] == [told], 10, lambda: world.bodies(who))
    assert world.conversation(who)["status"] == "open"
    assert world.conversation(who)["messages"][1]["is_inbound"]
    assert not world.comments(who)


@pytest.mark.parametrize("channel", [CUSTOM, APP])
def test_a_delete_is_a_message_in_the_thread(world, channel):
    who = "delete-" + channel
    world.tell(channel, "delete", who, message_id=world.write(channel, who))
    told = f"<p><em>{who.title()} took back the message “Is it in stock?”.</em></p>"
    until(lambda: world.bodies(who)[1:] == [told], 10, lambda: world.bodies(who))


@pytest.mark.parametrize("channel", [CUSTOM, APP])
def test_a_reaction_is_a_comment_and_leaves_what_is_archived(world, channel):
    who = "reaction-" + channel
    m = world.write(channel, who)
    world.archive(who)
    world.tell(channel, "reaction", who, message_id=m, emoji="👍🏽")
    world.tell(channel, "reaction", who, message_id=m, emoji="👍🏽", removed=True)
    told = [f"*{who.title()} {did} the message “Is it in stock?”.*" for did in ("reacted with 👍🏽 to", "took back the reaction 👍🏽 to")]
    until(lambda: world.comments(who) == told, 10, lambda: world.comments(who))
    assert world.conversation(who)["status"] == "archived"
    assert len(world.bodies(who)) == 1


def test_without_a_token_a_reaction_is_a_message(world):
    m = world.write(TOKENLESS, "less")
    world.tell(TOKENLESS, "reaction", "less", message_id=m, emoji="👍")
    until(lambda: world.bodies("less")[1:] == ["<p><em>Less reacted with 👍 to the message “Is it in stock?”.</em></p>"], 10, lambda: world.bodies("less"))


def test_in_a_conversation_that_nobody_knows_a_reaction_becomes_a_message_at_last(world):
    world.tell(CUSTOM, "reaction", "stranger", message_id="m-never", emoji="👍")
    until(lambda: world.conversation("stranger"), 30)
    assert world.bodies("stranger") == ["<p><em>Stranger reacted with 👍 to an earlier message.</em></p>"]


@pytest.mark.parametrize("channel", [CUSTOM, APP])
def test_a_message_that_is_not_known_is_told_of_all_the_same(world, channel):
    who = "unknown-" + channel
    world.write(channel, who)
    world.tell(channel, "edit", who, message_id="m-never", text="new")
    world.tell(channel, "delete", who, external_id="m-never")
    name = who.title()
    told = [f"<p><em>{name} changed an earlier message. It now reads:</em></p>new", f"<p><em>{name} took back an earlier message.</em></p>"]
    until(lambda: world.bodies(who)[1:] == told, 10, lambda: world.bodies(who))


@pytest.mark.parametrize("channel", [CUSTOM, APP])
def test_what_agents_over_there_do_to_their_messages_is_a_comment(world, channel):
    who = "agents-" + channel
    world.write(channel, who)
    if channel == CUSTOM:  # else Front gets what the agent wrote before it says where it belongs
        until(lambda: world.bridge.lines("thread_learnt", conversation=world.conversation(who)["id"]))
    agent = {"direction": "outbound", "to": [{"handle": who}], "sender": {"handle": "desk", "name": "Grace"}}
    mine = world.write(channel, who, "It is.", **agent)
    until(lambda: len(world.bodies(who)) == 2, 10)
    world.tell(channel, "edit", who, message_id=mine, markdown="It is **not**. @all", **agent)
    world.tell(channel, "delete", who, message_id=mine, **agent)
    told = ["*Grace changed the message “It is.”. It now reads:*\n\nIt is **not**. @\u2060all", "*Grace took back the message “It is.”.*"]
    until(lambda: world.comments(who) == told, 10, lambda: world.comments(who))
    assert len(world.bodies(who)) == 2


def test_the_same_sign_again_is_one_and_a_message_of_the_same_id_is_another(world):
    m = world.write(CUSTOM, "twice")
    first = world.tell(CUSTOM, "edit", "twice", message_id=m, text="new", id=m)
    again = world.tell(CUSTOM, "edit", "twice", message_id=m, text="new", id=m, status=200)
    assert again.json == first.json and first.json["status"] == "accepted"
    world.tell(CUSTOM, "delete", "twice", message_id=m, id=m)
    until(lambda: len(world.bodies("twice")) == 3, 10, lambda: world.bodies("twice"))
    assert [b.split("Twice ")[-1][:9] for b in world.bodies("twice")[1:]] == ["changed t", "took back"]
    assert world.bridge.metric("front_bridge_signs_total", channel=CUSTOM, sign="edit", result="again") == 1


def test_what_is_told_before_the_message_has_left_comes_behind_it(world):
    world.sim.fault(call="incoming_messages", status=503, times=2)
    m = {"id": "m-" + next_id(), "conversation_id": "room-queued", "sender": {"handle": "queued", "name": "Queued"}, "text": "one"}
    assert world.bridge.hook(m).status == 202
    world.tell(CUSTOM, "edit", "queued", message_id=m["id"], text="two")
    world.tell(CUSTOM, "delete", "queued", message_id=m["id"])
    until(lambda: world.conversation("queued") and len(world.bodies("queued")) == 3, 20)
    assert [b[-6:] for b in world.bodies("queued")] == ["one", "</p>two"[-6:], "m></p>"]


def test_typing_is_counted_and_not_stored(world):
    before, calls = len(world.bridge.messages("?limit=1000")), len(world.sim.calls())
    for _ in range(3):
        answer = world.tell(CUSTOM, "typing", "typist", status=200)
        assert answer.json == {"status": "ignored"}
    assert world.bridge.metric("front_bridge_signs_total", channel=CUSTOM, sign="typing", result="ignored") == 3
    assert len(world.bridge.messages("?limit=1000")) == before
    assert not world.conversation("typist") and len(world.sim.calls()) == calls


def test_bad_signs_are_refused_with_a_sentence(world):
    for fields, words in [
        ({"type": "edit", "message_id": "m"}, "Give the new text"),
        ({"type": "edit", "message_id": "m", "text": ""}, "send a delete"),
        ({"type": "edit", "text": "x"}, "Say which message is meant"),
        ({"type": "delete", "message_id": "m", "external_id": "x"}, "exactly one of"),
        ({"type": "reaction", "message_id": "m"}, "`emoji` must be"),
        ({"type": "reaction", "message_id": "m", "emoji": "👍" * 33}, "128 bytes"),
        ({"type": "reaction", "message_id": "m", "emoji": "👍", "removed": "yes"}, "true or false"),
        ({"type": "edit", "message_id": "m", "text": "x", "attachments": [{"filename": "a"}]}, "only taken with a message"),
        ({"type": "seen", "message_id": "m"}, "message, receipt, edit, delete, reaction or typing"),
    ]:
        answer = world.bridge.hook({"sender": {"handle": "ada"}, **fields})
        assert answer.status == 422 and words in answer.json["error"], (fields, answer)
    answer = world.bridge.hook({"type": "typing"})
    assert answer.status == 422 and "sender.handle" in answer.json["error"]


# ---- with a Front that the test plays itself ----


@pytest.fixture
def comments(front):
    """What is posted as comments: (conversation, body)."""
    original, posted = front.accept, []

    def accept(method, path, content):
        if not path.endswith("/comments"):
            return original(method, path, content)
        posted.append((path.split("/")[2], content["body"]))
        return 201, {"content-type": "application/json"}, b'{"id":"com_1"}'

    front.accept = accept
    return posted


def test_a_reaction_to_what_an_agent_wrote_is_told_where_that_is(bridge, backend, front, comments):
    """By our id and by the backend's; the customer has never written."""
    bridge.callback(message("Hello Ada", to="ada", conversation="cnv_7"))
    (delivery,) = backend.wait(1)
    ada = {"type": "reaction", "sender": {"handle": "ada", "name": "Ada"}, "emoji": ":+1:"}
    for n, about in enumerate([{"delivery_id": delivery["id"]}, {"external_id": "x-" + delivery["id"]}, {"message_id": "x-" + delivery["id"]}]):
        assert bridge.hook({**ada, **about, "id": f"r-{n}"}).status == 202
        until(lambda: len(comments) == n + 1, 10, comments)
    assert comments == [("cnv_7", "*Ada reacted with :+1: to your message “Hello Ada”.*")] * 3
    bridge.wait_state("reaction\x1fr-2", "delivered")


@pytest.mark.parametrize("place", [{}, {"conversation_id": "room-9"}])
def test_an_edit_goes_where_the_message_is(make_bridge, backend, front, place):
    """Also if it does not say its conversation, or another one; and what comes later stays where it is said to be."""
    bridge = make_bridge(backend=backend, front=front, thread="conversation")
    ada = {"sender": {"handle": "ada"}}
    assert bridge.hook({**ada, "id": "m-1", "conversation_id": "room-7", "text": "one"}).status == 202
    assert bridge.hook({**ada, **place, "type": "edit", "id": "e-1", "message_id": "m-1", "text": "two"}).status == 202
    first, edit = front.wait(2)
    assert "two" in edit["body"] and edit["metadata"]["thread_ref"] == first["metadata"]["thread_ref"]
    assert bridge.hook({**ada, "id": "m-2", "conversation_id": "room-9", "text": "three"}).status == 202
    third = front.wait(3)[2]
    assert third["metadata"]["thread_ref"] != first["metadata"]["thread_ref"]
    for n, (posted, room) in enumerate([(first, "room-7"), (third, "room-9")], 1):  # the edit's room is learnt by its own message
        conversation = front.conversations[posted["metadata"]["thread_ref"]]
        until(lambda: bridge.lines("thread_learnt", conversation=conversation), 10, f"where {room} is")
        assert bridge.callback(message(conversation=conversation)).json["type"] == "success"
        assert backend.wait(n)[n - 1]["conversation_id"] == room


@pytest.fixture
def reaction(bridge, backend):
    """Tells of a reaction, and gives its id."""
    bridge.callback(message("Hello Ada", to="ada", conversation="cnv_7"))
    (delivery,) = backend.wait(1)

    def react():
        assert bridge.hook({"type": "reaction", "id": "r", "delivery_id": delivery["id"], "sender": {"handle": "ada"}, "emoji": "👍"}).status == 202
        return "reaction\x1fr"

    return react


def refuse(title):
    return 403, {"content-type": "application/json"}, json.dumps({"_error": {"status": 403, "title": title}}).encode()


def test_a_comment_whose_answer_is_lost_is_left_to_a_person_where_nobody_may_look(bridge, front, reaction):
    original, posted = front.accept, []

    def accept(method, path, content):
        if not path.endswith("/comments"):
            return original(method, path, content)
        if method == "GET":
            return refuse("No comments:read")
        posted.append(content["body"])
        raise Drop

    front.accept = accept
    bridge.wait_state(reaction(), "unknown", 20)
    assert len(posted) == 1


def test_a_comment_that_front_shows_in_other_words_is_posted_twice_at_most(bridge, front, reaction):
    original, posted = front.accept, []

    def accept(method, path, content):
        if not path.endswith("/comments"):
            return original(method, path, content)
        if method == "GET":
            comments = [{"id": "com_1", "posted_at": 9999999999, "body": "<p>in other words</p>"} for _ in posted]
            return 200, {"content-type": "application/json"}, json.dumps({"_pagination": {"next": None}, "_results": comments}).encode()
        posted.append(content["body"])
        raise Drop

    front.accept = accept
    bridge.wait_state(reaction(), "unknown", 40)
    assert len(posted) == 2


def test_a_token_that_may_not_comment_is_told_which_scope_it_lacks(bridge, front, reaction):
    original = front.accept
    front.accept = lambda m, path, c: refuse("Forbidden") if path.endswith("/comments") else original(m, path, c)
    bridge.wait_state(reaction(), "dead")
    (dead,) = bridge.admin("GET", "/api/v1/messages?state=dead").json["messages"]
    assert "403" in dead["reason"] and dead["reason"].endswith("needs the scope comments:write")


def test_a_dry_run_tells_front_of_nothing(make_bridge, backend, front, comments):
    bridge = make_bridge(backend=backend, front=front, dry_run=True, only_to=["eve"])
    ada = {"sender": {"handle": "ada"}, "message_id": "m-1"}
    for fields in ({"type": "edit", "text": "new"}, {"type": "delete"}, {"type": "reaction", "emoji": "👍"}):
        assert bridge.hook({**ada, **fields, "id": "s"}).status == 202
        until(lambda: bridge.state_of(f"{fields['type']}\x1fs") == "accepted")
    assert {m["reason"] for m in bridge.messages()} == {"dry run"}
    assert not front.calls and not comments


def test_history_holds_no_signs(make_bridge, backend, front):
    """A line that is none would be told as if it had happened now."""
    bridge = make_bridge(backend=backend, front=front)
    lines = bridge.folder / "history.jsonl"
    lines.write_text('{"type":"edit","message_id":"m","id":"h","sender":{"handle":"ada"},"text":"x","created_at":1600000000}\n')
    ran = bridge.run_cli("import", str(lines), "--channel", "support")
    assert ran.returncode == 1 and "history holds messages alone" in ran.stdout + ran.stderr
