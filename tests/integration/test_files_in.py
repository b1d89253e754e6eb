"""Files of customers on their way to Front: the same bytes at both ends, and what becomes of a message whose file cannot be had."""
import html
import json
import threading

import pytest

from courier import PNG, data, digest, shown, url
from serving import Drop
from wait import until


@pytest.mark.parametrize("channel", ["support", "app"])
@pytest.mark.parametrize("agent", [False, True])
def test_front_gets_the_same_bytes(make_courier, company, channel, agent):
    courier = make_courier()
    contents = [b"", b"x", data(1 << 20), "\u00e9 <b>\0".encode(), data(24_000_000 - (1 << 20), 5)]
    names = ["empty.txt", "Caf\u00e9 \U0001f600.bin", "../../etc/passwd", 'a "quoted"; name.png', "n" * 250 + ".png"]
    lines = [courier.file(c, n) for c, n in zip(contents, names)]
    to = ["to bob"] if agent else []
    answer = courier.post("id m1", "text five files", *to, *lines, channel=channel)
    assert answer.status == 202, courier.bridge.tail()
    [message] = shown(company)
    assert message["text"] == "five files" and message["is_inbound"] != agent
    attached = message["attachments"]
    assert [a["size"] for a in attached] == [len(c) for c in contents]
    assert [a["sha256"] for a in attached] == [digest(c) for c in contents]
    assert [digest(company.file(a)) for a in attached] == [digest(c) for c in contents]
    assert [a["filename"] for a in attached][:4] == ["empty.txt", "Caf\u00e9 \U0001f600.bin", "passwd", "a 'quoted'; name.png"]
    assert attached[4]["filename"].endswith("n.png") and len(attached[4]["filename"]) == 200
    assert {a["content_type"] for a in attached} == {PNG}
    assert courier.bridge.state_of("m1") in ("accepted", "delivered")


def test_an_inline_image_keeps_its_place(make_courier, company):
    courier = make_courier()
    courier.post('html <p>see <img src="cid:logo1"></p>', courier.file(data(500), cid="logo1"))
    [message] = shown(company)
    assert 'src="cid:logo1"' in message["html"]
    assert message["attachments"][0]["cid"] == "logo1"


def test_a_message_of_files_alone_has_a_placeholder(make_courier, company):
    courier = make_courier()
    assert courier.post(courier.file(b"x")).status == 202
    [message] = shown(company)
    assert message["html"] == "<em>(a message without text)</em>" and len(message["attachments"]) == 1


def test_a_repeated_id_is_stored_once(make_courier, company):
    courier = make_courier()
    content = data(5000)
    first = courier.post("id m1", "text once", courier.file(content))
    assert first.status == 202
    shown(company)
    again = courier.post("id m1", "text once", courier.file(content))
    assert (again.status, again.body) == (200, first.body)
    until(lambda: len(courier.kept()) == 1)
    assert len(company.messages()) == 1


def test_what_is_wrong_with_files_is_said(make_courier, company):
    courier = make_courier()
    edge = [courier.file(data(24_999_999)), courier.file(b"x")]
    assert courier.post("text edge", *edge).status == 202
    over = courier.post("text over", *edge, courier.file(b"y"))
    assert over.status == 422 and b"larger than 25 MB together" in over.body
    assert courier.post("text folder", f"file {courier.folder}\ta.png\t{PNG}").status == 422
    elsewhere = courier.post("text url", url("file:///etc/passwd"))
    assert elsewhere.status == 422
    assert courier.post("text many", *[courier.file(b"x") for _ in range(33)]).status == 422
    assert courier.post("text all", *[courier.file(b"%d" % i) for i in range(32)]).status == 202
    by_text = {m["text"]: m for m in shown(company, 2)}
    assert set(by_text) == {"edge", "all"}
    assert [company.file(a) for a in by_text["all"]["attachments"]] == [b"%d" % i for i in range(32)]
    until(lambda: len(courier.kept()) == 34)  # those of the two messages, and no other


def test_files_by_url(make_courier, company, shelf):
    courier = make_courier()
    contents = {f"{i}.png": data(1000 * i + 1, i) for i in range(8)}
    lines = [url(shelf.put(name, content), name, size=len(content)) for name, content in contents.items()]
    moved = url(shelf.put("moved", lambda s: (302, {"location": "/0.png"}, b"")), "moved.png")
    assert courier.post("text by url", *lines, moved, courier.file(b"here", "here.png")).status == 202
    [message] = shown(company)
    expected = {**contents, "moved.png": contents["0.png"], "here.png": b"here"}
    assert {a["filename"]: a["sha256"] for a in message["attachments"]} == {n: digest(c) for n, c in expected.items()}
    assert message["text"] == "by url"


