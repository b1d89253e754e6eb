"""front-bridge demo: the real processes together, and nothing left behind."""
import json
import os
import re
import signal
import subprocess

import pytest

from frontsim import request, wait_for


@pytest.fixture
def folder(tmp_path):
    """Where the demo makes its own folder; it must be empty again at the end."""
    yield tmp_path
    assert os.listdir(tmp_path) == []


def processes_under(folder):
    """The processes that have a path of folder on their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = open(f"/proc/{pid}/cmdline", "rb").read()
        except OSError:
            continue
        if str(folder).encode() in command:
            found.append(int(pid))
    return found


def parent_of(pid):
    return int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])


class Demo:
    def __init__(self, binary, folder):
        self.process = subprocess.Popen([binary, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "TMPDIR": str(folder)})
        lines = []
        while "Ctrl-C" not in (lines[-1] if lines else ""):
            line = self.process.stdout.readline()
            assert line, self.process.communicate()
            lines.append(line)
        text = "".join(lines)
        self.front = re.search(r"The agent +(http://127\.0\.0\.1:\d+)/\n", text).group(1)
        self.admin = re.search(r"The bridge +(http://127\.0\.0\.1:\d+)/", text).group(1)
        assert f"A customer    {self.front}/chat\n" in text

    def end(self, number=signal.SIGINT, expect=0):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        assert self.process.returncode == expect, (out, err)
        assert "Stopped, files removed." in out or expect != 0
        return err


def test_once(binary, folder):
    done = subprocess.run([binary, "demo", "--once"], env={**os.environ, "TMPDIR": str(folder)}, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "Both arrived" in done.stdout and " ms  " in done.stdout


def test_once_as_json(binary, folder):
    done = subprocess.run([binary, "demo", "--once", "--json"], env={**os.environ, "TMPDIR": str(folder)}, capture_output=True,
                          text=True, timeout=60)
    result = json.loads(done.stdout)
    assert done.returncode == 0 and result["ok"] is True and result["wrong"] is None
    for way in ("agent_to_customer", "customer_to_agent"):
        times = [step["at_ms"] for step in result[way]["steps"]]
        assert result[way]["arrived"] and times == sorted(times) and len(times) >= 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_conversation_then_the_end(binary, folder, number):
    demo = Demo(binary, folder)
    assert request(demo.admin, "GET", "/readyz").status == 200
    def get(path):
        return request(demo.front, "GET", path).json
    assert request(demo.front, "POST", "/chat/say", {"handle": "ada", "name": "Ada", "text": "Is anybody there?"}).status == 202
    [conversation] = wait_for(lambda: get("/sim/conversations"), 20)
    assert conversation["last"]["text"] == "Is anybody there?" and conversation["customer"]["name"] == "Ada"
    reply = request(demo.front, "POST", "/sim/send",
                    {"channel": conversation["channel"], "conversation": conversation["id"], "text": "Yes."}).json
    assert reply["state"] == "sent" and reply["conversation"] == conversation["id"], reply
    assert [m["text"] for m in get("/chat/messages?handle=ada")["messages"]] == ["Is anybody there?", "Yes."]
    demo.end(number)
    wait_for(lambda: not processes_under(folder))


def test_the_switches_on_the_chat_page(binary, folder):
    """What people are told to try: a refusal with its sentence, an outage, a server that hangs."""
    demo = Demo(binary, folder)
    def mode(name):
        assert request(demo.front, "POST", "/chat/mode", {"mode": name}).status == 200
    def send(text, **to):
        return request(demo.front, "POST", "/sim/send", {"channel": "cha_demo", "text": text, **to}).json
    def texts():
        return [m["text"] for m in request(demo.front, "GET", "/chat/messages").json["messages"]]
    mode("400")
    refused = send("helo", to=[{"handle": "ada"}])
    assert refused["state"] == "failed" and refused["error_message"] == "This customer has left the chat."
    mode("ok")
    again = request(demo.front, "POST", "/sim/resend", {"message": refused["id"], "text": "hello"}).json
    assert again["state"] == "sent" and again["id"] == refused["id"] and texts() == ["hello"]
    mode("503")
    accepted = send("during an outage", conversation=again["conversation"])
    assert accepted["state"] == "sent" and 4000 < accepted["took_ms"] < 6000
    mode("ok")
    wait_for(lambda: texts() == ["hello", "during an outage"], 20)
    mode("hang")
    accepted = send("nobody answers", conversation=again["conversation"])
    assert accepted["state"] == "sent" and accepted["took_ms"] < 6000
    mode("ok")
    wait_for(lambda: texts() == ["hello", "during an outage", "nobody answers"], 20)
    demo.end()


def test_a_bridge_that_dies_ends_the_demo(binary, folder):
    demo = Demo(binary, folder)
    [bridge] = [p for p in processes_under(folder) if parent_of(p) == demo.process.pid]
    os.kill(bridge, signal.SIGKILL)
    out, err = demo.process.communicate(timeout=30)
    assert demo.process.returncode == 1 and "the bridge has ended" in err
    wait_for(lambda: not processes_under(folder))


def test_a_demo_that_is_killed_takes_its_bridge_along(binary, tmp_path):
    demo = Demo(binary, tmp_path)
    demo.process.kill()
    demo.process.communicate(timeout=30)
    wait_for(lambda: not processes_under(tmp_path), 20)


def test_usage(binary):
    done = subprocess.run([binary, "demo", "--json"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "--once" in done.stderr
