"""The simulator alone: attachments both ways, and the calls that history, channels and receipts need."""
import hashlib
import http.client
import json
import time

import pytest

from frontsim import Receiver, attachment, generated, jwt, multipart, wait_for

PNG = bytes(range(256)) * 40 + b"\r\n--front-\r\n\x00\xff"
FREE = {"limit": 0, "per_resource": 0}  # tests of other things than limits


@pytest.fixture(autouse=True)
def unlimited(sim):
    sim.configure(rate=FREE, created_delay_ms=0)


@pytest.fixture
def custom(sim, receiver):
    return sim.add_channel(id="cha_c", address="chat", webhook_url=receiver.url + "/front/chat", secret="s")["id"]


@pytest.fixture
def application(sim, receiver):
    receiver.answer = lambda r: (200, {"type": "success", "external_id": "m-1", "external_conversation_id": "c-1"})
    return sim.add_channel(id="cha_a", kind="application", address="app", webhook_url=receiver.url + "/front/app")["id"]


def channel_token(channel="cha_a"):
    return jwt("app-uid", "app-secret", channel)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def created(sim, answer):
    """The message, as the control API shows it, that an accepted call has made."""
    assert answer.status == 202, answer
    uid = answer.json["message_uid"]
    wait_for(lambda: sim.api("GET", f"/messages/alt:uid:{uid}").status == 200)
    return sim.message(f"alt:uid:{uid}")


# ---- files from customers -------------------------------------------------------------------------------------------

def test_a_form_is_what_json_would_be_and_its_files_arrive_whole(sim, custom):
    fields = {"sender": {"handle": "ada", "name": "Ada Lövelace"}, "body": "<p>Look</p>", "body_format": "html", "subject": "S",
              "metadata": {"thread_ref": "t1", "headers": {"our_id": "in_1", "n": "2"}}}
    files = [("attachments[0]", "a.png", "image/png", PNG), ("attachments[1]", "ünï \\\"q\\\".txt", "text/plain", b""),
             ("attachments[2]", "logo.gif", "image/gif", b"GIF89a", "logo@x")]
    message = created(sim, sim.upload(f"/channels/{custom}/incoming_messages", fields, files))
    assert (message["text"], message["thread_ref"], message["headers"]) == ("Look", "t1", {"our_id": "in_1", "n": "2"})
    assert [(f["filename"], f["content_type"], f["size"], f["sha256"], f["cid"]) for f in message["attachments"]] == [
        ("a.png", "image/png", len(PNG), sha256(PNG), None), ('ünï "q".txt', "text/plain", 0, sha256(b""), None),
        ("logo.gif", "image/gif", 6, sha256(b"GIF89a"), "logo@x")]
    assert sim.file(message["attachments"][0]) == PNG
    shown = sim.api("GET", f"/messages/{message['id']}").json["attachments"]
    assert shown[0] == {"id": message["attachments"][0]["id"], "filename": "a.png", "content_type": "image/png", "size": len(PNG),
                        "url": f"https://simulator.api.frontapp.com/download/{shown[0]['id']}", "metadata": {"is_inline": False}}
    assert shown[2]["metadata"] == {"is_inline": True, "cid": "logo@x"}
    [call] = sim.calls("incoming_messages")
    assert json.loads(call["body"]) == fields and [f["size"] for f in call["files"]] == [len(PNG), 0, 6]


def test_an_application_channel_uploads_with_its_own_token(sim, application):
    fields = {"sender": {"handle": "ada"}, "body": "x", "delivered_at": 1700000000,
              "metadata": {"external_id": "in-1", "external_conversation_id": "c-9"}}
    answer = sim.upload(f"/channels/{application}/inbound_messages", fields, [("attachments", "a.bin", None, PNG)], channel_token())
    message = created(sim, answer)
    assert message["created_at"] == 1700000000 and message["external_id"] == "in-1"
    assert message["attachments"][0]["content_type"] == "application/octet-stream"
    assert sim.file(message["attachments"][0]) == PNG


