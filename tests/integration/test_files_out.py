"""Files of agents on their way to a backend: the same bytes at both ends, and what Front may do instead of sending them."""
import concurrent.futures
import glob
import hashlib
import itertools
import os
import random
import time

import pytest

from backend import SECRET
from bridge import BINARY, message
from serving import Drop
from wait import until

PROBE = BINARY.parent / "tests" / "channels" / "probe.so"
FAST = {"retry": {"first": "100ms", "factor": 1, "max": "100ms", "give_up": "1h"}}


def data(n, seed=1):
    return random.Random(seed).randbytes(n)


def digest(content):
    return hashlib.sha256(content).hexdigest()


def attach(front, fil, content, name="a.bin", kind="application/octet-stream", size=None, cid=None, host="https://acme.api.frontapp.com"):
    """A file at Front, and the attachment that names it; content may be a function that answers otherwise."""
    front.files[fil] = content if callable(content) else (kind, content)
    size = size if size is not None else 10 if callable(content) else len(content)
    metadata = {"is_inline": bool(cid), **({"cid": cid} if cid else {})}
    url = f"{host}/download/{fil}"
    return {"id": fil, "url": url, "filename": name, "content_type": kind, "size": size, "metadata": metadata}


def get(bridge, url, **headers):
    assert url.startswith(f"http://127.0.0.1:{bridge.port}/files/"), url
    return bridge.request("GET", url[url.index("/files/") :], headers=headers)


def test_the_backend_gets_the_same_bytes_by_url(bridge, front, backend):
    contents = [data(300_001), b"", "é <b>".encode(), data(5)]
    files = [
        attach(front, "fil_1", contents[0], "Caf\u00e9 \U0001f600.bin"),
        attach(front, "fil_2", contents[1], "../empty.txt", "text/plain"),
        attach(front, "fil_3", contents[2], "page.html", "text/html"),
        attach(front, "fil_4", contents[3], "logo.png", "image/png", cid="logo1"),
    ]
    assert bridge.callback(message("four files", attachments=files)).json["type"] == "success"
    told = backend.wait(1)[0]["attachments"]
    assert [t["size"] for t in told] == [len(c) for c in contents]
    assert [t["filename"] for t in told] == ["Caf\u00e9 \U0001f600.bin", "empty.txt", "page.html", "logo.png"]
    assert told[3]["cid"] == "logo1" and "cid" not in told[0]
    for one, content in zip(told, contents):
        answer = get(bridge, one["url"])
        assert answer.status == 200
        assert digest(answer.body) == digest(content)
        assert answer.headers["Content-Type"] == one["content_type"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    for call in front.downloads():
        assert call[2]["Authorization"] == "Bearer test-api-token"
        assert call[1].startswith("/download/fil_")


def test_ranges(bridge, front, backend):
    content = data(100_000, 2)
    bridge.callback(message("a range", attachments=[attach(front, "fil_1", content)]))
    url = backend.wait(1)[0]["attachments"][0]["url"]
    whole = get(bridge, url)
    etag = whole.headers["ETag"]
    parts = [get(bridge, url, Range=f"bytes={at}-{at + 29_999}") for at in range(0, 100_000, 30_000)]
    assert [p.status for p in parts] == [206] * 4
    assert parts[3].headers["Content-Range"] == "bytes 90000-99999/100000"
    assert digest(b"".join(p.body for p in parts)) == digest(content)
    assert get(bridge, url, Range="bytes=-7").body == content[-7:]
    outside = get(bridge, url, Range="bytes=100000-")
    assert outside.status == 416 and outside.headers["Content-Range"] == "bytes */100000"
    assert get(bridge, url, Range="bytes=0-1,5-6").status == 200
    assert get(bridge, url, **{"Range": "bytes=0-1", "If-Range": etag}).status == 206
    assert get(bridge, url, **{"Range": "bytes=0-1", "If-Range": '"other"'}).status == 200
    assert get(bridge, url, **{"If-None-Match": etag}).status == 304
    head = bridge.request("HEAD", url[url.index("/files/") :])
    assert head.status == 200 and head.headers["Content-Length"] == "100000" and head.body == b""


def test_links_are_ours_alone(bridge, front, backend):
    bridge.callback(message("a link", attachments=[attach(front, "fil_1", b"secret")]))
    url = backend.wait(1)[0]["attachments"][0]["url"]
    path = url[url.index("/files/") :]
    for wrong in ("/files/", "/files/x", path + "A", path[:-1], path[:-2] + "AA", path.replace("/files/A", "/files/B"), path + "/../x"):
        answer = bridge.request("GET", wrong)
        assert answer.status == 404 and b"secret" not in answer.body, wrong
    assert bridge.request("POST", path).status == 405
    bridge.restart()
    until(lambda: bridge.request("GET", path).status == 200)  # the key outlives the process


def test_a_link_ends_after_an_hour(make_bridge, front, backend, tmp_path):
    library = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)
    if not library:
        pytest.skip("libfaketime is not installed")
    offset = tmp_path / "offset"
    offset.write_text("+0")
    env = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1",
           "FAKETIME_DONT_FAKE_MONOTONIC": "1", "ASAN_OPTIONS": "verify_asan_link_order=0"}
    bridge = make_bridge(front=front, backend=backend, env=env)
    bridge.callback(message("for an hour", attachments=[attach(front, "fil_1", b"bytes")]))
    url = backend.wait(1)[0]["attachments"][0]["url"]
    assert get(bridge, url).body == b"bytes"
    offset.write_text("+3700")
    ended = get(bridge, url)
    assert ended.status == 410 and "expired" in ended.json["message"] and b"bytes" not in ended.body


