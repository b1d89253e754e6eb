"""Files of customers through the adapters http and exec: JSON, forms by the real curl, a program's own files; and what is refused."""
import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import re
import subprocess

import pytest

import frontapi
from backend import SECRET
from bridge import SECRET as FRONT_SECRET
from frontsim import Sim, attachment
from serving import Server
from wait import until

ROOT = pathlib.Path(__file__).parents[2]
TOKEN = "opensesame"
JSON = "application/json"
MB25 = 25_000_000


def data(n, seed=1):
    return random.Random(seed).randbytes(n)


def digest(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def front(binary):
    """The simulated Front."""
    with Sim.start(binary, token=frontapi.TOKEN, rate={"limit": 0}) as sim:
        sim.add_channel(id="cha_1", kind="custom", address="chat", secret=FRONT_SECRET)
        yield sim


@pytest.fixture
def make(make_bridge, front):
    def start(settings=None, adapter="http", **options):
        http = {"url": "http://127.0.0.1:9/", "token": TOKEN, "allow_private": ["127.0.0.0/8"]}
        retry = {"first": "100ms", "factor": 1, "max": "100ms", "give_up": "1h"}
        return make_bridge(front=front, adapter=adapter, settings=settings or http, retry=retry, **options)

    return start


def post(bridge, body, kind=JSON, token=TOKEN):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": kind, **({"authorization": f"Bearer {token}"} if token else {})}
    return bridge.request("POST", "/hooks/support", body, headers, timeout=60)


def wrote(*files, **fields):
    return {"sender": {"handle": "ada"}, "attachments": list(files), **fields}


def file(content, name="a.png", kind="image/png", **more):
    return {"filename": name, "content_type": kind, "data": base64.b64encode(content).decode(), **more}


def shown(front, n=1, timeout=30):
    """The messages that Front shows, once there are n."""
    return until(lambda: len(front.messages()) >= n and front.messages(), timeout, lambda: f"{n} messages: {front.messages()}")


def digests(message):
    return [a["sha256"] for a in message["attachments"]]


def test_files_in_json(make, front):
    bridge = make()
    contents = [data(300_001), b"", "\u00e9 <b>\0".encode()]
    names = ["Caf\u00e9 \U0001f600.bin", "../../empty.txt", "logo.png"]
    files = [file(contents[0], names[0], "application/pdf"), file(contents[1], names[1], "text"), file(contents[2], names[2], cid="logo1")]
    answer = post(bridge, wrote(*files, html='<p>see <img src="cid:logo1"></p>', id="m1"))
    assert answer.status == 202, answer
    [message] = shown(front)
    assert digests(message) == [digest(c) for c in contents]
    assert [a["filename"] for a in message["attachments"]] == [names[0], "empty.txt", "logo.png"]
    assert [a["content_type"] for a in message["attachments"]] == ["application/pdf", "application/octet-stream", "image/png"]
    assert message["attachments"][2]["cid"] == "logo1"
    again = post(bridge, wrote(*files, html="<p>see</p>", id="m1"))
    assert (again.status, again.body) == (200, answer.body) and len(front.messages()) == 1


def test_as_other_libraries_write_json(make, front):
    """Slashes and plus signs escaped, base64 in lines."""
    bridge = make()
    content = data(100_000, 2)
    text = base64.encodebytes(content).decode().replace("\n", "\\r\\n").replace("/", "\\/").replace("+", "\\u002B")
    body = json.dumps(wrote(file(b""))).replace('"data": ""', f'"data": "{text}"')
    assert post(bridge, body.encode()).status == 202
    assert digests(shown(front)[0]) == [digest(content)]


class Shelf(Server):
    content, calls = data(5000, 3), 0

    def handle(self, method, path, headers, body):
        self.calls += 1
        return 200, {"content-type": "image/png"}, self.content


def test_files_by_url(make, front):
    bridge = make()
    with Shelf() as shelf:
        at = {"filename": "a.png", "content_type": "image/png", "url": f"{shelf.url}/a.png"}
        assert post(bridge, wrote(at, file(b"here"), text="one by url")).status == 202
        assert digests(shown(front)[0]) == [digest(shelf.content), digest(b"here")]


SAYS_URL = """
import json, sys
url = sys.argv[1]
print(json.dumps({"type": "receive", "ref": 1, "sender": {"handle": "ada"}, "text": "by url",
                  "attachments": [{"filename": "a.png", "content_type": "image/png", "url": url}]}), flush=True)
for line in sys.stdin:
    pass
"""


@pytest.mark.parametrize("adapter", ["http", "exec"])
@pytest.mark.parametrize("networks", [["127.0.0.0/8"], ["10.0.0.0/8"], None])
def test_private_addresses_are_reached_only_where_they_are_named(make, front, adapter, networks):
    more = {"allow_private": networks} if networks else {}
    with Shelf() as shelf:
        url = f"{shelf.url}/a.png"
        if adapter == "exec":
            make({"command": ["/usr/bin/python3", "-c", SAYS_URL, url], **more}, adapter="exec")
        else:
            bridge = make({"url": "http://127.0.0.1:9/", "token": TOKEN, **more})
            at = {"filename": "a.png", "content_type": "image/png", "url": url}
            assert post(bridge, wrote(at, text="by url")).status == 202
        [message] = shown(front)
        if networks == ["127.0.0.0/8"]:
            assert digests(message) == [digest(shelf.content)] and message["text"] == "by url"
        else:
            assert message["attachments"] == [] and shelf.calls == 0
            assert message["text"].startswith("by url") and '"a.png"' in message["text"]


def sh(script, bridge, folder, **env):
    script = script.replace("http://127.0.0.1:8080", f"http://127.0.0.1:{bridge.port}")
    done = subprocess.run(["sh", "-e", "-c", script], cwd=folder, env={"PATH": os.environ["PATH"], **env}, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def examples(page):
    """The indented blocks of a page that end in a call of curl."""
    blocks = re.findall(r"(?:^    .*\n)+", (ROOT / page).read_text(), re.M)
    return [re.sub(r"^    ", "", b, flags=re.M) for b in blocks if re.search(r"^    curl ", b, re.M)]


def test_the_calls_of_curl_on_the_page_work_as_written(make, front, tmp_path):
    contents = {"photo.png": data(70_000, 4), "plan.pdf": data(1000, 5)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    forms, plain, signed = [], [], []
    for one in examples("channels/http/README.md"):
        (forms if "-F" in one else signed if "openssl" in one else plain).append(one)
    assert (len(forms), len(plain), len(signed)) == (2, 1, 1)

    bridge = make()
    assert "202 Accepted" in sh(plain[0], bridge, tmp_path, TOKEN=TOKEN)
    for form in forms:
        assert "202 Accepted" in sh(form, bridge, tmp_path, TOKEN=TOKEN)
    messages = shown(front, 3)
    assert sorted(m["text"] for m in messages) == ["Hello", "Is it this one?", "Is it this one?"]
    found = sorted([(a["filename"], a["content_type"], a["sha256"]) for a in m["attachments"]] for m in messages)
    photo = ("photo.png", "image/png", digest(contents["photo.png"]))
    assert found == [[], [photo], [photo, ("plan.pdf", "application/pdf", digest(contents["plan.pdf"]))]]

    bridge = make({"url": "http://127.0.0.1:9/", "secret": SECRET})
    body = plain[0].splitlines()[0] + "\n"
    assert "202 Accepted" in sh(body + signed[0], bridge, tmp_path, CHAT_SECRET=SECRET)


def curl(bridge, folder, *parts):
    command = ["curl", "-s", "-w", "%{http_code}", "-H", f"authorization: Bearer {TOKEN}", f"http://127.0.0.1:{bridge.port}/hooks/support"]
    for part in parts:
        command += ["-F", part]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return int(done.stdout[-3:]), json.loads(done.stdout[:-3])


def test_forms_as_people_write_them(make, front, tmp_path):
    bridge = make()
    (tmp_path / "a.png").write_bytes(data(10, 6))
    (tmp_path / "message.json").write_text(json.dumps({"sender": {"handle": "ada"}, "text": "from a file"}))
    for parts in (["sender[handle]=ada", "attachments[]=@a.png"],
                  ["sender.handle=ada", "attachments[0]=@a.png;type=image/webp"],
                  ["message=@message.json;type=application/json", "photo=@a.png;filename=b \"c\".png"],
                  ["message=<message.json", "file=@a.png;filename=Caf\u00e9 \U0001f600.png"]):
        status, answer = curl(bridge, tmp_path, *parts)
        assert status == 202, (parts, answer)
    messages = shown(front, 4)
    assert all(digests(m) == [digest(data(10, 6))] for m in messages)
    assert "Caf\u00e9 \U0001f600.png" in [a["filename"] for m in messages for a in m["attachments"]]
    for parts, status, sentence in ((["text=x", "file=@a.png"], 422, "`sender.handle` is missing"),
                                    (["sender[handle]=ada", "file=a.png"], 422, "`file` is unknown. A file needs a file name"),
                                    (["sender[handle]=ada", "text=x", "html=y"], 422, "Give exactly one of"),
                                    (["message={", "file=@a.png"], 400, "`message` is not JSON"),
                                    (["sender[handle]=ada", *["f=@a.png"] * 33], 422, "more than 32 files")):
        found, answer = curl(bridge, tmp_path, *parts)
        assert found == status and sentence in answer["error"], (parts, found, answer)


def test_as_much_as_front_takes_and_a_byte_more(make, front, tmp_path):
    bridge = make()
    most = data(MB25 - 1, 7)
    (tmp_path / "most.bin").write_bytes(most)
    (tmp_path / "one.bin").write_bytes(b"1")
    assert curl(bridge, tmp_path, "sender[handle]=ada", "a=@most.bin", "b=@one.bin")[0] == 202
    assert digests(shown(front)[0]) == [digest(most), digest(b"1")]
    assert post(bridge, wrote(file(most), file(b"1"))).status == 202
    assert digests(shown(front, 2)[1]) == [digest(most), digest(b"1")]
    status, answer = curl(bridge, tmp_path, "sender[handle]=ada", "a=@most.bin", "b=@one.bin", "c=@one.bin")
    assert status == 413 and "larger than 25 MB in all" in answer["error"]
    over = post(bridge, wrote(file(most), file(b"12")))
    assert over.status == 413 and "larger than 25 MB in all" in over.json["error"]
    assert post(bridge, wrote(file(data(28_000_000)))).status == 413  # and that is more than hook_body


BAD_FILES = [
    ({"attachments": {}}, "`attachments` must be an array"),
    ({"attachments": ["a.png"]}, "`attachments[0]` must be an object"),
    ({"attachments": [file(b"x"), {"content_type": "image/png"}]}, "`attachments[1].filename` is missing"),
    ({"attachments": [{"filename": "a.png"}]}, "`attachments[0].content_type` is missing"),
    ({"attachments": [{"filename": "a.png", "content_type": "image/png"}]}, "needs exactly one of `data` and `url`"),
    ({"attachments": [{"filename": "a.png", "content_type": "image/png", "path": "/etc/passwd"}]}, "needs exactly one of `data` and `url`"),
    ({"attachments": [file(b"x", url="https://a.example/b")]}, "needs exactly one of `data` and `url`"),
    ({"attachments": [{**file(b""), "data": "data:image/png;base64,QQ=="}]}, "`attachments[0].data` is no base64"),
    ({"attachments": [{**file(b""), "data": ["QQ=="]}]}, "`attachments[0].data` must be a string"),
    ({"attachments": [{"filename": "a", "content_type": "b/c", "url": "file:///etc/passwd"}]}, "`attachments[0].url` must be a whole address"),
    ({"attachments": [{"filename": "a", "content_type": "b/c", "url": "//a.example/b"}]}, "`attachments[0].url` must be a whole address"),
    ({"attachments": [file(b"x", cid="two words")]}, "`attachments[0].cid` must be"),
    ({"attachments": [file(b"x")] * 33}, "more than 32 attachments"),
    ({"attachments": []}, "Give exactly one of `text`"),
    ({"attachments": [file(b"x")], "text": "x", "html": "y"}, "Give exactly one of `text`"),
]


def test_what_is_wrong_with_files_is_said(make):
    bridge = make()
    for fields, sentence in BAD_FILES:
        answer = post(bridge, wrote(**fields))
        assert answer.status == 422 and sentence in answer.json["error"], (fields, answer)
    form = "multipart/form-data; boundary=b"
    for kind, body, status, sentence in (("text/plain", b"x", 415, 'this one has "text/plain".'),
                                         ("multipart/mixed; boundary=b", b"--b--", 415, "multipart/form-data"),
                                         ("multipart/form-data", b"--b--", 400, "has no boundary"),
                                         (form, b"--b\r\n", 400, "The form cannot be read"),
                                         (form, b"x" * 100_000, 400, "The form cannot be read"),
                                         (JSON, b"x" * 100_000, 400, "The body is not JSON")):
        answer = post(bridge, body, kind)
        assert answer.status == status and sentence in answer.json["error"], (kind, answer)
    assert post(bridge, b"x" * 100_000, form, token=None).status == 401
    assert bridge.messages() == []


def test_large_hooks_at_once_are_taken_or_told_to_come_later(make, front):
    bridge = make()
    bodies = [json.dumps(wrote(file(data(20_000_000, i)), id=f"m{i}")).encode() for i in range(6)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda body: post(bridge, body), bodies))
    for body, answer in zip(bodies, answers):
        assert answer.status in (202, 429), answer
        if answer.status == 429:
            assert "retry-after" in map(str.lower, answer.headers), answer.headers
            until(lambda: post(bridge, body).status == 202, 60, "room again")
    messages = shown(front, 6, 60)
    assert sorted(digests(m)[0] for m in messages) == sorted(digest(data(20_000_000, i)) for i in range(6))
    assert bridge.metric("front_bridge_channel_up", channel="support") == 1


@pytest.mark.parametrize("place", ["nowhere", "hidden"])
def test_without_a_folder_to_write_to_memory_does(make, front, tmp_path, place):
    folder = tmp_path / "bridge0" / "store" if place == "hidden" else tmp_path / "nowhere"
    bridge = make(env={"TMPDIR": str(folder)})
    assert post(bridge, wrote(file(data(200_000)))).status == 202
    assert digests(shown(front)[0]) == [digest(data(200_000))]


def test_a_program_fetches_files_and_sends_its_own(make, front):
    """The example: what an agent sends is fetched by its url, written to a file, and comes back as the customer's, by path."""
    example = ROOT / "channels/exec/examples/files.py"
    bridge = make({"command": ["/usr/bin/python3", str(example)]}, adapter="exec")
    front.add_channel(id="cha_1", webhook_url=f"http://127.0.0.1:{bridge.port}/front/support")
    contents = [data(3_000_000, 8), "h\u00e9".encode()]
    sent = front.send("cha_1", "two files", to="ada", attachments=[attachment("a.bin", contents[0]), attachment("b.txt", contents[1], "text/plain")])
    assert sent["state"] == "sent", (sent, bridge.tail())
    [back] = until(front.inbound, 30)
    assert digests(back) == [digest(c) for c in contents]
    assert [a["filename"] for a in back["attachments"]] == ["a.bin", "b.txt"]
    assert back["attachments"][1]["content_type"] == "text/plain"
