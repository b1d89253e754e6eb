"""Drives the Front simulator from Python, and plays the parts on either side of it.

    with Sim.start(binary, token="t") as sim:
        sim.add_channel(id="cha_1", webhook_url=url, secret="s")
        sim.send("cha_1", "hello", to="ada")["state"] == "sent"

Receiver is a server that records what it is sent (a bridge, a backend); sign_*, jwt and webhook_signature make what Front and
a backend send, for tests that speak to a bridge directly.
"""
import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse

import evidence


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


def request(base, method, path, body=None, headers=None, timeout=30):
    """One request on its own connection; body may be bytes, or anything else as JSON."""
    url = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
    headers = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def wait_for(condition, timeout=10, what=None):
    """Calls condition until it gives something true, and gives that back."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what or condition}; last: {result!r}")
        time.sleep(0.02)


def sign_sha1(body, secret):
    """X-Front-Signature of custom channels and rule webhooks."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha1).digest()).decode()


def sign_sha256(body, secret, timestamp):
    """X-Front-Signature of application channels; timestamp is the text of X-Front-Request-Timestamp."""
    signed = str(timestamp).encode() + b":" + body
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def webhook_secret():
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def webhook_signature(secret, webhook_id, timestamp, body):
    key = base64.b64decode(secret[len("whsec_"):])
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def webhook_headers(secret, webhook_id, body):
    timestamp = str(int(time.time()))
    return {"webhook-id": webhook_id, "webhook-timestamp": timestamp,
            "webhook-signature": webhook_signature(secret, webhook_id, timestamp, body)}


def jwt(uid, secret, channel, exp=None, jti=None, alg="HS256"):
    """A channel's token for Front's API."""
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
    claims = {"iss": uid, "sub": channel, "jti": jti or secrets.token_hex(8), "exp": exp or int(time.time()) + 25}
    signed = part({"alg": alg, "typ": "JWT"}) + b"." + part(claims)
    mac = base64.urlsafe_b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).rstrip(b"=")
    return (signed + b"." + mac).decode()


def bracketed(value, name=""):
    """The fields of a form for a nested object: {"sender": {"handle": "a"}, "to": ["b"]} gives sender[handle] and to[0]."""
    if isinstance(value, dict):
        pairs = [bracketed(v, f"{name}[{k}]" if name else k) for k, v in value.items()]
    elif isinstance(value, list):
        pairs = [bracketed(v, f"{name}[{i}]") for i, v in enumerate(value)]
    else:
        return [(name, value if isinstance(value, str) else json.dumps(value))]
    return [pair for some in pairs for pair in some]


def multipart(fields, files=(), boundary=None):
    """(content type, body) of multipart/form-data; files are (field, filename, content type, bytes[, cid])."""
    boundary = boundary or "front-" + secrets.token_hex(12)
    parts = [f'Content-Disposition: form-data; name="{n}"\r\n\r\n'.encode() + v.encode() for n, v in bracketed(fields)]
    for field, filename, content_type, data, *cid in files:
        head = f'Content-Disposition: form-data; name="{field}"; filename="{filename}"\r\n'
        head += f"Content-Type: {content_type}\r\n" if content_type else ""
        head += f"Content-ID: <{cid[0]}>\r\n" if cid else ""
        parts.append(head.encode() + b"\r\n" + data)
    body = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


def attachment(filename, data=None, content_type=None, **more):
    """A file for Sim.send: data, or size= and seed= for generated bytes; cid= makes it inline; claims={"size", "content_type"}
    is what the message says of it instead of the truth."""
    spec = {"filename": filename, **more}
    if data is not None:
        spec["data"] = base64.b64encode(data).decode()
    if content_type:
        spec["content_type"] = content_type
    return spec


def generated(size, seed=0):
    """The bytes that the simulator makes of a size and a seed."""
    mask, out = 2**64 - 1, bytearray()
    for i in range(-(-size // 8)):
        x = (seed + i + 0x9E3779B97F4A7C15) & mask
        x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ x >> 27) * 0x94D049BB133111EB) & mask
        out += (x ^ x >> 31).to_bytes(8, "little")
    return bytes(out[:size])