def test_twenty_five_megabytes_in_all(sim, custom):
    def upload(*sizes):
        files = [(f"attachments[{i}]", f"{i}.bin", "application/x-any", b"x" * n) for i, n in enumerate(sizes)]
        return sim.upload(f"/channels/{custom}/incoming_messages", {"sender": {"handle": "a"}, "body": "x"}, files)
    too_large = upload(12_500_000, 12_500_001)
    assert too_large.status == 413 and too_large.json["_error"]["status"] == 413
    assert upload(27 << 20).status == 413
    message = created(sim, upload(12_500_000, 12_500_000))
    assert [f["size"] for f in message["attachments"]] == [12_500_000] * 2
    sim.configure(attachments={"max_bytes": 100})
    assert upload(60, 41).status == 413 and upload(60, 40).status == 202


def test_the_oldest_bytes_are_forgotten_first(sim, custom):
    sim.configure(attachments={"kept_bytes": 250})
    def upload(data):
        return created(sim, sim.upload(f"/channels/{custom}/incoming_messages", {"sender": {"handle": "a"}, "body": "x"},
                                       [("attachments[0]", "a", "a/b", data)]))["id"]
    ids = [upload(bytes([65 + i]) * 100) for i in range(3)]
    files = [sim.message(i)["attachments"][0] for i in ids]
    assert [f["is_kept"] for f in files] == [False, True, True] and files[0]["sha256"] == sha256(b"A" * 100)
    assert [sim.download(f).status for f in files] == [404, 200, 200]
    sim.reset()
    assert sim.download(files[2]).status == 404


GOOD = b'--b\r\nContent-Disposition: form-data; name="body"\r\n\r\nx\r\n' \
       b'--b\r\nContent-Disposition: form-data; name="sender[handle]"\r\n\r\na\r\n--b--\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="attachments[0]"; filename="a"\r\n\r\nxyz\r\n'


MALFORMED = [
    ("multipart/form-data", GOOD),
    ("multipart/form-data; boundary=", GOOD),
    ("multipart/form-data; boundary=" + "b" * 71, GOOD),
    ("multipart/form-data; boundary=other", GOOD),
    ("multipart/form-data; boundary=b", b""),
    ("multipart/form-data; boundary=b", GOOD[:-4]),
    ("multipart/form-data; boundary=b", GOOD + b"more"),
    ("multipart/form-data; boundary=b", b"preamble\r\n" + GOOD),
    ("multipart/form-data; boundary=b", GOOD.replace(b"\r\n", b"\n")),
    ("multipart/form-data; boundary=b", GOOD.replace(b'name="body"', b"")),
    ("multipart/form-data; boundary=b", GOOD.replace(b"form-data;", b"attachment;")),
    ("multipart/form-data; boundary=b", GOOD.replace(b"sender[handle]", b"body")),
    ("multipart/form-data; boundary=b", GOOD.replace(b"sender[handle]", b"sender[handle")),
    ("multipart/form-data; boundary=b", GOOD.replace(b"sender[handle]", b"sender" + b"[a]" * 9)),
    ("multipart/form-data; boundary=b", GOOD.replace(b"\r\n\r\nx", b"\r\nContent-Transfer-Encoding: base64\r\n\r\neA==")),
    ("multipart/form-data; boundary=b", FILE.replace(b"attachments[0]", b"picture") + GOOD),
    ("multipart/form-data; boundary=b", FILE.replace(b'; filename="a"', b"") + GOOD),
    ("multipart/form-data; boundary=b", FILE.replace(b'"a"', b'""') + GOOD),
    ("multipart/form-data; boundary=b", FILE.replace(b'"a"', b'"\xff"') + GOOD),
    ("multipart/form-data; boundary=b", FILE.replace(b"filename=", b"filename*=") + GOOD),
    ("multipart/form-data; boundary=b", FILE.replace(b"xyz", b"xy\r\n--bz") + GOOD),
    ("application/json", b'{"sender":{"handle":"a"},"body":"x","attachments":["YWJj"]}'),
]