def never_ends(shelf):
    return 200, {"content-type": PNG}, iter(lambda: b"x" * 65536, None)


def web_page(shelf):
    return 200, {"content-type": "text/html"}, b"<p>log in</p>"


def to_the_inside(shelf):
    return 302, {"location": "http://[::1]:1/secret"}, b""


def to_another_scheme(shelf):
    return 302, {"location": "file:///etc/passwd"}, b""


def to_far_too_long(shelf):
    return 302, {"location": "/" + "x" * 9000}, b""


def to_itself(shelf):
    return 302, {"location": "/a.png"}, b""


LOST = {
    "never_ends": (never_ends, None, "was left out: the files of this message are larger than 25 MB together"),
    "longer": (b"12345678", 5, "it is longer than the 5 bytes that were announced"),
    "shorter": (b"123", 5, "it is 3 bytes long and not 5, as was announced"),
    "web_page": (web_page, None, "a web page came instead of a file of type image/png"),
    "inside": (to_the_inside, None, "address"),
    "round": (to_itself, None, "its address answered 302"),
    "far_too_long": (to_far_too_long, None, "its address answered 302"),
    "scheme": (to_another_scheme, None, "its address answered 302"),
    "missing": (None, None, "its address answered 404"),
}


@pytest.mark.parametrize("case", LOST)
def test_a_message_goes_without_what_cannot_be_had(make_courier, company, shelf, case):
    courier = make_courier()
    content, size, why = LOST[case]
    where = shelf.put("a.png", content)
    assert courier.post("id m1", "text see", url(where, "plan.png", size=size), courier.file(b"here", "here.png")).status == 202
    [message] = shown(company)
    assert message["text"].startswith("see") and 'The file "plan.png" ' in message["text"]
    assert case == "never_ends" or "could not be fetched from the chat system" in message["text"]
    assert why in message["text"]
    assert [a["filename"] for a in message["attachments"]] == ["here.png"]
    assert courier.bridge.lines("file_gone", channel="support")
    assert len(courier.kept()) == 1


def test_private_addresses_are_not_asked(make_courier, company, shelf):
    courier = make_courier(settings={})
    assert courier.post("text see", url(shelf.put("a.png", b"x"))).status == 202
    [message] = shown(company)
    assert message["attachments"] == [] and 'The file "a.png" could not be fetched' in message["text"]
    assert shelf.calls == []


def test_what_fails_is_tried_again(make_courier, company, shelf):
    answers = iter([Drop, (503, {}, b""), (429, {"retry-after": "1"}, b""), (200, {"content-type": PNG, "content-length": "9"}, iter([b"12345"]))])

    def flaky(s):
        answer = next(answers, (200, {"content-type": PNG}, b"at last"))
        if answer is Drop:
            raise Drop
        return answer

    courier = make_courier()
    assert courier.post("text see", url(shelf.put("a.png", flaky))).status == 202
    [message] = shown(company)
    assert company.file(message["attachments"][0]) == b"at last" and message["text"] == "see"


def test_too_much_together_is_left_out(make_courier, company, shelf):
    """What the backend does not say before is found out when the files are there."""
    gate = threading.Event()

    def last(s):  # files come at the same time, and the one that is too much is the one that ends last
        gate.wait(20)
        return 200, {"content-type": PNG}, data(10_000_000, 2)

    courier = make_courier()
    content = [data(10_000_000, 0), data(10_000_000, 1), last]
    lines = [url(shelf.put(f"{i}.png", c), f"{i}.png") for i, c in enumerate(content)]
    told = url(shelf.put("told.png", b""), "told.png", size=30_000_000)
    assert courier.post("text see", *lines, told).status == 202
    until(lambda: courier.bridge.metric("front_bridge_files_total", channel="support", direction="in", result="stored") == 2, 20)
    gate.set()
    [message] = shown(company)
    assert [a["filename"] for a in message["attachments"]] == ["0.png", "1.png"]
    for name in ("2.png", "told.png"):
        assert f'The file "{name}" was left out: the files of this message are larger than 25 MB together' in message["text"]
    assert "/told.png" not in shelf.calls


def test_order_holds_while_a_file_is_on_its_way(make_courier, company, shelf):
    gate = threading.Event()

    def slow(s):
        gate.wait(20)
        return 200, {"content-type": PNG}, b"x"

    courier = make_courier()
    courier.post("id m1", "text first", url(shelf.put("a.png", slow)))
    courier.post("id m2", "text second")
    courier.post("text elsewhere", sender="bob")
    shown(company)
    assert [m["text"] for m in company.messages()] == ["elsewhere"]
    gate.set()
    first = next(m for m in shown(company, 3) if m["text"] == "first")
    assert [m["text"] for m in company.conversation(first["conversation"])["messages"]] == ["first", "second"]