class Sim:
    """A running simulator. Its log is what the process wrote to standard error."""

    def __init__(self, process, port, token, log):
        self.process, self.port, self.token, self.log_file = process, port, token, log
        self.url = f"http://127.0.0.1:{port}"

    @classmethod
    def start(cls, binary, token="test-token", **config):
        folder = tempfile.mkdtemp(prefix="frontsim-")
        port_file, log = os.path.join(folder, "port"), os.path.join(folder, "log")
        command = [binary, "sim", "--listen", "127.0.0.1:0", "--port-file", port_file, "--token", token]
        if config:
            command += ["--config", json.dumps(config)]
        with open(log, "wb") as err:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err)
        evidence.watch("simulator", process, log)
        def is_up():
            if process.poll() is not None:
                raise AssertionError(f"the simulator ended with {process.returncode}: {open(log).read()}")
            return os.path.exists(port_file)
        wait_for(is_up, 20, "the simulator's port")
        return cls(process, int(open(port_file).read()), token, log)

    def stop(self):
        """Ends the process; it must end well and, under a sanitizer, without a leak."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        log = open(self.log_file, errors="replace").read() if os.path.exists(self.log_file) else ""
        shutil.rmtree(os.path.dirname(self.log_file), ignore_errors=True)
        assert code == 0, f"the simulator ended with {code}: {log[-4000:]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # -- the control API --

    def control(self, method, path, body=None, expect=(200, 201, 202), timeout=30):
        answer = request(self.url, method, path, body, timeout=timeout)
        assert answer.status in expect, f"{method} {path}: {answer}"
        return answer.json if answer.body else None

    def configure(self, **options):
        self.control("POST", "/sim/config", options)

    def reset(self):
        self.control("POST", "/sim/reset", {})

    def add_channel(self, **spec):
        return self.control("POST", "/sim/channels", spec)

    def send(self, channel, text, to=None, conversation=None, **more):
        """An agent sends; gives the message as the agent sees it once the callback has ended. attachments=[attachment(…)]."""
        body = {"channel": channel, "text": text, **more}
        if conversation:
            body["conversation"] = conversation
        if to:
            body["to"] = [{"handle": to}] if isinstance(to, str) else to
        return self.control("POST", "/sim/send", body)

    def file(self, attachment):
        """The bytes of one of a message's attachments, by the control API; its hash is in the message: ["sha256"]."""
        answer = request(self.url, "GET", f"/sim/files/{attachment['id']}")
        assert answer.status == 200, answer
        return answer.body

    def resend(self, message, text=None, **more):
        return self.control("POST", "/sim/resend", {"message": message, **({"text": text} if text else {}), **more})

    def conversations(self):
        return self.control("GET", "/sim/conversations")

    def conversation(self, conversation):
        return self.control("GET", f"/sim/conversations/{conversation}")

    def message(self, message):
        return self.control("GET", f"/sim/messages/{message}")

    def messages(self):
        """Every message of every conversation."""
        return [m for c in self.conversations() for m in self.conversation(c["id"])["messages"]]

    def inbound(self):
        return [m for m in self.messages() if m["is_inbound"]]

    def fault(self, **spec):
        self.control("POST", "/sim/faults", spec)

    def clear_faults(self):
        self.control("DELETE", "/sim/faults")

    def log(self, after=0):
        return self.control("GET", f"/sim/log?after={after}")

    def calls(self, name=None):
        """The API calls in the journal, all or those of one name."""
        return [e for e in self.log()["entries"] if e["kind"] == "api" and name in (None, e["call"])]

    def callbacks(self):
        return [e for e in self.log()["entries"] if e["kind"] == "callback"]

    def burst(self, channel, n, timeout=120, **more):
        return self.control("POST", "/sim/burst", {"channel": channel, "n": n, **more}, timeout=timeout)

    # -- events --

    def events(self, after=0):
        """The whole log, oldest first, as full events."""
        return self.control("GET", f"/sim/events?after={after}")

    def happen(self, type, conversation=None, message=None, **more):
        """Makes something happen to a conversation, or to a message; gives {"event", "sent": [a result per sending]}.

        teammate and assignee are {"name","email"}; rule, tag, link, field, text are words; inbox an id; recipient a handle. source and target are a
        kind ("rule", "api", "teammate", …, "none"), or {"type","id","data"} as it stands. emitted_at and created_at may lie back.
        send=False keeps it from the webhooks, wait=False does not wait for them.
        """
        place = {"message": message} if message else {"conversation": conversation}
        return self.control("POST", "/sim/events", {"type": type, **place, **more})

    def merge(self, into, *gone, **more):
        """Merges conversations; deleted_as="objects" writes their ids as [{"id"}]."""
        return self.control("POST", "/sim/merge", {"into": into, "from": list(gone), **more})

    def webhook(self, kind, url=None, **more):
        """Adds a place for events: kind rule or application with a url, or channel with channel=ID. types, inboxes, form, secret,
        disable_after, handshake=False. Gives {"webhook", "sent": [the handshake]}."""
        return self.control("POST", "/sim/webhooks", {"kind": kind, **({"url": url} if url else {}), **more})

    def webhooks(self):
        return self.control("GET", "/sim/webhooks")

    def remove_webhook(self, hook):
        return self.control("DELETE", f"/sim/webhooks/{hook}")

    def notify(self, event=None, **more):
        """Sends an event once more (the last one, if none is named) to hook=ID, to url= with kind=, or to all that want it.

        form, or source, target, conversation one by one: full, preview, slim, null, meta, absent. links="https://other.host" stands
        in every link; replace={"id": …, "target": …} stands for these parts; signature is right, wrong, none or stale; times=2.
        """
        return self.control("POST", "/sim/notify", {**({"event": event} if event else {}), **more}, timeout=60)

    def import_old(self, channel, text, created_at, **more):
        """An imported message of another time: conversation=ID or from_=handle; is_inbound=False for an agent's. Webhooks are
        not told of it; with rules=True those of rules are."""
        if "from_" in more:
            more["from"] = more.pop("from_")
        return self.control("POST", "/sim/import-old", {"channel": channel, "text": text, "created_at": created_at, **more})

    def connect(self, url, key=None, channel=None, **more):
        """What a person does in Front's settings: authorization at the app's base URL; list=True asks for its addresses first, and
        address=… must be among them. Gives {"channel","webhook_url","is_connected","address","addresses","pages","status","why"}."""
        named = {"key": key, "channel": channel}
        return self.control("POST", "/sim/connect", {"url": url, **{k: v for k, v in named.items() if v}, **more})

    def disconnect(self, channel, body=True):
        """The channel is deleted in Front: DELETE to its webhook_url, with or without a body."""
        return self.control("POST", "/sim/disconnect", {"channel": channel, "body": body})

    def autoreply(self, conversation, text, metadata=True):
        """A rule answers on an application channel: message_autoreply, with or without the envelope's metadata."""
        return self.control("POST", "/sim/autoreply", {"conversation": conversation, "text": text, "metadata": metadata})

    def app_calls(self, type=None):
        """authorization, list_addresses, message_imported and delete, from the journal."""
        return [e for e in self.log()["entries"] if e["kind"] == "app" and type in (None, e["type"])]

    def sent_events(self):
        """Sendings of events that have ended, from the journal."""
        return [e for e in self.log()["entries"] if e["kind"] == "event"]

    def search(self, limit=None, page_token=None, sort_order=None, **q):
        """One page of GET /events: types, inboxes, before, after; gives the whole answer."""
        pairs = [(f"q[{k}][]", v) for k in ("types", "inboxes") for v in q.get(k, [])]
        pairs += [(f"q[{k}]", q[k]) for k in ("before", "after") if k in q]
        plain = {"limit": limit, "page_token": page_token, "sort_order": sort_order}
        pairs += [(k, v) for k, v in plain.items() if v is not None]
        return self.api("GET", "/events?" + urllib.parse.urlencode(pairs))

    def all_events(self, pages_max=100, **search):
        """Every page of a search: the list of pages, each a list of events."""
        pages, path, answer = [], None, self.search(**search)
        while True:
            assert answer.status == 200, answer
            pages.append(answer.json["_results"])
            following = answer.json["_pagination"]["next"]
            if not following or len(pages) == pages_max:
                return pages
            path = "/" + following.split("/", 3)[3]
            answer = self.api("GET", path)

    # -- the chat --

    def chat_mode(self, mode, next=None):
        self.control("POST", "/chat/mode", {"mode": mode, **({"next": next} if next else {})})

    def say(self, handle, text, name=None):
        self.control("POST", "/chat/say", {"handle": handle, "text": text, **({"name": name} if name else {})})

    def chat(self, handle=None):
        query = "?" + urllib.parse.urlencode({"handle": handle}) if handle else ""
        return self.control("GET", "/chat/messages" + query)["messages"]

    # -- Front's API --

    def api(self, method, path, body=None, token=None, headers=None, timeout=30):
        return request(self.url, method, path, body,
                       {"Authorization": f"Bearer {token or self.token}", **(headers or {})}, timeout)

    def pages(self, path, token=None):
        """Every element of a list of the API, by following its pages."""
        found = []
        while path:
            page = self.api("GET", path, token=token)
            assert page.status == 200, page
            found += page.json["_results"]
            path = page.json["_pagination"]["next"] and "/" + page.json["_pagination"]["next"].split("/", 3)[3]
        return found

    def channel(self, channel):
        """A channel as the control API shows it: with webhook_url, settings and status."""
        return next(c for c in self.control("GET", "/sim/channels") if c["id"] == channel)

    def scoped_token(self, *scopes):
        """A further token of the company that may do this only; it replaces the one made before."""
        token = "scoped-" + secrets.token_hex(8)
        self.configure(tokens=[{"token": token, "scopes": list(scopes)}])
        return token

    def import_message(self, inbox, token=None, files=(), **fields):
        """POST /inboxes/{inbox}/imported_messages; what is not given is a customer's custom message of ada to chat."""
        body = {"sender": {"handle": "ada"}, "to": ["chat"], "body": "x", "external_id": secrets.token_hex(8),
                "created_at": 1600000000, "type": "custom", "metadata": {"is_inbound": True}, **fields}
        path = f"/inboxes/{inbox}/imported_messages"
        return self.upload(path, body, files, token) if files else self.api("POST", path, body, token)

    def outbound_message(self, channel, token, files=(), **fields):
        """POST /channels/{channel}/outbound_messages with the channel's token; what is not given goes to ada."""
        body = {"to": [{"handle": "ada"}], "body": "x",
                "metadata": {"external_id": secrets.token_hex(8), "external_conversation_id": "c-1"}, **fields}
        path = f"/channels/{channel}/outbound_messages"
        return self.upload(path, body, files, token) if files else self.api("POST", path, body, token)

    def upload(self, path, fields, files, token=None):
        """A call with files: fields is the nested object that would be JSON, files as for multipart."""
        content_type, body = multipart(fields, files)
        return self.api("POST", path, body, token, {"Content-Type": content_type})

    def download(self, attachment, message=None, token=None, timeout=30):
        """A file as the bridge gets it: with the company's token, or of a message with a channel's."""
        path = f"/download/{attachment['id']}"
        return self.api("GET", f"/messages/{message}{path}" if message else path, token=token, timeout=timeout)


class Recorded:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.at = time.monotonic()

    @property
    def json(self):
        return json.loads(self.body)


class Receiver:
    """A server that records its requests. answer(request) gives (status, body) or (status, body, headers); it may sleep."""

    def __init__(self, answer=None):
        self.requests = []
        self.answer = answer or (lambda request: (200, {"type": "success"}))
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                recorded = Recorded(self.command, self.path, self.headers, body)
                outer.requests.append(recorded)
                status, answer, *headers = outer.answer(recorded)
                if not isinstance(answer, bytes):
                    answer = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in (headers[0] if headers else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # peers that leave early are part of the tests

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