def test_what_is_no_form_is_refused(sim, custom):
    path = f"/channels/{custom}/incoming_messages"
    assert sim.api("POST", path, FILE + GOOD, headers={"Content-Type": 'Multipart/Form-Data; charset=utf-8; boundary="b"'}).status == 202
    for content_type, body in MALFORMED:
        answer = sim.api("POST", path, body, headers={"Content-Type": content_type})
        assert answer.status == 400 and answer.json["_error"]["message"], (content_type, body)
    assert len(wait_for(sim.inbound)) == 1


def test_fields_of_a_form_are_checked_as_those_of_json(sim, application):
    path = f"/channels/{application}/inbound_messages"
    answer = sim.upload(path, {"sender": "ada", "delivered_at": "soon", "metadata": {"external_id": ["x"]}}, [], channel_token())
    assert sorted(answer.json["_error"]["details"]) == [
        "body: missing", "delivered_at: should be an integer", "metadata.external_conversation_id: missing",
        "metadata.external_id: should be a string", "sender: should be an object"]
    assert sim.upload("/conversations/cnv_1/comments", {"body": "x"}, []).status == 415


# ---- files from agents ----------------------------------------------------------------------------------------------

def test_an_agent_sends_files(sim, receiver, custom):
    sent = sim.send(custom, "See <cid>", to="ada", html='<p>See</p><img src="cid:logo">', attachments=[
        attachment("a.png", PNG, "image/png"), attachment("big.bin", size=100_003, seed=7), attachment("empty", b""),
        attachment("logo.gif", b"GIF89a", "image/gif", cid="logo")])
    assert sent["state"] == "sent"
    [callback] = receiver.requests
    shown = callback.json["attachments"]
    assert [(f["filename"], f["size"], f["metadata"]) for f in shown] == [
        ("a.png", len(PNG), {"is_inline": False}), ("big.bin", 100_003, {"is_inline": False}), ("empty", 0, {"is_inline": False}),
        ("logo.gif", 6, {"is_inline": True, "cid": "logo"})]
    assert callback.json["body"] == '<p>See</p><img src="cid:logo">'
    for file, known in zip(shown, sent["attachments"], strict=True):
        answer = sim.download(file)
        assert answer.status == 200 and sha256(answer.body) == known["sha256"]
        assert answer.headers["Content-Type"] == known["content_type"] and int(answer.headers["Content-Length"]) == known["size"]
    assert sim.file(shown[1]) == generated(100_003, 7)


def test_who_may_download(sim, receiver, custom, application):
    mine = sim.send(application, "x", to="ada", attachments=[attachment("a", b"mine")])
    other = sim.send(custom, "x", to="ada", attachments=[attachment("b", b"other")])
    [a], [b] = mine["attachments"], other["attachments"]
    assert sim.api("GET", f"/download/{a['id']}", headers={"Authorization": ""}).status == 401
    assert sim.download(a, token="wrong").status == 401
    assert sim.download(a, mine["id"], token="wrong").status == 401
    assert sim.download(a, token=channel_token()).status == 403
    assert sim.download(a, mine["id"], token=channel_token()).body == b"mine"
    assert sim.download(b, other["id"], token=channel_token()).status == 404
    assert sim.download(a, other["id"]).status == 404
    assert sim.download(b, other["id"]).body == b"other"
    assert sim.download({"id": "fil_0"}).status == 404
    assert [c["call"] for c in sim.calls()[-2:]] == ["message_download", "download"]


def test_attachments_that_cannot_be(sim, custom):
    for spec in ({}, {"filename": "a"}, {"filename": "a", "data": "!"}, {"filename": "a", "data": "YQ==", "size": 1},
                 {"filename": 5, "size": 1}, {"filename": "a", "size": (64 << 20) + 1}, {"filename": "a", "size": -1}):
        sim.control("POST", "/sim/send", {"channel": custom, "to": [{"handle": "a"}], "text": "x", "attachments": [spec]}, expect=(400,))


