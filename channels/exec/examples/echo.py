#!/usr/bin/env python3
"""A chat system in which every customer answers what the agent wrote; run by front-bridge's exec adapter.
Its webhook takes {"from": "alice", "text": "Hello"} and is answered once the message is stored."""
import json
import sys


def say(**line):
    print(json.dumps(line), flush=True)


def deliver(token, delivery, **_):
    # ... here the message would go to the chat system; delivery["id"] is the same if it comes again ...
    say(token=token, outcome="delivered", external_id="echo-" + delivery["id"])
    say(type="receive", ref="echo", id="answer-to-" + delivery["id"], sender=delivery["recipient"],
        conversation_id=delivery.get("conversation_id"), text="You wrote: " + (delivery["text"] or "(no text)"))


def request(token, body=None, **_):
    try:  # ... here a secret in the headers would be checked: anyone can send anything ...
        message = json.loads(body)
        say(type="receive", ref=token, sender={"handle": message["from"]}, text=message["text"])
    except Exception:
        say(type="reply", token=token, status=400, body={"error": "Send from and text as JSON."})


def stored(ref, status, **_):
    if ref != "echo":  # then it is the token of a request
        code = {"accepted": 202, "invalid": 422}.get(status, 503)
        say(type="reply", token=ref, status=code, body={"status": status})


def noticed(token, **_):
    say(token=token, outcome="delivered")  # ... here the customer would be told ...


handlers = {"deliver": deliver, "request": request, "stored": stored, "failed": noticed, "event": noticed}
for message in map(json.loads, sys.stdin):
    handlers.get(message.pop("type"), lambda **_: None)(**message)