@pytest.mark.parametrize("channel", ["support", "app"])
def test_history_brings_its_files(make_courier, company, shelf, tmp_path, channel):
    courier = make_courier()
    content = data(100_000)
    hostile = "../" + "x" * 300 + '\n".png'
    attachments = [
        {"filename": hostile, "content_type": "image/png\r\nX: y", "url": shelf.put("a.png", content)},
        {"filename": "gone.png", "url": shelf.url + "/gone.png"},
    ]
    lines = [
        {"id": "h1", "created_at": 1600000000, "sender": {"handle": "ada"}, "text": "long ago", "attachments": attachments},
        {"id": "h2", "created_at": 1600000001, "direction": "outbound", "sender": {"handle": "desk"}, "to": [{"handle": "ada"}],
         "attachments": [{"filename": "b.txt", "content_type": "text/plain", "url": shelf.put("b.txt", (200, {"content-type": "text/plain"}, b""))}]},
        {"id": "h3", "created_at": 1600000002, "sender": {"handle": "ada"}, "text": "x", "attachments": [{"filename": "a", "fd": 0}]},
    ]
    file = tmp_path / "history.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = courier.bridge.run_cli("import", str(file), "--channel", channel, check=1)
    assert f"{file}:3: an attachment needs a url" in done.stdout and "2 stored" in done.stdout, done
    first, second = sorted(shown(company, 2), key=lambda m: m["created_at"])
    assert first["is_inbound"] and not second["is_inbound"]
    text = html.unescape(first["text"])  # an inbox takes HTML as Markdown
    assert "long ago" in text and 'The file "gone.png" could not be fetched from the chat system: its address answered 404.' in text
    [sent] = first["attachments"]
    assert sent["sha256"] == digest(content) and sent["content_type"] == "application/octet-stream"
    assert sent["filename"].startswith("xxx") and len(sent["filename"]) == 200 and sent["filename"].endswith("x.png")
    assert [(a["filename"], a["size"]) for a in second["attachments"]] == [("b.txt", 0)]
    assert courier.bridge.run_cli("import", str(file), "--channel", channel).stdout.count("0 stored, 2 known") == 1
    assert len(company.messages()) == 2


def test_what_became_of_files_is_counted(make_courier, company, shelf):
    courier = make_courier()
    assert courier.post("text see", courier.file(data(1000)), url(shelf.url + "/none"), url(shelf.put("a.png", b"12345"))).status == 202
    shown(company)
    metric = courier.bridge.metric
    assert metric("front_bridge_files_total", channel="support", direction="in", result="stored") == 2
    assert metric("front_bridge_files_total", channel="support", direction="in", result="failed") == 3
    assert metric("front_bridge_files_total", channel="support", direction="in", result="gone") == 1
    assert metric("front_bridge_file_bytes_total", channel="support", direction="in") == 1005
    assert metric("front_bridge_file_bytes_total", channel="support", direction="out") == 0


def test_an_operator_sees_the_files_of_a_message(make_courier, company, shelf):
    courier = make_courier()
    assert courier.post("id m1", "text see", url(shelf.put("a.png", b"12345"), "a.png"), url(shelf.url + "/none", "none.png")).status == 202
    shown(company)
    (message,) = courier.bridge.messages()
    files = courier.bridge.admin("GET", f"/api/v1/messages/{message['id']}").json["files"]
    assert [(f["filename"], f["state"], f.get("bytes")) for f in files] == [("a.png", "ready", 5), ("none.png", "gone", None)]
    assert "404" in files[1]["reason"]
    text = courier.bridge.run_cli("queue", "show", message["id"], check=0).stdout
    assert "a.png, image/png, 5 bytes\n" in text and "none.png, image/png, left out: " in text


def test_what_would_be_left_out_is_not_fetched(make_courier, company, shelf):
    """A message with more files than Front takes gets through, however little room its channel has."""
    courier = make_courier(top={"limits": {"channel_quota": "60MiB"}})
    content = data(9_000_000)
    lines = [url(shelf.put(f"{i}.png", content), f"{i}.png") for i in range(12)]
    small = url(shelf.put("small.png", b"small"), "small.png")
    assert courier.post("id m1", "text too many", *lines, small).status == 202
    [message] = shown(company, timeout=30)
    assert sorted(a["size"] for a in message["attachments"]) == [5, 9_000_000, 9_000_000]
    assert message["text"].count("larger than 25 MB together") == 10
    assert len(courier.kept()) <= 7  # two that fit, what was under way beside them, and the small one
    assert courier.bridge.state_of("m1") in ("accepted", "delivered")
