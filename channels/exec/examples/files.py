#!/usr/bin/env python3
"""A chat system with files: each customer sends back the files that the agent sent; run by front-bridge's exec
adapter. Its files lie in a folder of its own, and each is removed once front-bridge has it."""
import json
import os
import sys
import tempfile
import threading
import urllib.request

folder = tempfile.TemporaryDirectory()
waiting = {}  # ref: the line that is not yet answered by "stored"


def say(**line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def fetch(file, number):
    path = os.path.join(folder.name, str(number))  # never by a name that someone else has chosen
    with urllib.request.urlopen(file["url"], timeout=10) as answer, open(path, "wb") as copy:
        while chunk := answer.read(65536):
            copy.write(chunk)
    return {"filename": file["filename"], "content_type": file["content_type"], "path": path}


def deliver(token, delivery, **_):
    try:
        files = [fetch(file, f"{token}-{i}") for i, file in enumerate(delivery["attachments"])]
    except OSError as error:
        say(token=token, outcome="retry", reason=f"A file could not be fetched: {error}.")
        return
    # ... here message and files would go to the chat system; delivery["id"] is the same if it comes again ...
    say(token=token, outcome="delivered")
    if files:
        waiting[token] = {"type": "receive", "ref": token, "id": "back-" + delivery["id"],
                          "sender": delivery["recipient"], "attachments": files}
        say(**waiting[token])


def stored(ref, status, **_):
    if status == "retry":
        threading.Timer(5, say, kwargs=waiting[ref]).start()
    else:
        for file in waiting.pop(ref)["attachments"]:
            os.unlink(file["path"])


def noticed(token, **_):
    say(token=token, outcome="delivered")


def request(token, **_):
    say(type="reply", token=token, status=404, body={"error": "Nothing comes in here."})


handlers = {"deliver": deliver, "request": request, "stored": stored, "failed": noticed, "event": noticed}
for message in map(json.loads, sys.stdin):
    handlers.get(message.pop("type"), lambda **_: None)(**message)