def test_downloads_that_go_wrong(sim, custom):
    [file] = sim.send(custom, "x", to="ada", attachments=[attachment("a.png", PNG, "image/png")])["attachments"]
    for fault, check in (
        ({"status": 403}, lambda a: a.status == 403),
        ({"status": 404, "next": 2}, lambda a: a.status == 404),
        ({"redirect": "http://192.0.2.1/x"}, lambda a: a.status == 302 and a.headers["Location"] == "http://192.0.2.1/x"),
        ({"html": True}, lambda a: a.status == 200 and a.headers["Content-Type"] == "text/html" and a.body != PNG),
        ({"content_type": "text/html"}, lambda a: a.body == PNG and a.headers["Content-Type"] == "text/html"),
    ):
        sim.fault(call="download", **fault)
        for _ in range(fault.get("next", 1)):
            assert check(sim.download(file)), fault
        assert sim.download(file).body == PNG


def test_downloads_that_end_early_or_never(sim, custom):
    [file] = sim.send(custom, "x", to="ada", attachments=[attachment("a.png", PNG, "image/png")])["attachments"]
    sim.fault(call="download", short=True)
    with pytest.raises(http.client.IncompleteRead) as short:
        sim.download(file)
    assert short.value.partial == PNG[:len(PNG) // 2]
    sim.fault(call="download", stall=True)
    with pytest.raises(TimeoutError):
        sim.download(file, timeout=0.5)
    sim.fault(call="download", endless=True)
    connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=5)
    connection.request("GET", f"/download/{file['id']}", headers={"Authorization": "Bearer " + sim.token})
    answer, seen = connection.getresponse(), 0
    assert answer.headers["Content-Length"] is None
    while seen < 5000:
        seen += len(answer.read1(4096))
    connection.close()
    assert [c["outcome"] for c in sim.calls("download")] == ["short", "stalled", "endless"]
    assert sim.download(file).body == PNG


def test_messages_that_lie_about_their_files(sim, receiver, custom):
    sim.send(custom, "x", to="ada", attachments=[attachment("a.png", PNG, "image/png", claims={"size": 3, "content_type": "text/plain"})])
    [file] = receiver.requests[0].json["attachments"]
    assert (file["size"], file["content_type"]) == (3, "text/plain")
    answer = sim.download(file)
    assert answer.body == PNG and answer.headers["Content-Type"] == "image/png"


# ---- what another system sent ---------------------------------------------------------------------------------------

def test_outbound_messages_join_their_conversation(sim, receiver, application):
    inbound = {"sender": {"handle": "ada"}, "body": "Hi", "metadata": {"external_id": "in-1", "external_conversation_id": "c-1"}}
    first = created(sim, sim.api("POST", f"/channels/{application}/inbound_messages", inbound, channel_token()))
    answer = sim.outbound_message(application, channel_token(), body="<b>Hello</b>", author_id="tea_42", subject="S", delivered_at=1700000000,
                                  to=[{"handle": "ada", "name": "Ada", "email": "ada@example.com"}, {"handle": "bob"}],
                                  metadata={"external_id": "out-1", "external_conversation_id": "c-1", "referenced_message_external_id": "in-1"})
    sent = created(sim, answer)
    assert (sent["state"], sent["is_inbound"], sent["text"], sent["created_at"]) == ("sent", False, "Hello", 1700000000)
    assert sent["conversation"] == first["conversation"] and sent["replied_to"] == first["id"]
    assert [p["handle"] for p in sent["to"]] == ["ada", "bob"]
    shown = sim.api("GET", f"/messages/{sent['id']}", token=channel_token()).json
    assert shown["author"]["id"] == "tea_42" and shown["metadata"]["external_id"] == "out-1"
    assert [(r["role"], r["handle"]) for r in shown["recipients"]] == [("from", "app"), ("to", "ada"), ("to", "bob")]
    told = wait_for(lambda: [r.json for r in receiver.requests if r.json["payload"]["id"] == sent["id"]])
    assert [(t["type"], t["payload"]["metadata"]["external_id"]) for t in told] == [("message_imported", "out-1")]
    assert [m["id"] for m in sim.api("GET", f"/conversations/{sent['conversation']}/messages").json["_results"]] == [first["id"], sent["id"]]
    status = f"/channels/{application}/conversations/c-1/messages/out-1/status"
    assert sim.api("PUT", status, {"status": "failed"}, channel_token()).status == 204
    assert sim.message(sent["id"])["state"] == "failed"


