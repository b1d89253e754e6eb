"""Front as far as setting up a bridge goes: a token with scopes, inboxes, channels; every write is kept for the test to see."""
import json

from frontapi import TOKEN
from serving import Server

SCOPES = {
    ("GET", "messages"): "messages:read",
    ("POST", "incoming_messages"): "messages:write",
    ("GET", "conversations"): "conversations:read",
    ("PATCH", "conversations"): "conversations:write",
    ("POST", "comments"): "comments:write",
    ("GET", "comments"): "comments:read",
    ("GET", "channels"): "channels:read",
    ("PATCH", "channels"): "channels:write",
    ("POST", "channels"): "channels:write",
    ("GET", "inboxes"): "inboxes:read",
    ("GET", "teammates"): "teammates:read",
    ("GET", "download"): "attachments:read",
    ("GET", "events"): "events:*:read",
}
DEMANDED = {"incoming_messages": ("sender", "body"), "comments": ("body",)}


def scope_of(method, path):
    """The last part of the path that names a kind of thing decides."""
    for part in reversed(path.partition("?")[0].split("/")):
        if (method, part) in SCOPES:
            return SCOPES[(method, part)]
    return None


class FrontSetup(Server):
    def __init__(self):
        self.calls = []  # (method, path, body)
        self.tokens = {TOKEN: set(SCOPES.values())}
        self.channels = {}
        self.inboxes = {"inb_1": [], "inb_2": []}
        self.rate = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "90", "x-ratelimit-reset": "9999999999"}
        self.headers = {}
        self.before_post = lambda: None
        super().__init__()
        self.add_channel("cha_1")

    def add_channel(self, channel_id, inbox="inb_1", **changes):
        self.channels[channel_id] = {
            "_links": {
                "self": f"https://acme.api.frontapp.com/channels/{channel_id}",
                "related": {"inbox": f"https://acme.api.frontapp.com/inboxes/{inbox}"},
            },
            "id": channel_id,
            "name": "Support",
            "address": "support-line",
            "type": "custom",
            "send_as": None,
            "settings": {"undo_send_time": 5, "all_teammates_can_reply": False},
            "is_private": False,
            "is_valid": True,
            **changes,
        }
        self.inboxes[inbox].append(channel_id)

    def writes(self):
        return [c for c in self.calls if c[0] != "GET"]

    def handle(self, method, path, headers, body):
        content = json.loads(body) if body else None
        if method == "POST" and path.endswith("/channels"):
            self.before_post()
        with self.lock:
            self.calls.append((method, path, content))
            status, answer = self.answer(method, path, headers, content)
        head = {"content-type": "application/json", **self.rate, **self.headers}
        if status == 204:
            return 204, head, b""
        if status >= 400:
            answer = {"_error": {"status": status, "title": answer, "message": answer}}
        return status, head, json.dumps(answer).encode()

    def answer(self, method, path, headers, content):
        granted = self.tokens.get((headers.get("authorization") or "").removeprefix("Bearer "))
        if granted is None:
            return 401, "Unauthenticated"
        if path == "/me":
            return 200, {"_links": {"self": "https://acme.api.frontapp.com/me"}, "name": "Acme", "id": "cmp_1"}
        scope = scope_of(method, path)
        if scope and scope not in granted:
            return 403, f"The token needs {scope}"
        return self.resource(method, path.partition("?")[0].strip("/").split("/"), content)

    def resource(self, method, parts, content):
        if parts == ["events"]:
            return 200, {"_pagination": {"next": None}, "_links": {"self": "https://x/events"}, "_results": []}
        if parts == ["inboxes"]:
            found = [{"_links": {}, "id": i, "name": f"Inbox {i}", "is_private": False} for i in self.inboxes]
            return 200, {"_links": {"self": "https://x/inboxes"}, "_results": found}
        if parts[0] == "inboxes" and parts[-1] == "channels" and parts[1] in self.inboxes:
            if method == "POST":
                self.create(parts[1], content)
                return 204, None
            found = [self.channels[c] for c in self.inboxes[parts[1]]]
            return 200, {"_links": {"self": "https://x/channels"}, "_results": found}
        if parts[0] == "channels" and len(parts) == 2 and parts[1] in self.channels:
            if method == "PATCH":
                self.update(self.channels[parts[1]], content)
                return 204, None
            return 200, self.channels[parts[1]]
        return 404, "Not found"

    def create(self, inbox, content):
        n = len(self.channels) + 1
        self.add_channel(f"cha_n{n}", inbox, name=content.get("name"), settings=self.shown(content["settings"]), address=f"a{n}")

    def update(self, channel, content):
        if "name" in content:
            channel["name"] = content["name"]
        if "settings" in content:
            channel["settings"] = self.shown(content["settings"])

    @staticmethod
    def shown(settings):
        """Front shows no webhook_url."""
        return {k: v for k, v in settings.items() if k != "webhook_url"}
