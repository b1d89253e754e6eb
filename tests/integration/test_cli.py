"""The commands that need no running bridge: what they print, and with which exit status."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import subprocess
import threading

import pytest

GOOD = """\
public_url: https://bridge.example.com
admin: {{listen: '127.0.0.1:{port}', token: admin-token}}
accounts:
  main: {{token: front-token, secrets: [sha1-secret], app: {{uid: u, secret: app-secret}}}}
channels:
  support:
    front_channel: cha_1
    adapter: http
    settings: {{url: 'http://127.0.0.1:1/', token: abc}}
  app:
    kind: application
    front_channel: cha_2
    adapter: http
    settings: {{url: 'http://127.0.0.1:1/', unauthenticated: true}}
"""


@pytest.fixture
def cli(binary, tmp_path):
    """Runs front-bridge with words; gives (exit status, standard output, standard error)."""
    def run(*words, stdin=b"", **env):
        done = subprocess.run([binary, *words], input=stdin, capture_output=True, cwd=tmp_path, timeout=30,
                              env={**os.environ, **env}, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()
    return run


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.yaml"
    path.write_text(GOOD.format(port=1))
    return path


def adapter(tmp_path, name, code):
    """Compiles a broken adapter."""
    source = tmp_path / f"{name}.c"
    source.write_text(code)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / f"{name}.so", source], check=True)
    return tmp_path / f"{name}.so"


# ---- finding commands ---------------------------------------------------------------------------------------------

def test_alone_it_lists_its_commands_and_each_explains_itself(cli):
    code, out, _ = cli()
    assert code == 0
    names = [line[2:].split("  ")[0] for line in out.splitlines() if line.startswith("  ")]
    assert any(name.startswith("check") for name in names)
    for name in names:
        words = [word for word in name.split() if word.islower() and word[0].isalpha()]
        code, text, _ = cli(*words, "--help")
        assert code == 0, words
        assert text.startswith("Usage: front-bridge " + " ".join(words)), text
        assert "--help" in text and ("--config FILE" in text) == (words not in (["demo"], ["version"]))
    assert "--config" not in cli("man", "--help")[1]
    assert "--state" in cli("queue", "drop", "--help")[1]
    assert "--state" not in cli("queue", "hold", "--help")[1] + cli("queue", "release", "--help")[1]


@pytest.mark.parametrize("words, said", [
    (["chekc"], 'there is no command "chekc"; did you mean "check"?'),
    (["zebra"], 'there is no command "zebra"; front-bridge alone lists them'),
    (["channel", "lits"], 'there is no command "channel lits"; did you mean "channel list"?'),
    (["channel"], "channel list"),
    (["version", "--jsno"], "there is no option --jsno; did you mean --json?"),
    (["demo", "-c", "good.yaml"], "there is no option -c"),
    (["queue", "hold", "--all", "--state", "dead"], "there is no option --state"),
    (["version", "x"], '"x" is one argument too many: front-bridge version\n'),
    (["sign", "--channel"], "--channel needs a value: --channel NAME"),
    (["sign"], "write --channel NAME or --secret-file FILE"),
    (["channel", "list", "-c", "/nowhere.yaml"], "/nowhere.yaml: the file cannot be read: No such file or directory"),
])
def test_usage_mistakes_exit_with_2(cli, words, said):
    code, out, err = cli(*words)
    assert (code, out) == (2, "")
    assert said in err


def test_a_full_output_is_a_failure(binary):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([binary, "version"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert b"No space left" in done.stderr


def test_version(cli):
    assert json.loads(cli("version", "--json")[1])["abi"] == "1.2"
    assert cli("--version")[1] == cli("version")[1]


# ---- check --------------------------------------------------------------------------------------------------------

def test_check_of_a_right_file(cli, good):
    assert cli("check", "-c", str(good)) == (0, f"{good} is right: 2 channels, 1 account.\n", "")
    assert cli("check", FRONT_BRIDGE_CONFIG=str(good))[0] == 0
    code, out, _ = cli("check", "--json", str(good))
    assert code == 0
    assert json.loads(out) == {"file": str(good), "is_right": True, "channels": 2, "accounts": 1, "mistakes": [],
                               "warnings": []}


def test_check_reports_all_mistakes_with_those_of_adapters(cli, tmp_path):
    crash = adapter(tmp_path, "crash", "#include <unistd.h>\n__attribute__((constructor)) static void f(void)"
                                       "{ _exit(7); }\n")
    empty = adapter(tmp_path, "empty", "int x;\n")
    bad = tmp_path / "bad.yaml"
    bad.write_text(f"""\
lisen: :80
accounts:
  main: {{token: t, secrets: [s]}}