def test_outbound_messages_are_checked(sim, application, custom):
    def details(**fields):
        answer = sim.outbound_message(application, channel_token(), **fields)
        return answer.status == 400 and answer.json["_error"]["details"]
    assert details(to=[]) == ["to: should not be empty"]
    assert details(to="ada") == ["to: should be an array"]
    assert details(to=[{"name": "Ada"}, {"handle": 5}]) == ["to[0].handle: missing", "to[1].handle: should be a string"]
    assert details(author_id="grace") == ["author_id: should be the ID of a teammate"]
    assert details(body=None, metadata={}) == ["body: missing", "metadata.external_id: missing", "metadata.external_conversation_id: missing"]
    assert details(metadata={"external_id": "x" * 201, "external_conversation_id": "c"}) == ["metadata.external_id: too long"]
    assert sim.outbound_message(application, sim.token).status == 403
    assert sim.outbound_message(custom, channel_token("cha_c")).status == 400
    sent = created(sim, sim.outbound_message(application, channel_token(), files=[("attachments[0]", "a.png", "image/png", PNG)], unknown={"x": 1}))
    assert sim.file(sent["attachments"][0]) == PNG and sent["author"] is None


def test_whether_external_ids_count_once_is_a_switch(sim, application):
    body = {"sender": {"handle": "ada"}, "body": "Hi", "metadata": {"external_id": "in-1", "external_conversation_id": "c-1"}}
    def post():
        return created(sim, sim.api("POST", f"/channels/{application}/inbound_messages", body, channel_token()))["id"]
    assert post() != post()
    sim.configure(dedupe=True)
    assert post() == post() and len(sim.inbound()) == 2
    twice = [created(sim, sim.outbound_message(application, channel_token(), metadata={"external_id": "o", "external_conversation_id": "c"}))
             for _ in range(2)]
    assert twice[0]["id"] == twice[1]["id"]


# ---- history --------------------------------------------------------------------------------------------------------

def test_an_import_keeps_its_time_and_counts_once(sim):
    sim.configure(created_delay_ms=100)
    first = sim.import_message("inb_1", external_id="old-1", created_at=1500000000, body="Hi")
    again = sim.import_message("inb_1", external_id="old-1", created_at=1500000009, body="Other")
    assert first.status == again.status == 202 and first.json == again.json  # though the first is not created yet
    message = created(sim, first)
    assert (message["created_at"], message["text"], message["type"], message["state"]) == (1500000000, "Hi", "custom", "received")
    assert message["is_import"] and message["is_archived"] and message["should_skip_rules"]
    [conversation] = sim.conversations()
    assert (conversation["channel"], conversation["inbox"], conversation["status"]) == (None, "inb_1", "archived")
    shown = sim.api("GET", f"/messages/{message['id']}").json
    assert shown["created_at"] == 1500000000 and shown["is_inbound"] and shown["author"] is None
    assert sim.api("GET", f"/conversations/{conversation['id']}").json["status"] == "archived"


def test_an_import_of_what_a_teammate_sent(sim):
    message = created(sim, sim.import_message(
        "inb_1", sender={"handle": "chat", "name": "Support", "author_id": "alt:email:grace@example.com"}, to=["ada", "bob"], cc=["eve"],
        type="email", body_format="html", body="<p>Hi</p>", metadata={"is_inbound": False, "is_archived": False, "should_skip_rules": False},
        files=[("attachments[0]", "a.png", "image/png", PNG)]))
    assert message["state"] == "sent" and message["type"] == "email" and not message["is_archived"] and not message["should_skip_rules"]
    shown = sim.api("GET", f"/messages/{message['id']}").json
    assert shown["author"]["email"] == "grace@example.com" and shown["type"] == "email"
    assert [(r["role"], r["handle"]) for r in shown["recipients"]] == [("from", "chat"), ("to", "ada"), ("to", "bob"), ("cc", "eve")]
    assert sim.file(message["attachments"][0]) == PNG
    [conversation] = sim.conversations()
    assert conversation["status"] == "open" and conversation["customer"]["handle"] == "ada"
    assert created(sim, sim.import_message("inb_1", type=None))["type"] == "email"
    block = created(sim, sim.import_message("inb_1", body="<div><b>Hi</b> &amp; bye</div>"))  # HTML in Markdown
    assert (block["text"], "<b>Hi</b>" in block["html"]) == ("Hi & bye", True)


