"""The simulator against Front's own documents: its answers satisfy them, and it demands what they demand."""
import copy
import json
import sys

import pytest

from openapi import ROOT

sys.path.insert(0, str(ROOT / "tests" / "integration"))

from bridge import BINARY  # noqa: E402
from frontsim import Receiver, Sim, attachment, jwt, multipart, wait_for  # noqa: E402

def application_token():
    return jwt("app-uid", "app-secret", "cha_a")


@pytest.fixture(scope="module")
def sim():
    config = {"app": {"uid": "app-uid", "secret": "app-secret"}, "rate": {"limit": 0, "per_resource": 0}, "created_delay_ms": 0}
    with Receiver() as receiver, Sim.start(str(BINARY), **config) as running:
        receiver.answer = lambda r: (200, {"type": "success", "external_id": "m-1", "external_conversation_id": "c-1"})
        running.add_channel(id="cha_c", webhook_url=receiver.url, secret="s")
        running.add_channel(id="cha_a", kind="application", webhook_url=receiver.url)
        yield running


REQUESTS = {
    ("POST", "/channels/cha_c/incoming_messages"): {
        "sender": {"handle": "ada", "name": "Ada", "contact_id": "crd_1"}, "subject": "S", "body": "x", "body_format": "html",
        "metadata": {"thread_ref": "t", "headers": {"a": "b"}}},
    ("POST", "/channels/cha_a/inbound_messages"): {
        "sender": {"handle": "ada", "name": "Ada", "email": "ada@example.com"}, "subject": "S", "body": "x", "delivered_at": 1700000000,
        "metadata": {"external_id": "i-1", "external_conversation_id": "c-1", "referenced_message_external_id": "m-1"}},
    ("POST", "/channels/cha_a/outbound_messages"): {
        "sender_name": "Bot", "to": [{"handle": "ada", "name": "Ada", "email": "ada@example.com"}], "subject": "S", "author_id": "tea_1",
        "body": "x", "delivered_at": 1700000000,
        "metadata": {"external_id": "o-1", "external_conversation_id": "c-1", "referenced_message_external_id": "i-1"}},
    ("POST", "/inboxes/inb_1/imported_messages"): {
        "sender": {"handle": "ada", "name": "Ada", "author_id": "tea_1"}, "to": ["chat"], "cc": ["b"], "bcc": ["c"], "subject": "S", "body": "x",
        "body_format": "html", "external_id": "h-1", "created_at": 1500000000, "type": "email", "assignee_id": "tea_1", "tags": ["t"],
        "metadata": {"thread_ref": "t", "is_inbound": True, "is_archived": False, "should_skip_rules": True}},
    ("POST", "/inboxes/inb_1/channels"): {"type": "custom", "name": "Chat", "settings": {"webhook_url": "https://example.com/x", "undo_send_time": 5}},
}
TOKENS = {path: application_token for path in ("/channels/cha_a/inbound_messages", "/channels/cha_a/outbound_messages")}


def ask(sim, method, path, body=None):
    token = TOKENS[path]() if path in TOKENS else None
    return sim.api(method, path, body, token)


def without(body, dotted):
    """A copy of body in which the field is missing."""
    changed = copy.deepcopy(body)
    *holders, last = dotted.split(".")
    place = changed
    for key in holders:
        place = place[int(key) if isinstance(place, list) else key]
    del place[last]
    return changed


@pytest.mark.parametrize("method, path", REQUESTS)
def test_what_front_accepts_is_accepted_and_what_it_demands_is_demanded(api, sim, method, path):
    whole = REQUESTS[method, path]
    assert api.mistakes(method, path, whole) == []
    answer = ask(sim, method, path, {**whole, "unknown": {"a": 1}})
    assert answer.status == (202 if "messages" in path else 204), answer
    if answer.body:
        assert api.mistakes_of_answer(method, path, answer.json, "202") == []
    required = api.required(method, path)
    assert required
    for field in required:
        refused = ask(sim, method, path, without(whole, field))
        assert refused.status == 400, field
        name = field.split(".")[-1]
        assert any(name in d and "missing" in d or f"{name}." in d for d in refused.json["_error"]["details"]), (field, refused)


@pytest.mark.parametrize("method, path", [key for key in REQUESTS if "messages" in key[1]])
def test_a_form_is_taken_as_json_is(api, sim, method, path):
    body = copy.deepcopy(REQUESTS[method, path])
    (body if "external_id" in body else body["metadata"])["external_id"] = "of a form"
    content_type, form = multipart(body, [("attachments[0]", "a.txt", "text/plain", b"abc")])
    answer = sim.api(method, path, form, TOKENS[path]() if path in TOKENS else None, {"Content-Type": content_type})
    assert answer.status == 202 and api.mistakes_of_answer(method, path, answer.json, "202") == []
    message = wait_for(lambda: (a := sim.api("GET", f"/messages/alt:uid:{answer.json['message_uid']}")).status == 200 and a.json)
    assert (message["attachments"][0]["filename"], message["attachments"][0]["size"]) == ("a.txt", 3)


def test_answers_are_as_documented(schema, sim):
    sent = sim.send("cha_c", "See", to="ada", attachments=[attachment("a.png", b"x", "image/png"), attachment("b.png", b"y", cid="c1")])
    message, conversation = sent["id"], sent["conversation"]
    assert sim.api("POST", f"/messages/{message}/seen", {}).status == 204
    lists = ["/channels?limit=1", "/inboxes", "/inboxes/inb_1/channels", f"/conversations/{conversation}/messages", f"/messages/{message}/seen"]
    for path in ["/me", "/channels/cha_c", "/channels/cha_a", "/inboxes/inb_1", f"/messages/{message}", f"/conversations/{conversation}", *lists]:
        answer = sim.api("GET", path)
        shown = answer.json
        if path in lists:
            assert shown["_results"] and set(shown["_pagination"]) == {"next"}
        if path in lists[:3]:
            shown.pop("_pagination")  # Front's prose on pages holds for all lists, its documents leave it out of these
        assert answer.status == 200 and schema.mistakes_of_answer("GET", path, shown) == [], path
    comment = sim.api("POST", f"/conversations/{conversation}/comments", {"body": "x"})
    assert schema.mistakes_of_answer("POST", f"/conversations/{conversation}/comments", comment.json, "201") == []
    path = f"/conversations/{conversation}/comments"
    listed = sim.api("GET", path).json
    assert [c["body"] for c in listed["_results"]] == ["x"] and listed.pop("_pagination") == {"next": None}
    assert schema.mistakes_of_answer("GET", path, listed) == []
    validated = sim.api("POST", "/channels/cha_c/validate")
    assert schema.mistakes_of_answer("POST", "/channels/cha_c/validate", validated.json, "202") == []


def test_a_callback_is_a_message_as_documented(schema, sim):
    """What a custom channel gets is what GET /messages shows; an application channel gets it in an envelope."""
    sent = sim.send("cha_c", "See", to="ada", attachments=[attachment("a.png", b"x", "image/png")])
    body = json.loads(next(c["body"] for c in sim.callbacks() if c["message"] == sent["id"]))
    assert body["attachments"] and schema.mistakes_of_answer("GET", "/messages/msg_1", body) == []
