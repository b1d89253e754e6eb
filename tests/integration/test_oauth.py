"""Sign-in for an app's channels: the page, codes that work once, tokens, and what nobody gets by guessing."""
import base64
import html
import re
import urllib.parse

import backend as backend_module
import pytest
from bridge import APP_SECRET, APP_UID

BACK = "https://app.example.com/oauth/callback?app=1"
CLIENT, SECRET = "client-1", "secret of the client/1"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def oauth(tmp_path_factory):
    """One bridge for all: what a test leaves behind is nobody else's business."""
    from backend import Backend
    from bridge import Bridge

    with Backend() as backend:
        settings = {"url": backend.url, "secret": backend_module.SECRET}
        channel = {"account": "main", "kind": "application", "adapter": "http", "settings": settings}
        app = {"uid": APP_UID, "secret": APP_SECRET}
        oauth = {"client_id": CLIENT, "client_secret": SECRET, "redirect_uris": ["https://other.example.com/", BACK]}
        bridge = Bridge(
            tmp_path_factory.mktemp("oauth"),
            channels={"one": {**channel, "api_key": "key of one"}, "two": {**channel, "api_key": "key-2", "address": "+49"}},
            account={"app": {**app, "oauth": oauth}},
            top={"public_url": "https://bridge.example.com"},
        )
        bridge.start()
        yield bridge
        text = bridge.log_path.read_text()
        bridge.finish()
        for secret in ("key of one", "key-2", SECRET, "fb1.", "code="):
            assert secret not in text, secret


def ask(bridge, **changes):
    given = {"response_type": "code", "client_id": CLIENT, "redirect_uri": BACK, "state": "s&t=1 ü", **changes}
    query = urllib.parse.urlencode({k: v for k, v in given.items() if v is not None})
    return bridge.request("GET", "/apps/main/oauth/authorize?" + query)


def post(bridge, path, fields, **headers):
    return bridge.request("POST", "/apps/main/oauth/" + path, urllib.parse.urlencode(fields).encode(), {**FORM, **headers})


def type_key(bridge, page, key):
    """Sends the form of a page as a browser would."""
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', page.body.decode())
    return post(bridge, "authorize", {**{name: html.unescape(value) for name, value in fields}, "api_key": key})


def code_of(answer):
    assert answer.status == 303, answer
    location = answer.headers["Location"]
    assert location.startswith(BACK + "&")
    query = dict(urllib.parse.parse_qsl(location.split("?", 1)[1]))
    assert query["state"] == "s&t=1 ü"
    return query["code"]


def basic(user=CLIENT, password=SECRET):
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def exchange(bridge, code, **changes):
    return post(bridge, "token", {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **changes}, **basic())


