"""A process that may open few files."""
import socket

import bridge as bridge_module
from courier import digest, shown
from wait import until


def test_strangers_do_not_take_the_last_descriptors(make_courier, company, tmp_path, monkeypatch):
    few = tmp_path / "few"
    few.write_text(f'#!/bin/sh\nulimit -n 400\nexec {bridge_module.BINARY} "$@"\n')
    few.chmod(0o755)
    monkeypatch.setattr(bridge_module, "BINARY", few)
    courier = make_courier()
    assert courier.bridge.lines("connections_limited")[0]["connections"] == 200
    contents = [b"%d" % i for i in range(32)]
    lines = [courier.file(c) for c in contents]
    crowd = []
    try:
        crowd = [socket.create_connection(("127.0.0.1", courier.bridge.port)) for _ in range(400)]
        for one in crowd:
            one.settimeout(0)
        open_n = lambda: sum(is_open(one) for one in crowd)  # noqa: E731
        until(lambda: 0 < open_n() <= 200, 10, open_n)
        for one in [c for c in crowd if is_open(c)][:5]:
            one.close()
        answer = until(lambda: attempt(courier, lines), 10)
        assert answer.status == 202
        [message] = shown(company)
        assert [a["sha256"] for a in message["attachments"]] == [digest(c) for c in contents]
    finally:
        for one in crowd:
            one.close()
    assert len(courier.bridge.lines("channel_host", status="starting")) == 2, "no host was ended"


def attempt(courier, lines):
    try:
        return courier.post("id m1", "text many", *lines)
    except OSError:
        return None


def is_open(connection):
    try:
        return connection.fileno() >= 0 and connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