def test_imports_have_threads_of_their_own(sim, receiver, custom):
    live = created(sim, sim.api("POST", f"/channels/{custom}/incoming_messages",
                                {"sender": {"handle": "ada"}, "body": "live", "metadata": {"thread_ref": "t1"}}))
    sim.add_channel(id="cha_other", inbox="inb_2")
    def imported(inbox="inb_1", thread=None, **more):
        metadata = {"is_inbound": True, **({"thread_ref": thread} if thread else {})}
        return created(sim, sim.import_message(inbox, metadata=metadata, **more))
    a, b, c = imported(thread="t1"), imported(thread="t1", sender={"handle": "bob"}), imported(thread="t2")
    d, e, f = imported(), imported(), imported("inb_2", "t1")
    g = created(sim, sim.import_message("inb_1", sender={"handle": "chat"}, to=["ada"], metadata={"is_inbound": False}))
    places = [m["conversation"] for m in (live, a, b, c, d, e, f, g)]
    assert places[1] == places[2] and places[4] == places[5] == places[7]
    assert len(set(places)) == 5
    joined = created(sim, sim.import_message("inb_1", conversation_id=live["conversation"], created_at=1400000000,
                                             metadata={"is_inbound": True, "thread_ref": "t2"}))
    assert joined["conversation"] == live["conversation"] and joined["thread_ref"] is None
    seen = sim.conversation(live["conversation"])
    assert [m["id"] for m in seen["messages"]] == [joined["id"], live["id"]] and seen["status"] == "open"
    again = created(sim, sim.api("POST", f"/channels/{custom}/incoming_messages",
                                 {"sender": {"handle": "ada"}, "body": "live", "metadata": {"thread_ref": "t2"}}))
    assert again["conversation"] != c["conversation"]
    reply = sim.send(custom, "Hello again", conversation=a["conversation"])
    assert reply["state"] == "sent" and reply["conversation"] == a["conversation"]
    assert receiver.requests[-1].json["recipients"][1]["handle"] == "ada"
    assert next(x for x in sim.conversations() if x["id"] == a["conversation"])["channel"] == custom


def test_imports_are_checked(sim):
    def details(**fields):
        answer = sim.import_message("inb_1", **fields)
        return answer.status == 400 and answer.json["_error"]["details"]
    assert sim.api("POST", "/inboxes/inb_1/imported_messages", {}).json["_error"]["details"] == [
        "metadata.is_inbound: missing", "created_at: missing", "external_id: missing", "sender.handle: missing", "to: missing", "body: missing"]
    assert details(created_at=1500000000.5) == details(created_at="1500000000") == ["created_at: should be an integer"]
    assert details(to=[]) == ["to: should not be empty"]
    assert details(to=[{"handle": "x"}]) == ["to: should be an array of handles"]
    assert details(type="chat") == ["type: should be email, sms, intercom or custom"]
    assert details(body_format="html") == ["body_format: only allowed for the type email"]
    assert details(metadata={"is_inbound": "true"}) == ["metadata.is_inbound: should be a boolean"]
    assert details(conversation_id="cnv_0") == ["conversation_id: unknown conversation"]
    assert sim.import_message("inb_9").status == 404
    assert sim.conversations() == []


# ---- receipts -------------------------------------------------------------------------------------------------------

