"""Long texts and kill -9: every part arrives, by its key once, in order, and together they are the text."""
import itertools
import os
import random
import re
import threading
import time

import backend as backend_module
from bridge import message
from load import Causes, open_messages
from serving import Drop
from test_kill import kill_and_start
from wait import until

KILLS = int(os.environ.get("FB_KILLS", "200")) // 5 or 1
NUMBER = re.compile(r"\n\((\d+)/(\d+)\)$")


def text_of(tag, n):
    return " ".join(f"{tag}.{n}.{k} \U0001f431 word" for k in range(30))


class Writer(threading.Thread):
    """An agent who writes long texts and short ones in one conversation, and sends again what was not answered."""

    def __init__(self, bridge, tag):
        super().__init__(daemon=True)
        self.bridge, self.tag, self.sent, self.is_over = bridge, tag, [], threading.Event()
        self.start()

    def run(self):
        n = 0
        while not self.is_over.is_set():
            n += 1
            text = text_of(self.tag, n) if n % 3 else f"{self.tag}.{n} short"
            content = message(text, conversation=f"cnv_{self.tag}")
            while True:
                try:
                    if self.bridge.callback(content).status == 200:
                        break
                except OSError:
                    time.sleep(0.005)
            self.sent.append((content["id"], text))
            time.sleep(0.02)

    def end(self):
        self.is_over.set()
        self.join(60)
        assert not self.is_alive()


def test_parts_survive_kills(make_fast, backend):
    settings = {"url": backend.url + "/deliver", "secret": backend_module.SECRET, "max_text": 120, "format": "plain"}
    dice, causes = random.Random(41), Causes()
    answers = random.Random(42)

    def answer(delivery):
        chance = answers.random()
        return Drop if chance < 0.02 else (503, {}) if chance < 0.06 else (200, {"external_id": "x-" + delivery["id"]})

    backend.answer = answer
    bridge = make_fast(settings=settings)
    writers = [Writer(bridge, f"w{k}") for k in range(4)]
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.02, 0.25))
        kill_and_start(bridge, causes)
    for writer in writers:
        writer.end()
    sent = {message_id: text for writer in writers for message_id, text in writer.sent}
    until(lambda: open_messages(bridge) == 0, 120, lambda: f"{open_messages(bridge)} still open")

    arrived, turns = {}, {}  # message: its parts by key, in the order of their first arrival; conversation: whose parts came
    for delivery, key in zip(backend.deliveries, backend.keys):
        front = delivery["front"]
        parts = arrived.setdefault(front["message_id"], {})
        if key not in parts:
            turns.setdefault(front["conversation_id"], []).append(front["message_id"])
        assert parts.setdefault(key, delivery["text"]) == delivery["text"], "a key is one text"
    assert set(arrived) >= set(sent)
    in_parts = 0
    for message_id, text in sent.items():
        parts = list(arrived[message_id].values())
        numbers = [NUMBER.search(p) for p in parts]
        if len(parts) > 1:
            in_parts += 1
            assert [(int(n[1]), int(n[2])) for n in numbers] == [(k, len(parts)) for k in range(1, len(parts) + 1)]
        assert " ".join(NUMBER.sub("", p) for p in parts) == text
    for writer in writers:
        order = [message_id for message_id, _ in itertools.groupby(turns[f"cnv_{writer.tag}"])]
        assert order == [message_id for message_id, _ in writer.sent], "nothing comes between parts"
    assert in_parts > 0
    print(f"{KILLS} kills: {len(sent)} messages, {in_parts} of them in parts, {len(backend.keys)} deliveries, "
          f"{len(backend.keys) - len(set(backend.keys))} of them again")
