"""Whatever is sent, there is one clear sentence, nothing is stored, and the next good message passes."""
import json
import socket
import time

import pytest
import signing
from bridge import SECRET, message
from wait import until


def signed(body, secret=SECRET):
    return {"content-type": "application/json", "x-front-signature": signing.sha1(body, secret)}


def post(bridge, body, headers=None, path="/front/support", method="POST"):
    return bridge.request(method, path, body, signed(body) if headers is None else headers)


GOOD = message("good")


def changed(**fields):
    return json.dumps({**message(), **fields}).encode()


def without(key):
    content = message()
    del content[key]
    return json.dumps(content).encode()


BAD_BODIES = {
    "empty": b"",
    "not json": b"hello",
    "truncated": json.dumps(GOOD).encode()[:-20],
    "depth 10,000": b'{"a":' * 10000 + b"1" + b"}" * 10000,
    "array depth 10,000": b"[" * 10000 + b"]" * 10000,
    "duplicate keys": b'{"id":"msg_1","id":"msg_2"}',
    "duplicate escaped keys": b'{"id":"msg_1","\\u0069d":"msg_2"}',
    "raw nul": b'{"id":"a\x00b"}',
    "invalid utf-8": b'{"id":"\xff\xfe"}',
    "overlong utf-8": b'{"id":"\xc0\xaf"}',
    "raw surrogate": b'{"id":"\xed\xa0\x80"}',
    "missing comma": b'{"a":1 "b":2}',
    "empty element": b"[1,,2]",
    "bad literal": b"[tru]",
    "two roots": b"{}{}",
    "trailing comma": b'{"a":1,}',
    "trailing comma in array": b'{"a":[1,]}',
    "trailing text": b"{} x",
    "single quotes": b"{'a':1}",
    "comment": b'{"a":1 /* no */}',
    "leading zero": b'{"a":01}',
    "array at the top": b"[]",
    "string at the top": b'"hello"',
    "null": b"null",
    "unknown shape": b'{"hello":"world"}',
    "unknown type": b'{"type":"surprise","payload":{}}',
    "no recipients": without("recipients"),
    "empty recipients": changed(recipients=[]),
    "no to": changed(recipients=[{"handle": "x", "role": "from"}]),
    "recipients of another type": changed(recipients="ada"),
    "no handle": changed(recipients=[{"name": "x", "role": "to"}]),
    "handle of another type": changed(recipients=[{"handle": {"a": 1}, "role": "to"}]),
    "no id": without("id"),
    "id of another type": changed(id=17),
    "id too long": changed(id="msg_" + "x" * 5000),
    "too many recipients": changed(recipients=[{"handle": f"h{n}", "role": "to"} for n in range(10000)]),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_bodies(bridge, backend, name):
    answer = post(bridge, BAD_BODIES[name])
    assert answer.status == 400, answer
    assert answer.json["type"] == "bad_request"
    assert 10 < len(answer.json["message"]) < 400
    assert not bridge.messages()
    assert bridge.callback(message("still fine")).json["type"] == "success"


def test_the_sentence_says_where(bridge):
    assert "byte" in post(bridge, b'{"a":1 "b":2}').json["message"]


def test_accepted_all_the_same(bridge, backend):
    odd = {
        "escaped lone surrogate": b'{"text":"a\\ud800b"}',
        "escaped nul": b'{"text":"a\\u0000b"}',
    }
    for text in ("a\\ud800b", "a\\u0000b"):
        body = json.dumps(message("PLACE")).encode().replace(b"PLACE", text.encode())
        assert post(bridge, body).status == 200
    assert backend.wait(2)[0]["text"] == "a\ufffdb"
    assert backend.wait(2)[1]["text"] == "ab"
    for fields in (
        {"author": None},
        {"author": {}},
        {"is_draft": True},
        {"version": 17, "blurb": {"odd": []}, "attachments": None},
        {"_links": {"self": "http://evil.example/messages/msg_1", "related": {"conversation": "http://10.0.0.1/conversations/cnv_5"}}},
        {"text": None, "body": "<p>only html</p>"},
        {"subject": None, "name": None},
    ):
        assert post(bridge, changed(**fields)).json["type"] == "success", fields
    deliveries = backend.wait(9)
    assert deliveries[2]["author"] is None
    assert "only html" in deliveries[7]["text"]
    assert deliveries[6]["front"]["conversation_id"] == "cnv_5"
    assert bridge.metric("front_bridge_foreign_links_total") >= 1
    assert odd


SIGNATURES = {
    "missing": {"content-type": "application/json"},
    "empty": {"content-type": "application/json", "x-front-signature": ""},
    "short": {"content-type": "application/json", "x-front-signature": "abc"},
    "long": {"content-type": "application/json", "x-front-signature": "A" * 4000},
    "wrong key": signed(json.dumps(GOOD).encode(), "another secret"),
    "other body": signed(b"{}"),
    "hex": {
        "content-type": "application/json",
        "x-front-signature": __import__("hmac").new(SECRET.encode(), json.dumps(GOOD).encode(), "sha1").hexdigest(),
    },
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(bridge, backend, name):
    answer = post(bridge, json.dumps(GOOD).encode(), SIGNATURES[name])
    assert answer.status == 401 and answer.json["type"] == "authentication_required", answer
    assert not bridge.messages()
    assert SECRET not in bridge.tail(100000)


def test_several_secrets_let_one_be_changed_without_a_gap(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, secrets=["old secret", "new secret"])
    assert bridge.callback(message(), secret="old secret").status == 200
    assert bridge.callback(message(), secret="new secret").status == 200
    assert bridge.callback(message(), secret=SECRET).status == 401


def test_routes_methods_and_types(bridge):
    body = json.dumps(message()).encode()
    assert post(bridge, body, path="/front/nowhere").status == 404
    assert post(bridge, body, path="/elsewhere").status == 404
    assert post(bridge, body, path="/front").status == 404
    for method in ("GET", "PUT", "PATCH"):
        answer = post(bridge, body, method=method)
        assert answer.status == 405 and "POST" in {k.lower(): v for k, v in answer.headers.items()}["allow"]
        assert answer.json["type"] == "bad_request"
    for kind, said in (({"content-type": "text/plain; x=\"\xe9"}, 'its Content-Type says "text/plain; x="?".'), ({}, "there is no Content-Type.")):
        answer = post(bridge, body, {"x-front-signature": signed(body)["x-front-signature"], **kind})
        assert answer.status == 415 and answer.json["message"] == "The body must be application/json; " + said, answer
    assert post(bridge, body, {**signed(body), "content-type": "application/json; charset=utf-8"}).status == 200


def raw(bridge, data, timeout=10, then=b"", pause=0.0):
    """Sends bytes as they are and returns all that comes until the peer closes or says enough."""
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=timeout) as s:
        try:
            s.sendall(data)
            if pause:
                time.sleep(pause)
            if then:
                s.sendall(then)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while chunk := s.recv(65536):
                answer += chunk
                if b"\r\n\r\n" in answer and len(answer) > 100:
                    break
        except (TimeoutError, ConnectionResetError):
            pass
        return answer


def test_a_body_too_large_is_refused_before_it_is_read(make_bridge, backend, front):
    bridge = make_bridge(backend=backend, front=front, top={"limits": {"callback_body": "64KiB"}})
    head = b"POST /front/support HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n"
    answer = raw(bridge, head)
    assert b" 413 " in answer and b"bad_request" in answer
    chunked = b"POST /front/support HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b" 413 " in raw(bridge, chunked + b"10000\r\n" + b"x" * 0x10000 + b"\r\n10000\r\n" + b"x" * 0x10000)


@pytest.mark.parametrize(
    "data, status",
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/3.7\r\nHost: x\r\n\r\n", 505),
        (b"POST /front/support HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        (b"POST /front/support HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /front/support HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /hooks/support HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nBad Header : y\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400),
        (b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 70000 + b"\r\n\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000 + b"\r\n", 431),
    ],
)
def test_bad_heads(bridge, data, status):
    answer = raw(bridge, data)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert b'"type"' in answer and b'"message"' in answer


def test_slow_and_half_closed_clients_do_not_hold_the_server(bridge):
    slow = [socket.create_connection(("127.0.0.1", bridge.port)) for _ in range(200)]
    for n, s in enumerate(slow):
        s.sendall(b"POST /front/support HTTP/1.1\r\nHost: x\r\n"[: n % 30 + 1])
        if n % 3 == 0:
            s.shutdown(socket.SHUT_WR)
    answer = bridge.callback(message("in between"))
    assert answer.status == 200 and answer.seconds < 2
    for s in slow:
        s.close()


def test_five_thousand_idle_connections(bridge):
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (min(20000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    idle = []
    try:
        for _ in range(5000):
            idle.append(socket.create_connection(("127.0.0.1", bridge.port), timeout=10))
        answer = bridge.callback(message("in between"))
        assert answer.status == 200 and answer.seconds < 3, answer
    finally:
        for s in idle:
            s.close()


def test_events_are_answered_and_sent_to_nobody(bridge, backend):
    event = {
        "_links": {"self": "https://api2.frontapp.com/events/evt_55c8c149"},
        "id": "evt_55c8c149",
        "type": "assign",
        "emitted_at": 1453770984.123,
        "source": {"_meta": {"type": "rule"}, "data": {"id": "rul_1"}},
        "target": {"_meta": {"type": "teammate"}, "data": {"id": "tea_1"}},
        "conversation": {"id": "cnv_1"},
    }
    assert bridge.callback(event).json == {"type": "success"}
    backend.stays(0)
