"""Front's REST API as far as the bridge calls it, with every answer in the test's hands."""
import email
import email.policy
import hashlib
import json
import time
import urllib.parse

from serving import Drop, Server
from wait import until

TOKEN = "test-api-token"


def put(fields, name, value):
    """sender[handle]=ada as {"sender": {"handle": "ada"}}; to[0] as a list."""
    first, *rest = name.replace("]", "").split("[")
    keys = [first, *rest]
    for i, key in enumerate(keys[:-1]):
        fields = fields.setdefault(key, {})
    assert keys[-1] not in fields, name
    fields[keys[-1]] = value


def with_lists(fields):
    if not isinstance(fields, dict):
        return fields
    fields = {k: with_lists(v) for k, v in fields.items()}
    return [fields[str(i)] for i in range(len(fields))] if fields and all(k.isdigit() for k in fields) else fields


def parse(headers, body):
    """JSON, or a form: its fields, and its files as objects."""
    if not body:
        return None
    kind = headers["content-type"] or ""
    if not kind.startswith("multipart/form-data"):
        return json.loads(body)
    fields = {}
    form = email.message_from_bytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body, policy=email.policy.HTTP)
    for part in form.iter_parts():
        name, filename, data = part.get_param("name", header="content-disposition"), part.get_filename(), part.get_payload(decode=True)
        if filename is None:
            put(fields, name, data.decode())
        else:
            digest = hashlib.sha256(data).hexdigest()
            file = {"filename": filename, "content_type": part.get_content_type(), "size": len(data), "sha256": digest}
            put(fields, name, {**file, "cid": part["content-id"], "data": data})
    return with_lists(fields)


class FrontApi(Server):
    def __init__(self, port=0):
        self.calls = []  # (method, path, headers, parsed body)
        self.times = []  # when they came
        self.allowance = {}  # more headers of an answer: what Front says of its rate limits
        self.script = []  # answers to come, each a function of (method, path, body) or a tuple; empty: accept
        self.conversations = {}  # thread_ref -> cnv id
        self.messages = {}  # uid -> conversation
        self.shown = []  # messages that GETs of conversations and events show: what was taken, answered or not
        self.moved = {}  # merged conversations: the one that is gone -> the one that is left
        self.teammates = {}  # e-mail address -> tea id
        self.files = {}  # fil id -> (content type, bytes), or a function that gives a whole answer
        super().__init__(port)

    def handle(self, method, path, headers, body):
        content = parse(headers, body)
        with self.lock:
            self.calls.append((method, path, dict(headers), content))
            self.times.append(time.monotonic())
            step = self.script.pop(0) if self.script and "messages" in path and method == "POST" else None
        if method == "GET" and "/download/" in path:
            return self.download(path.rsplit("/", 1)[1])
        gone = path.split("/")[2] if path.startswith("/conversations/") else None
        if gone in self.moved:
            return 301, {"location": self.url + path.replace(gone, self.moved[gone])}, b""
        if callable(step) and step is not Drop:
            step = step(method, path, content)
        if method == "POST" and (step is Drop or (step and step[0] < 300)):
            self.show(content, f"lost{len(self.shown)}", "cnv_lost")
        if step is Drop:
            raise Drop
        if step:
            return step
        return self.accept(method, path, content)

    def show(self, content, uid, conversation):
        link = f"{self.url}/conversations/{conversation}"
        external_id = content.get("external_id")
        metadata = {**(content.get("metadata") or {}), **({"external_id": external_id} if external_id else {})}
        message = {"id": "msg_" + uid, "message_uid": uid, "metadata": metadata, "_links": {"related": {"conversation": link}}}
        with self.lock:
            self.shown.insert(0, message)

    def search(self, path):
        if path.startswith("/conversations/"):
            return [m for m in self.shown if m["_links"]["related"]["conversation"].endswith("/" + path.split("/")[2])]
        return [{"id": "evt_1", "type": "inbound", "target": {"_meta": {"type": "message"}, "data": m}} for m in self.shown]

    def download(self, fil):
        found = self.files.get(fil)
        if callable(found):
            found = found()
        if found is Drop:
            raise Drop
        if not found:
            return 404, {"content-type": "application/json"}, b'{"_error":{"status":404,"title":"Not found","message":"no such file"}}'
        if len(found) == 3:
            return found
        return 200, {"content-type": found[0]}, found[1]

    def downloads(self, fil=None):
        """The requests for files, in order."""
        with self.lock:
            return [c for c in self.calls if "/download/" in c[1] and (fil is None or c[1].endswith("/" + fil))]

    def accept(self, method, path, content):
        status, answer = self.judge(method, path, content)
        if status == 202:
            self.show(content, answer["message_uid"], self.messages[answer["message_uid"]])
        return status, {"content-type": "application/json", **self.allowance}, json.dumps(answer).encode()

    def judge(self, method, path, content):
        answer = {}
        status = 200
        with self.lock:
            if method == "GET" and (path.startswith("/events") or "/messages?" in path):
                answer = {"_pagination": {"next": None}, "_results": self.search(path)}
            elif method == "POST":
                uid = f"uid{len(self.messages)}"
                metadata = content.get("metadata") or {}
                thread = content.get("conversation_id") or metadata.get("thread_ref") or metadata.get("external_conversation_id")
                thread = thread or content["sender"]["handle"]
                self.messages[uid] = self.conversations.setdefault(thread, f"cnv_{len(self.conversations) + 1}")
                status, answer = 202, {"status": "accepted", "message_uid": uid}
            elif method == "GET" and path.startswith("/channels/"):
                inbox = f"{self.url}/inboxes/inb_1"
                answer = {"id": path.split("/")[2], "type": "custom", "address": "support-line", "_links": {"related": {"inbox": inbox}}}
            elif "/alt:email:" in path:
                email = urllib.parse.unquote(path.rsplit(":", 1)[1])
                status = 200 if email in self.teammates else 404
                answer = {"id": self.teammates[email]} if status == 200 else {"_error": {"status": 404, "title": "Not found"}}
            elif "/alt:uid:" in path:
                conversation = self.messages[path.rsplit(":", 1)[1]]
                answer = {"id": "msg_1", "_links": {"related": {"conversation": f"{self.url}/conversations/{conversation}"}}}
        return status, answer

    def posted(self):
        """The bodies of what was posted, in order."""
        with self.lock:
            return [c[3] for c in self.calls if c[0] == "POST"]

    def wait(self, n, timeout=10.0):
        until(lambda: len(self.posted()) >= n, timeout, lambda: f"{n} posts, there are {len(self.posted())}")
        return self.posted()[:n]
