"""Front sends null, or nothing, for almost everything: each member of what it sends is taken away in turn."""
import copy
import json
import time

import pytest
from bridge import message, next_id
from wait import until

TEAMMATE = {"id": "tea_1", "email": "grace@example.com", "username": "grace", "first_name": "Grace", "last_name": "Hopper", "is_admin": True}
ATTACHMENT = {"id": "fil_1", "url": "https://acme.api.frontapp.com/download/fil_1", "filename": "a.png", "content_type": "image/png",
              "size": 3, "metadata": {"is_inline": True, "cid": "c"}}


def paths(value, before=()):
    """Every place in a JSON value, the outer ones first."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        yield (*before, key)
        yield from paths(inner, (*before, key))


def without(value, path, how):
    """A copy with null at path, or nothing there."""
    value = copy.deepcopy(value)
    at = value
    for key in path[:-1]:
        at = at[key]
    if how == "null":
        at[path[-1]] = None
    else:
        del at[path[-1]]
    return value


def full():
    sent = message(to=["ada", "bob"], author=TEAMMATE, attachments=[ATTACHMENT], subject="S", version="v-1", message_uid="u" + next_id(),
                   error_type=None, signature={"name": "s", "body": "b"}, metadata={"headers": {"in_reply_to": "uid-1"}})
    sent["_links"]["related"]["message_replied_to"] = "https://acme.api.frontapp.com/messages/msg_before"
    return sent


# What a delivery cannot do without: whom it goes to, and the id that it is known by.
NEEDED = {("id",), ("recipients",), ("recipients", 0), ("recipients", 1), ("recipients", 2), ("recipients", 0, "role"),
          ("recipients", 1, "role"), ("recipients", 2, "role"), ("recipients", 1, "handle"), ("recipients", 2, "handle"),
          ("attachments", 0)}


@pytest.mark.parametrize("how", ["null", "absent"])
def test_a_message_with_one_member_less(make_bridge, backend, front, how):
    bridge = make_bridge(backend=backend, front=front, answer={"wait": "5s"})
    front.files["fil_1"] = ("image/png", b"png")
    n = 0
    for path in paths(full()):
        sent = without(full(), path, how)
        answer = bridge.callback(sent)
        if path in NEEDED and (how == "null" or path[-1] not in (0, 1, 2)):
            assert answer.status == 400 and answer.json["message"], path
        else:
            assert answer.json["type"] == "success", (path, answer.body)
            n += 1
    assert n > 40 and bridge.process.poll() is None
    told = backend.deliveries
    assert all(d["recipient"]["handle"] in ("ada", "bob") and isinstance(d["text"], str) for d in told)
    assert None in [d["author"] for d in told] and backend.bad_signatures == 0


@pytest.mark.parametrize("author, told", [
    (None, None), ({}, None), ({"id": "rul_1", "name": "A rule"}, None),  # rules, and other programs through the API
    ({"email": None, "username": None, "first_name": None, "last_name": None}, None),
    ({"email": "g@x.org"}, {"name": None, "email": "g@x.org"}),
    ({"last_name": "Hopper"}, {"name": "Hopper", "email": None}),
    ({"username": "grace", "first_name": None, "last_name": ""}, {"name": "grace", "email": None}),
    (TEAMMATE, {"name": "Grace Hopper", "email": "grace@example.com"}),
])
def test_authors_of_each_kind(bridge, backend, author, told):
    assert bridge.callback(message(author=author)).json["type"] == "success"
    assert backend.wait(1)[0]["author"] == told


EVENT = {
    "id": "evt_1", "type": "assign", "emitted_at": 1453770984.123,
    "_links": {"self": "https://acme.api.frontapp.com/events/evt_1"},
    "source": {"_meta": {"type": "teammate"}, "data": TEAMMATE},
    "target": {"_meta": {"type": "teammate"}, "data": {**TEAMMATE, "id": "tea_2"}},
    "conversation": {"id": "cnv_1", "subject": "s", "status": "assigned", "assignee": TEAMMATE,
                     "recipient": {"handle": "ada", "role": "from", "_links": {"related": {"contact": None}}},
                     "tags": [{"id": "tag_1", "name": "n"}], "last_message": message(), "created_at": 1453770984.123},
}


@pytest.mark.parametrize("how", ["null", "absent"])
def test_an_event_with_one_member_less(make_bridge, backend, front, how):
    bridge = make_bridge(backend=backend, front=front)
    taken = 0
    for n, path in enumerate(paths(EVENT)):
        event = without({**EVENT, "id": f"evt_{n + 2}"}, path, how)
        answer = bridge.callback(event)
        assert answer.status == 400 if path[0] in ("id", "type") else answer.status in (200, 400), (path, answer.body)
        taken += answer.status == 200
    assert taken > 60
    bridge.kill()
    bridge.start()
    assert bridge.callback(message("and on")).json["type"] == "success"


INBOUND = {"id": "m-1", "conversation_id": "room-7", "sender": {"handle": "ada", "name": "Ada", "email": "ada@example.com"}, "text": "Hi",
           "subject": "S", "in_reply_to": "m-0", "sent_at": 1700000000, "direction": "inbound", "author_email": "g@example.com",
           "attachments": [], "to": [{"handle": "bob", "name": "Bob"}]}


@pytest.mark.parametrize("how", ["null", "absent"])
def test_what_a_backend_says_with_one_member_less(bridge, front, how):
    needed = {("sender",), ("sender", "handle"), ("text",)}
    taken = 0
    for path in paths(INBOUND):
        wrote = without({**INBOUND, "id": "m-" + next_id()}, path, how)
        answer = bridge.hook(wrote)
        assert answer.status == (422 if path in needed else 202), (path, answer.body)
        taken += answer.status == 202
    posted = lambda: [c for c in front.calls if c[0] == "POST"]  # noqa: E731
    until(lambda: len(posted()) == taken, 20, "posted")
    assert all(json.dumps(c[3]).find("null") < 0 for c in posted()), "what is not known is not said"
