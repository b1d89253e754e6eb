#!/usr/bin/env python3
"""A chat system in which every customer answers what the agent wrote; run by front-bridge's exec adapter.
Its webhook takes {"from": "alice", "text": "Hello"} and is answered once the message is stored."""
import json
import sys

webhooks = set()  # requests that wait for their message to be stored


def say(**line):
    print(json.dumps(line), flush=True)


def deliver(token, delivery, **_):
    # ... here the message would go to the chat system; delivery["id"] is the same if it comes again ...
    say(token=token, outcome="delivered", external_id="echo-" + delivery["id"])
    say(type="receive", ref="echo", id="answer-to-" + delivery["id"], sender=delivery["recipient"],
        conversation_id=delivery.get("conversation_id"), text="You wrote: " + delivery["text"])


def request(token, body, **_):
    message = json.loads(body)
    webhooks.add(token)
    say(type="receive", ref=token, sender={"handle": message["from"]}, text=message["text"])


def stored(ref, status, **_):
    if ref in webhooks:
        webhooks.remove(ref)
        say(type="reply", token=ref, status=202 if status == "accepted" else 503, body={"status": status})


def failed(token, notice, **_):
    say(token=token, outcome="delivered")  # ... here the customer would be told ...


for line in sys.stdin:
    message = json.loads(line)
    {"deliver": deliver, "request": request, "stored": stored, "failed": failed}[message.pop("type")](**message)
