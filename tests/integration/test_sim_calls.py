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