channels:
  one: {{front_channel: cha_1, adapter: http, settings: {{url: nowhere, tokne: secret-word}}}}
  two: {{front_channel: cha_2, adapter: {crash}}}
  three: {{front_channel: cha_3, adapter: {empty}}}
  four: {{front_channel: cha_4, adapter: nowhere}}
  five: {{front_channel: cha_5, adapter: http, settings: {{url: 'http://x'}}}}
""")
    code, out, err = cli("check", str(bad))
    lines = err.splitlines()
    assert (code, out) == (2, f"{bad} has {len(lines)} mistakes.\n")
    expected = [(1, "lisen: there is no such key; did you mean \"listen\"?"),
                (5, "channels.one.settings.tokne: the adapter http has no such setting; did you mean \"token\"?"),
                (5, "channels.one.settings.url: \"nowhere\" does not fit; write a whole URL"),
                (6, "channels.two.adapter: the adapter"), (7, "channels.three.adapter: "),
                (8, "channels.four.adapter: "), (9, "channels.five.settings: ")]
    assert len(lines) == len(expected)
    for line, (number, text) in zip(lines, expected):
        assert line.startswith(f"{bad}:{number}: {text}")
    assert "secret-word" not in err
    assert [m["line"] for m in json.loads(cli("check", "--json", str(bad))[1])["mistakes"]] == [1, 5, 5, 6, 7, 8, 9]


def complaints(cli, tmp_path, text, **env):
    """What check prints about text, without the name of the file."""
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    code, _, err = cli("check", str(file), **env)
    assert code == (2 if err else 0)
    return [line.removeprefix(f"{file}:") for line in err.splitlines()]


ACCOUNT = "accounts: {main: {token: t, secrets: [s]}}\n"
CHANNEL = ACCOUNT + "channels:\n  a:\n    front_channel: cha_1\n    adapter: %s\n    settings:\n      %s\n"


@pytest.mark.parametrize("adapter, settings, said", [
    ("htpp", "url: http://x", '5: channels.a.adapter: There is no adapter htpp.so in '),
    ("http", "token: t", "6: channels.a.settings.url: this setting is missing"),
    ("http", "url: http://x", "6: channels.a.settings: Set `secret` or `token`"),
    ("http", "url: http://x\n      token: t\n      timeout: 1ms", "9: channels.a.settings.timeout: `timeout` must be"),
    ("http", "token: t\n      url: http://x:65536", "8: channels.a.settings.url: \"http://x:65536\" does not fit"),
    ("http", "token: t\n      url: http://:80/", "8: channels.a.settings.url: \"http://:80/\" does not fit"),
    ("http", "url: http://x\n      token: $TOKEN", "8: channels.a.settings.token: a variable needs braces, as in ${NAME}"),
    ("http", "url: http://x\n      token: ${NO_SUCH}", "8: channels.a.settings.token: the environment has no variable NO_SUCH"),
    ("exec", "timeout: 5s\n      command: [/nowhere/x, y]",
     "8: channels.a.settings.command: `command` begins with /nowhere/x, and there is no such program"),
])
def test_check_points_at_the_line_that_is_wrong_and_says_it_once(cli, tmp_path, adapter, settings, said):
    (line,) = complaints(cli, tmp_path, CHANNEL % (adapter, settings))
    assert line.startswith(said), line


def test_check_names_the_adapter_that_was_meant(cli, tmp_path):
    (line,) = complaints(cli, tmp_path, CHANNEL % ("htpp", "url: http://x"))
    assert 'did you mean "http"?' in line


def test_check_wants_a_channel(cli, tmp_path):
    said = " channels: there is no channel, so there is nothing to do; write one below channels:"
    for text in ("", "# nothing\n", "channels:\n", ACCOUNT):
        assert complaints(cli, tmp_path, text) == [said], text
    assert cli("run", "-c", str(tmp_path / "wrong.yaml"))[0] == 2


def test_check_looks_for_the_certificate(cli, tmp_path):
    text = f"tls:\n  cert: {tmp_path}/none.pem\n  key: /none.key\n" + CHANNEL % ("http", "{url: 'http://x', token: t}")
    cure = "cannot be read: No such file or directory; name a PEM file that the bridge's user may read"
    assert complaints(cli, tmp_path, text) == [f"2: tls.cert: the file {tmp_path}/none.pem {cure}",
                                               f"3: tls.key: the file /none.key {cure}"]


def test_check_takes_an_application_channel_that_front_can_connect(cli, tmp_path):
    text = ("accounts: {main: {app: {uid: u, secret: s}}}\nchannels:\n"
            "  a: {kind: application, adapter: http, settings: {url: 'http://x', token: t}}\n")
    assert complaints(cli, tmp_path, "public_url: https://bridge.example.com\n" + text) == []
    (line,) = complaints(cli, tmp_path, text)
    assert "channels.a: Front has to be told where this channel is" in line and "public_url" in line


# ---- sign ---------------------------------------------------------------------------------------------------------

BODY = '{"text":"naïve 🙂\\u00e9"}'.encode()


def test_sign_as_a_custom_channel(cli, good, tmp_path):
    expected = base64.b64encode(hmac.new(b"sha1-secret", BODY, hashlib.sha1).digest()).decode()
    (tmp_path / "body").write_bytes(BODY)
    (tmp_path / "secret").write_text("sha1-secret\n")
    line = f"X-Front-Signature: {expected}\n"
    assert cli("sign", "-c", str(good), "--channel", "support", "body") == (0, line, "")
    assert cli("sign", "-c", str(good), "--channel", "support", stdin=BODY) == (0, line, "")
    assert cli("sign", "--secret-file", "secret", "-", stdin=BODY) == (0, line, "")
    assert cli("sign", "-c", str(good), "--channel", "nobody", "body")[0] == 2


@pytest.mark.parametrize("words, said", [
    (["sign", "--secret-file", "secret", "nothing"], "cannot read nothing: No such file or directory"),
    (["sign", "--secret-file", "secret", "."], "cannot read .: Is a directory"),
    (["sign", "--secret-file", "nothing", "secret"], "cannot read nothing: No such file or directory"),
    (["sign", "--secret-file", "empty", "secret"], "empty is empty; it should hold the secret"),
    (["import", "-c", "good.yaml", "--channel", "support", "nothing"], "cannot read nothing: No such file or directory"),
    (["import", "-c", "good.yaml", "--channel", "support", "."], "cannot read .: Is a directory"),
    (["sim", "-c", "nothing"], "cannot read nothing: No such file or directory"),
    (["check", "nothing"], "nothing: the file cannot be read: No such file or directory"),
])
def test_a_file_that_cannot_be_read_exits_with_2(cli, good, tmp_path, words, said):
    (tmp_path / "secret").write_text("sha1-secret\n")
    (tmp_path / "empty").write_text("")
    code, _, err = cli(*words)
    assert code == 2 and said in err


def test_sign_as_an_application_channel(cli, good):
    code, out, _ = cli("sign", "-c", str(good), "--channel", "app", "--json", stdin=BODY)
    headers = json.loads(out)
    signed = headers["X-Front-Request-Timestamp"].encode() + b":" + BODY
    assert code == 0
    assert headers["X-Front-Signature"] == base64.b64encode(hmac.new(b"app-secret", signed, hashlib.sha256).digest()).decode()


# ---- health and channel list --------------------------------------------------------------------------------------

@pytest.fixture
def admin():
    """An admin listener that is ready for the right token."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            is_right = self.path == "/readyz" and self.headers["Authorization"] == "Bearer admin-token"
            self.send_response(200 if is_right else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_health(cli, tmp_path, admin):
    config = tmp_path / "f.yaml"
    config.write_text(GOOD.format(port=admin))
    assert cli("health", "-c", str(config)) == (0, "ready\n", "")
    config.write_text(GOOD.format(port=admin).replace("admin-token", "another"))
    code, out, _ = cli("health", "-c", str(config), "--json")
    assert (code, json.loads(out)) == (1, {"is_ready": False, "status": 503, "reason": None})
    config.write_text(GOOD.format(port=1))
    assert cli("health", "-c", str(config)) == (1, "not ready: no connection (http://127.0.0.1:1/readyz)\n", "")
    assert cli("health", "--url", f"http://127.0.0.1:{admin}/readyz")[0] == 1
    config.write_text(GOOD.format(port=0))
    code, _, err = cli("health", "-c", str(config))
    assert code == 2 and "takes any free port; ask the one in " in err and "/ports by --url" in err


def test_channel_list(cli, good):
    code, out, _ = cli("channel", "list", "--json", "-c", str(good))
    assert code == 0
    assert json.loads(out)[1] == {"name": "app", "kind": "application", "adapter": "http", "account": "main",
                                  "front_channel": "cha_2", "dry_run": False, "only_to": [],
                                  "status": None, "paused": None, "import": None}
    code, out, err = cli("channel", "list", "-c", str(good))
    assert (code, err) == (0, "")
    assert [line.split()[:2] for line in out.splitlines()] == [["CHANNEL", "STATUS"], ["support", "-"], ["app", "-"]]


def test_the_reference_is_a_table_of_all_keys(cli):
    code, out, _ = cli("config-reference")
    assert code == 0
    assert all(line.count(" | ") == 3 for line in out.splitlines() if not line.startswith("|--"))