def test_the_whole_way_to_a_connected_channel(oauth):
    page = ask(oauth)
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script" not in policy
    assert "form-action 'self' https://app.example.com" in policy
    assert page.headers["X-Frame-Options"] == "DENY" and page.headers["Cache-Control"] == "no-store"
    assert b"<script" not in page.body
    wrong = type_key(oauth, page, "key of three")
    assert wrong.status == 403 and b"not the API key" in wrong.body
    code = code_of(type_key(oauth, wrong, "key-2"))
    tokens = exchange(oauth, code)
    assert tokens.status == 200 and tokens.headers["Cache-Control"] == "no-store"
    assert tokens.json["token_type"] == "Bearer" and tokens.json["expires_in"] == 3600
    assert exchange(oauth, code).json == {"error": "invalid_grant"}, "a code works once"
    access, refresh = tokens.json["access_token"], tokens.json["refresh_token"]
    seen = post(oauth, "token/introspect", {"token": access}, **basic()).json
    assert seen["active"] is True and (seen["front_channel_name"], seen["front_channel_address"]) == ("two", "+49")
    assert post(oauth, "introspect", {"token": refresh}, **basic()).json == {"active": False}
    assert post(oauth, "introspect", {"token": access[:-1]}, **basic()).json == {"active": False}
    assert post(oauth, "introspect", {}, **basic()).json == {"active": False}
    again = post(oauth, "token", {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": CLIENT, "client_secret": SECRET})
    assert again.status == 200 and again.json["access_token"] != access
    assert post(oauth, "token", {"grant_type": "refresh_token", "refresh_token": access}, **basic()).status == 400
    call = {"type": "authorization", "payload": {"channel_id": "cha_9"}}
    assert oauth.app_call(call, key=refresh).status == 403
    assert oauth.app_call(call, key=access).json["webhook_url"] == "https://bridge.example.com/front/two"
    assert [a["name"] for a in oauth.app_call({"type": "list_addresses"}, key=access).json["addresses"]] == ["two"]


def test_nobody_is_sent_to_where_the_configuration_does_not_say(oauth):
    for changes in ({"redirect_uri": BACK + "&x"}, {"redirect_uri": BACK[:-1]}, {"redirect_uri": None}, {"redirect_uri": ""},
                    {"redirect_uri": "https://evil.example.com/"}, {"redirect_uri": "javascript:alert(1)"}, {"client_id": "client-2"},
                    {"client_id": None}, {"state": "x" * 2049}, {"state": "x" * 9000}):
        answer = ask(oauth, **changes)
        assert answer.status == 400 and "Location" not in answer.headers, changes
        assert "form-action 'none'" in answer.headers["Content-Security-Policy"]
        fields = {"client_id": CLIENT, "redirect_uri": BACK, "api_key": "key-2", **{k: v for k, v in changes.items() if v is not None}}
        assert post(oauth, "authorize", {k: v for k, v in fields.items() if changes.get(k, v) is not None}).status == 400
    for changes, error in (({"response_type": "token"}, "unsupported_response_type"), ({"response_type": None}, "unsupported_response_type"),
                           ({"code_challenge": "x"}, "invalid_request"), ({"code_challenge": "x" * 43, "code_challenge_method": "plain"}, "invalid_request")):
        answer = ask(oauth, **changes)
        assert answer.status == 303 and answer.headers["Location"].startswith(f"{BACK}&error={error}&state="), changes
    page = ask(oauth, state='"><script>alert(1)</script>')
    assert page.status == 200 and b"<script" not in page.body


def test_only_the_client_gets_tokens(oauth):
    code = code_of(type_key(oauth, ask(oauth), "key of one"))
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    for headers in ({}, basic(password="wrong"), basic(user="client-2"), basic(password=""), {"authorization": "Basic !!!"},
                    {"authorization": "Bearer x"}, {"authorization": "Basic " + "x" * 5000}):
        answer = post(oauth, "token", fields, **headers)
        assert answer.status == 401 and answer.json == {"error": "invalid_client"}, headers
        assert "Basic" in answer.headers["WWW-Authenticate"]
        assert post(oauth, "introspect", {"token": "x"}, **headers).status == 401
    assert post(oauth, "token", {**fields, "grant_type": "password"}, **basic()).json == {"error": "unsupported_grant_type"}
    assert exchange(oauth, code, redirect_uri="https://other.example.com/").status == 400, "the code was for another URL"
    assert exchange(oauth, code).status == 400, "and is gone now"
    quoted = basic(urllib.parse.quote(CLIENT, ""), urllib.parse.quote_plus(SECRET))
    code = code_of(type_key(oauth, ask(oauth), "key of one"))
    assert post(oauth, "token", {**fields, "code": code}, **quoted).status == 200, "an encoded pair is one too"


def test_a_challenge_is_to_be_met(oauth):
    challenge = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    codes = [code_of(type_key(oauth, ask(oauth, **challenge), "key of one")) for _ in range(3)]
    assert exchange(oauth, codes[0]).status == 400
    assert exchange(oauth, codes[1], code_verifier=verifier[:-1]).status == 400
    assert exchange(oauth, codes[2], code_verifier=verifier).status == 200


def test_what_is_no_request_of_a_sign_in(oauth):
    assert oauth.request("GET", "/apps/main/oauth/token").status == 405
    assert oauth.request("GET", "/apps/main/oauth/").status == 404
    assert oauth.request("GET", "/apps/main/oauth/authorize/x").status == 404
    assert oauth.request("POST", "/apps/main/oauth/token", b"{", {"content-type": "application/json"}).status == 400
    assert oauth.request("POST", "/apps/main/oauth/token", b"x=1", {"content-type": "text/plain"}).status == 400
    assert post(oauth, "token", {"code": "x" * 20000}, **basic()).status == 400
    assert post(oauth, "authorize", {"api_key": "x" * 20000}).status == 400
    assert oauth.request("POST", "/apps/main/oauth/token", b'{"grant_type":["x"]}', {"content-type": "application/json", **basic()}).status == 400
    assert oauth.request("POST", "/apps/main/oauth/introspect", b'{"token":"x"}', {"content-type": "application/json", **basic()}).json == {"active": False}


def test_guessing_ends_and_a_restart_ends_codes(oauth):
    page = ask(oauth)
    code = code_of(type_key(oauth, page, "key of one"))
    tokens = exchange(oauth, code_of(type_key(oauth, page, "key of one"))).json
    answers = [type_key(oauth, page, f"guess {n}").status for n in range(12)]
    assert answers[-1] == 429 and set(answers) == {403, 429}
    assert type_key(oauth, page, "key of one").status == 429, "not even the right one"
    oauth.kill()
    oauth.start()
    assert exchange(oauth, code).json == {"error": "invalid_grant"}
    assert post(oauth, "introspect", {"token": tokens["access_token"]}, **basic()).json["active"] is True
    oauth.stop()
    oauth.config["channels"]["one"]["api_key"] = "a new key"
    oauth.write()
    oauth.start()
    assert post(oauth, "introspect", {"token": tokens["access_token"]}, **basic()).json == {"active": False}
    assert post(oauth, "token", {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}, **basic()).status == 400


def test_it_is_off_unless_it_is_configured(make_bridge):
    bridge = make_bridge()
    assert bridge.request("GET", "/apps/main/oauth/authorize").status == 404
    assert bridge.request("POST", "/apps/main/oauth/token", b"", FORM).status == 404