def test_the_adapter_gets_the_same_bytes_by_descriptor(make_bridge, front, tmp_path):
    saved = tmp_path / "saved"
    saved.mkdir()
    bridge = make_bridge(front=front, adapter=str(PROBE), settings={"save": str(saved)})
    contents = [data(1_000_000 + i, i) for i in range(3)] + [data(i, i) for i in range(29)]
    sent = message("files", attachments=[attach(front, f"fil_{i}", c, f"{i}.bin") for i, c in enumerate(contents)])
    assert bridge.callback(sent).json["type"] == "success"
    bridge.wait_state(sent["id"], "delivered")
    for i, content in enumerate(contents):
        assert digest((saved / f"{sent['id']}-{i}").read_bytes()) == digest(content)


def test_one_download_for_all_recipients_and_attempts(bridge, front, backend):
    tries = itertools.count()
    backend.answer = lambda d: (503, {}) if next(tries) < 3 else (200, {})
    sent = message("to many", to=["ada", "bob", "cid"], attachments=[attach(front, "fil_1", data(1000))])
    assert bridge.callback(sent).json["type"] == "success"
    backend.wait(6)
    assert len(front.downloads()) == 1


def test_an_application_channel_uses_its_own_token(make_bridge, front, backend):
    app = {"account": "main", "kind": "application", "front_channel": "cha_9", "adapter": "http"}
    app["settings"] = {"url": backend.url + "/deliver", "secret": SECRET}
    bridge = make_bridge(front=front, channels={"app": app}, account={"token": None})
    sent = message("hi", attachments=[attach(front, "fil_1", b"bytes")])
    envelope = {"type": "message", "payload": sent, "metadata": {"external_conversation_ids": ["c1"]}}
    assert bridge.app_callback(envelope).json["type"] == "success"
    call = front.downloads()[0]
    assert call[1] == f"/messages/{sent['id']}/download/fil_1"
    assert call[2]["Authorization"].startswith("Bearer ey")
    assert get(bridge, backend.wait(1)[0]["attachments"][0]["url"]).body == b"bytes"


def test_files_of_an_application_channel_are_fetched_although_the_store_failed_at_the_start(make_bridge, front, backend):
    """Whether the channel lives is read later then than what its messages wait for."""
    app = {"account": "main", "kind": "application", "front_channel": "cha_9", "adapter": "http", "answer": {"wait": "0"}}
    app["settings"] = {"url": backend.url + "/deliver", "secret": SECRET}
    bridge = make_bridge(front=front, channels={"app": app})
    sent = message("hi", attachments=[attach(front, "fil_1", lambda: (503, {}, b""))])
    envelope = {"type": "message", "payload": sent, "metadata": {"external_conversation_ids": ["c1"]}}
    assert bridge.app_callback(envelope).json["type"] == "success"
    bridge.kill()
    front.files["fil_1"] = ("application/octet-stream", data(10))
    bridge.start_on_a_failing_store()
    bridge.wait_ports()
    until(lambda: bridge.lines("store_ok"))
    bridge.wait_state(sent["id"], "delivered")


def never_ends():
    return 200, {"content-type": "image/png"}, (b"x" * 65536 for _ in itertools.count())


def short():
    return 200, {"content-type": "image/png"}, iter([b"12345"])


def broken():
    return 200, {"content-type": "image/png", "content-length": "10"}, iter([b"12345"])


def web_page():
    return 200, {"content-type": "text/html; charset=utf-8"}, b"<p>log in<"


def elsewhere():
    return 302, {"location": "http://169.254.169.254/latest"}, b""


def other_host():
    return 301, {"location": "http://127.0.0.1:1/download/fil_1"}, b""


def forbidden():
    return 403, {"content-type": "application/json"}, b'{"_error":{"status":403,"title":"Forbidden","message":"no scope"}}'


def missing():
    return None


