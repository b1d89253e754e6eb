"""The real bridge on a custom channel of the simulated Front: threads, lost answers, the rate budget."""
import json
import subprocess

import pytest

import evidence
from frontsim import request, wait_for, webhook_secret

CONFIG = """
listen: 127.0.0.1:0
admin: {{listen: 127.0.0.1:0}}
store: {folder}/store
accounts:
  main: {{api: "{front}", token: {token}, secrets: [sha1-secret]}}
channels:
  demo:
    account: main
    kind: custom
    front_channel: cha_c
    adapter: http
    retry: {{first: 200ms}}
    settings: {{url: "{front}/chat/deliver", secret: {secret}}}
"""


@pytest.fixture
def front(sim, binary, tmp_path):
    """The simulator, with a bridge between its custom channel and its chat."""
    secret = webhook_secret()
    sim.add_channel(id="cha_c", kind="custom", address="chat", secret="sha1-secret")
    config, ports = tmp_path / "front-bridge.yaml", tmp_path / "store" / "ports"
    config.write_text(CONFIG.format(folder=tmp_path, front=sim.url, token=sim.token, secret=secret))
    with open(tmp_path / "log", "wb") as log:
        bridge = subprocess.Popen([binary, "run", "-c", str(config)], stdout=log, stderr=log)
    evidence.watch("bridge", bridge, tmp_path / "log")
    try:
        wait_for(lambda: ports.exists() or bridge.poll() is not None, 20)
        assert bridge.poll() is None, (tmp_path / "log").read_text()
        port = json.loads(ports.read_text())
        wait_for(lambda: b'front_bridge_channel_up{channel="demo"} 1' in
                 request(f"http://127.0.0.1:{port['admin']}", "GET", "/metrics").body, 20)
        sim.add_channel(id="cha_c", webhook_url=f"http://127.0.0.1:{port['listen']}/front/demo")
        sim.configure(chat={"secret": secret, "hook_url": f"http://127.0.0.1:{port['listen']}/hooks/demo"})
        yield sim
    finally:
        bridge.terminate()
        assert bridge.wait(30) == 0, (tmp_path / "log").read_text()


def test_the_first_reply_reaches_the_customers_own_conversation(front):
    front.say("ada", "one", name="Ada")
    [received] = wait_for(front.inbound)
    wait_for(lambda: front.calls("message"))  # the bridge learns the conversation
    sent = front.send("cha_c", "two", conversation=received["conversation"])
    assert sent["state"] == "sent"
    assert [(m["text"], m["conversation_id"]) for m in front.chat("ada")] == [("one", None), ("two", "chat-ada")]
    front.say("ada", "three", name="Ada")
    wait_for(lambda: len(front.inbound()) == 2)
    assert {m["conversation"] for m in front.inbound()} == {received["conversation"]}


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"rate_limit": True}, {"html": True, "status": 502}])
def test_front_in_trouble_loses_nothing(front, fault):
    front.fault(call="incoming_messages", **fault)
    front.say("ada", "still here")
    [received] = wait_for(front.inbound, 30)
    assert received["text"] == "still here"


def test_the_allowance_is_used_without_a_429(front):
    front.configure(rate={"limit": 200, "per_resource": 5})
    for i in range(12):
        front.say(f"customer-{i}", "hello")
    wait_for(lambda: len(front.inbound()) == 12, 30)
    assert "429" not in str(front.log()["counts"])


def test_a_burst_of_agents(front):
    front.configure(rate={"limit": 0})
    result = front.burst("cha_c", 200, concurrency=32, conversations=40)
    assert result["sent"] == 200
    texts = [m["text"] for m in front.chat()]
    assert len(texts) == len(set(texts)) == 200
    for customer in range(40):
        numbers = [int(m["text"].split()[1]) for m in front.chat(f"burst-{customer}")]
        assert numbers == sorted(numbers)