def test_a_message_is_seen_ten_times_an_hour(sim, receiver, custom, application):
    sent, other = sim.send(custom, "x", to="ada"), sim.send(application, "x", to="ada")
    seen = f"/messages/{sent['id']}/seen"
    assert sim.api("GET", seen).json["_results"] == []
    assert [sim.api("POST", seen, body).status for body in [None, {}, {"unknown": 1}] + [{}] * 7] == [204] * 10
    limited = sim.api("POST", seen, {})
    assert limited.status == 429 and 3500 < int(limited.headers["Retry-After"]) <= 3600
    assert sim.message(sent["id"])["seen_n"] == 10
    [receipt] = sim.api("GET", seen).json["_results"]
    assert abs(int(receipt["first_seen_at"]) / 1000 - time.time()) < 60
    assert sim.api("POST", f"/messages/{other['id']}/seen", {}, channel_token()).status == 204
    assert sim.api("POST", seen, {}, channel_token()).status == 404
    inbound = created(sim, sim.api("POST", f"/channels/{custom}/incoming_messages", {"sender": {"handle": "ada"}, "body": "x"}))
    assert sim.api("POST", f"/messages/{inbound['id']}/seen", {}).status == 400


# ---- channels and inboxes -------------------------------------------------------------------------------------------

def test_lists_have_pages_and_no_secrets(sim, receiver, custom):
    for i in range(7):
        sim.add_channel(id=f"cha_{i}", inbox="inb_2" if i % 2 else "inb_1", webhook_url=receiver.url)
    everything = sim.pages("/channels?limit=3")
    assert [c["id"] for c in everything] == ["cha_c"] + [f"cha_{i}" for i in range(7)]
    assert "webhook_url" not in json.dumps(everything) and receiver.url not in json.dumps(everything)
    assert len(sim.api("GET", "/channels?limit=3").json["_results"]) == 3
    assert [c["id"] for c in sim.pages("/inboxes/inb_2/channels?limit=1")] == ["cha_1", "cha_3", "cha_5"]
    assert [i["id"] for i in sim.pages("/inboxes")] == ["inb_1", "inb_2"]
    assert sim.api("GET", "/inboxes/inb_2").json["id"] == "inb_2"
    assert sim.api("GET", "/inboxes/inb_9").status == sim.api("GET", "/inboxes/inb_9/channels").status == 404
    assert sim.api("GET", "/channels/cha_1").json["_links"]["related"]["inbox"].endswith("/inboxes/inb_2")


def test_a_channel_is_made_without_saying_which(sim):
    before = {c["id"] for c in sim.pages("/inboxes/inb_1/channels")}
    made = sim.api("POST", "/inboxes/inb_1/channels", {"type": "custom", "name": "Chat", "settings": {"webhook_url": "http://127.0.0.1:1/x"}})
    assert made.status == 204 and made.body == b""
    [new] = [c for c in sim.pages("/inboxes/inb_1/channels") if c["id"] not in before]
    assert new["name"] == "Chat" and sim.channel(new["id"])["webhook_url"] == "http://127.0.0.1:1/x"
    assert sim.api("POST", "/inboxes/inb_1/channels", {}).json["_error"]["details"] == ["type: missing"]
    assert sim.api("POST", "/inboxes/inb_1/channels", {"type": "smtp", "send_as": "a@example.com"}).status == 400
    assert sim.api("POST", "/inboxes/inb_9/channels", {"type": "custom"}).status == 404


def test_settings_are_replaced_not_merged(sim, custom):
    path = f"/channels/{custom}"
    assert sim.api("PATCH", path, {"settings": {"webhook_url": "https://bridge.example.com/front/c", "undo_send_time": 10}}).status == 204
    assert sim.channel(custom)["webhook_url"] == "https://bridge.example.com/front/c"
    assert sim.api("GET", path).json["settings"] == {"undo_send_time": 10, "all_teammates_can_reply": True}
    assert sim.api("PATCH", path, {"name": "New", "inbox_id": "inb_1", "status": "offline"}).status == 204  # status: not of a custom channel
    assert sim.channel(custom)["name"] == "New" and sim.channel(custom)["status"] == "ok" and sim.channel(custom)["webhook_url"]
    assert sim.api("PATCH", path, {"settings": {"all_teammates_can_reply": False}}).status == 204
    assert sim.channel(custom)["webhook_url"] is None
    assert sim.api("GET", path).json["settings"] == {"undo_send_time": 0, "all_teammates_can_reply": False}
    for wrong, detail in (({"settings": []}, "settings: should be an object"), ({"name": 5}, "name: should be a string"),
                          ({"settings": {"webhook_url": "ftp://x"}}, "settings.webhook_url: should be a URL"),
                          ({"settings": {"undo_send_time": 7}}, "settings.undo_send_time: should be 0, 5, 10, 15, 30 or 60"),
                          ({"inbox_id": "inb_9"}, "inbox_id: unknown inbox")):
        assert sim.api("PATCH", path, wrong).json["_error"]["details"] == [detail]
    assert sim.api("PATCH", "/channels/cha_9", {}).status == 404
    assert sim.api("PATCH", path, b"").status == 400