def test_what_is_not_the_file_is_refused_to_the_agent(bridge, front, backend):
    """Within the time that the agent waits anyway where that is possible; and nothing half goes out."""
    answers = [never_ends, short, web_page, elsewhere, other_host, forbidden, missing]
    sent = [message("see", attachments=[attach(front, f"fil_{a.__name__}", a, "contract.png", "image/png")]) for a in answers]
    with concurrent.futures.ThreadPoolExecutor(len(sent)) as pool:
        heard = dict(zip(answers, pool.map(bridge.callback, sent)))
    assert heard.pop(missing).json["type"] == "success"  # Front may lag: it is asked for longer than the agent waits
    for answer, told in heard.items():
        assert told.json["type"] != "success" and told.seconds < 5, (answer, told)
        assert 'The file "contract.png" could not be fetched from Front' in told.json["message"]
        assert ("attachments:read" in told.json["message"]) == (answer is forbidden)
    bridge.wait_state(sent[-1]["id"], "dead", 20)
    assert backend.deliveries == []
    until(lambda: not list((bridge.store / "files").iterdir()))


@pytest.mark.parametrize("trouble", [broken, lambda: Drop, lambda: (503, {}, b""), lambda: (429, {"retry-after": "1"}, b"")])
def test_what_fails_is_tried_again(make_bridge, front, backend, trouble):
    bridge = make_bridge(front=front, backend=backend, **FAST)
    content, calls = data(10), itertools.count()
    sent = message("see it", attachments=[attach(front, "fil_1", lambda: trouble() if next(calls) < 2 else ("image/png", content))])
    assert bridge.callback(sent).json["type"] == "success"
    assert get(bridge, backend.wait(1)[0]["attachments"][0]["url"]).body == content
    assert len(front.downloads()) == 3


def test_over_the_limit(bridge, front, backend):
    edge = [attach(front, "fil_1", data(25 * 1024 * 1024 - 7)), attach(front, "fil_2", b"1234567")]
    over = [attach(front, "fil_3", b"", size=25 * 1024 * 1024 - 7), attach(front, "fil_4", b"12345678")]
    assert bridge.callback(message("edge", attachments=edge)).json["type"] == "success"
    refused = bridge.callback(message("over", attachments=over))
    assert "larger than" in refused.json["message"] and not front.downloads("fil_3")
    many = bridge.callback(message("many", attachments=[attach(front, f"fil_m{i}", b"") for i in range(33)]))
    assert "33 files" in many.json["message"]
    url = backend.wait(1, 20)[0]["attachments"][0]["url"]
    assert digest(get(bridge, url).body) == digest(data(25 * 1024 * 1024 - 7))


def test_order_holds_while_a_file_is_on_its_way(bridge, front, backend):
    slow = attach(front, "fil_1", lambda: (time.sleep(1), ("image/png", data(10)))[1])
    bridge.callback(message("first", conversation="cnv_1", attachments=[slow]))
    bridge.callback(message("second", conversation="cnv_1"))
    bridge.callback(message("elsewhere", to="bob", conversation="cnv_2"))
    backend.wait(3)
    assert [t for t in backend.texts() if t != "elsewhere"] == ["first", "second"]


@pytest.mark.parametrize("point", ["mid_fetch", "after_fetch"])
def test_killed_while_it_fetches(make_bridge, front, backend, point):
    """Nothing half is left, nothing is unknown, and the message arrives once."""
    bridge = make_bridge(front=front, backend=backend, env={"FRONT_BRIDGE_POINT": f"{point}=kill"}, answer={"wait": "0"})
    content = data(200_000)
    sent = message("survives", attachments=[attach(front, "fil_1", content)])
    assert bridge.callback(sent).json["type"] == "success"
    until(lambda: bridge.process.poll() is not None)
    bridge.env = {}
    bridge.start()
    assert digest(get(bridge, backend.wait(1)[0]["attachments"][0]["url"]).body) == digest(content)
    backend.stays(1)
    until(lambda: len(list((bridge.store / "files").iterdir())) == 1)


def test_files_go_when_nobody_needs_them(make_bridge, front, backend):
    bridge = make_bridge(front=front, backend=backend, top={"retention": {"files": "1s", "bodies": "30d", "keys": "400d"}})
    sent = message("short", attachments=[attach(front, "fil_1", data(1000))])
    bridge.callback(sent)
    url = backend.wait(1)[0]["attachments"][0]["url"]
    assert get(bridge, url).status == 200
    time.sleep(1.1)
    bridge.restart()  # pruning begins with the first tick
    until(lambda: not list((bridge.store / "files").iterdir()), 10)
    assert get(bridge, url.replace(url.split("/")[2], f"127.0.0.1:{bridge.port}")).status == 404


def test_a_lost_disk_is_fetched_again(make_bridge, front, backend):
    bridge = make_bridge(front=front, backend=backend, answer={"wait": "0"}, **FAST)
    backend.answer = lambda d: (503, {}, {"retry-after": "1"})
    bridge.callback(message("lost", attachments=[attach(front, "fil_1", b"bytes")]))
    backend.wait(1)
    for path in (bridge.store / "files").iterdir():
        os.unlink(path)
    backend.answer = lambda d: (200, {})
    told = backend.wait(2)[1]["attachments"]
    assert get(bridge, told[0]["url"]).body == b"bytes" and len(front.downloads()) == 2