def test_an_application_channel_goes_offline(sim, receiver, application):
    path = f"/channels/{application}"
    assert sim.api("PATCH", path, {"status": "offline"}, channel_token()).status == 204
    assert sim.channel(application)["status"] == "offline"
    assert sim.api("PATCH", path, {"status": "ok", "name": "New"}).status == 204
    assert sim.channel(application)["status"] == "ok" and sim.channel(application)["name"] == "New"
    assert sim.api("PATCH", path, {"status": "away"}, channel_token()).json["_error"]["details"] == ["status: should be offline or ok"]
    assert sim.api("PATCH", path, {"status": "ok"}, channel_token("cha_b")).status == 403
    assert sim.api("PATCH", path, {"name": "Mine"}, channel_token()).status == 204 and sim.channel(application)["name"] == "New"
    answer = sim.api("PATCH", path, {"settings": {"webhook_url": receiver.url}})
    assert answer.json["_error"]["details"] == ["settings.webhook_url: only allowed for custom channels"]
    assert sim.channel(application)["webhook_url"] == receiver.url + "/front/app"


def test_validate_and_me(sim, custom):
    validated = sim.api("POST", f"/channels/{custom}/validate")
    assert validated.status == 202 and validated.json == {"status": "accepted"}
    assert sim.api("POST", "/channels/cha_9/validate").status == 404
    assert set(sim.api("GET", "/me").json) == {"_links", "id", "name"}


# ---- scopes ---------------------------------------------------------------------------------------------------------

def test_a_token_does_what_its_scopes_allow(sim, custom):
    calls = [("GET", "/me", None), ("GET", "/channels", "channels:read"), ("GET", "/inboxes", "inboxes:read"),
             ("GET", "/messages/msg_0", "messages:read"), ("GET", "/conversations/cnv_0", "conversations:read"),
             ("GET", "/download/fil_0", "attachments:read"), ("GET", "/events", "events:*:read"),
             ("POST", f"/channels/{custom}/incoming_messages", "messages:write"), ("POST", "/inboxes/inb_1/imported_messages", "messages:write"),
             ("POST", "/messages/msg_0/seen", "messages:write"), ("POST", "/conversations/cnv_0/comments", "comments:write"),
             ("PATCH", "/conversations/cnv_0", "conversations:write"), ("PATCH", f"/channels/{custom}", "channels:write"),
             ("POST", "/inboxes/inb_1/channels", "channels:write")]
    scopes = {scope for _, _, scope in calls if scope}
    def allowed(token):
        answers = {(method, path): sim.api(method, path, {} if method != "GET" else None, token) for method, path, _ in calls}
        return {call for call, answer in answers.items() if answer.status != 403 or b"does not have the scope" not in answer.body}
    for scope in scopes:
        assert allowed(sim.scoped_token(scope)) == {(m, p) for m, p, s in calls if s in (None, scope)}
    assert allowed(sim.scoped_token()) == {("GET", "/me")}
    old, new = sim.scoped_token("channels:read"), sim.scoped_token("inboxes:read", "channels:read")
    assert sim.api("GET", "/channels", token=old).status == 401 and sim.api("GET", "/channels", token=new).status == 200
    assert len(allowed(sim.token)) == len(calls)
    refused = sim.api("GET", "/events", token=new).json["_error"]
    assert (refused["status"], refused["title"]) == (403, "Forbidden") and "events:*:read" in refused["message"]
    sim.control("POST", "/sim/config", {"tokens": [{"token": "x"}]}, expect=(400,))
