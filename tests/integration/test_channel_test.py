"""front-bridge channel test: the verdict, its exit status, and where settings come from."""
import json
import pathlib
import subprocess

import pytest

from backend import SECRET

CONFIG = """\
accounts:
  main: {{token: front-token, secrets: [secret]}}
channels:
  support:
    front_channel: cha_1
    adapter: template
    settings: {{path: '{path}', token: token-of-tests}}
"""


@pytest.fixture
def channel_test(binary, tmp_path):
    def run(*words):
        done = subprocess.run([binary, "channel", "test", *words], capture_output=True, text=True, cwd=tmp_path,
                              timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr
    return run


def test_an_adapter_that_conforms(channel_test, tmp_path):
    code, out, _ = channel_test("template", "--set", f"path={tmp_path}/chat", "--set", "token=token-of-tests", "--repeat", "5")
    assert code == 0, out
    assert out.endswith("template conforms: 9 kept, 0 broken, 3 skipped.\n")
    assert "conform\tHello" in (tmp_path / "chat").read_text()


def test_settings_of_a_configured_channel(channel_test, tmp_path):
    config = tmp_path / "front-bridge.yaml"
    config.write_text(CONFIG.format(path=tmp_path / "chat"))
    code, out, err = channel_test("-c", str(config), "--channel", "support", "--repeat", "5", "--json")
    assert code == 0, out + err
    report = json.loads(out)
    assert report["conforms"] and report["broken"] == 0
    assert [p for p in report["promises"] if p["result"] == "broken"] == []


def test_a_backend_that_is_away_breaks_no_promise(channel_test):
    code, out, _ = channel_test("http", "url=http://127.0.0.1:1/", "token=abcdefgh", "--repeat", "5")
    assert code == 0, out
    assert "skipped  ends every delivery once, in time, with a sentence if it failed: 0 delivered, 14 not: The chat system cannot be reached" in out
    assert "skipped  leaks neither descriptors nor memory: 0 delivered, 5 not: The chat system cannot be reached" in out
    assert "\nhttp breaks no promise, but delivered nothing, so that most were not seen: " in out
    code, out, _ = channel_test("http", "url=http://127.0.0.1:1/", "token=abcdefgh", "--repeat", "5", "--json")
    assert code == 0 and json.loads(out)["delivered"] == 0


def test_what_a_program_says_before_it_fails_is_shown(channel_test):
    code, out, err = channel_test("exec", "--set", "command=[/bin/sh, -c, 'echo No module named chat >&2; exit 1']", "--deadline", "500ms", "--repeat", "1")
    assert "skipped  takes failure reports: sending_error: The channel's program is not running" in out
    assert "log      program: No module named chat\n" in err and "No module named chat" not in out


def test_an_adapter_with_a_limit_gets_parts(channel_test, backend):
    url = f"url={backend.url}/deliver"
    code, out, _ = channel_test("http", url, "max_text=100", "format=plain", f"secret={SECRET}", "--repeat", "5")
    assert code == 0, out
    assert "takes a long text in parts" in out and "4 parts of at most 100 characters delivered" in out
    parts = [d for d in backend.deliveries if d.get("part")]
    assert [(d["part"], d["part_n"]) for d in parts] == [(k, 4) for k in (1, 2, 3, 4)]
    assert all(len(d.get("text") or "") <= 100 for d in backend.deliveries)
    code, out, _ = channel_test("http", url, "max_text=39", f"secret={SECRET}", "--repeat", "5")
    assert code == 1 and "`max_text` must be 0, for no limit, or a number of at least 40." in out


@pytest.mark.parametrize("name", ["echo.py", "files.py"])
def test_the_examples_of_exec_conform(channel_test, name):
    example = pathlib.Path(__file__).parents[2] / "channels/exec/examples" / name
    code, out, _ = channel_test("exec", "--set", f"command=[/usr/bin/python3, {example}]", "--repeat", "5")
    assert code == 0, out
    if name == "echo.py":  # the webhook of the other one has a form of its own
        assert "kept     acknowledges a message only when it is stored" in out


@pytest.mark.parametrize("words, code, said", [
    ([], 2, "which adapter? Write its name or a path ending in .so"),
    (["a.so", "b.so"], 2, "b.so is no setting: write KEY=VALUE"),
    (["template", "--repeat", "0"], 2, "--repeat is a number from 1 to 1000"),
    (["template", "--deadline", "soon"], 2, "--deadline is a duration"),
    (["nobody"], 1, "There is no adapter nobody.so in"),
    (["template", "token=abcdefgh"], 1, "path: this setting is missing; write it\n"),
    (["template", "path=/tmp/x", "token=abcdefgh", "colour=blue"], 1, "colour: the adapter template has no such setting"),
])
def test_what_is_said_of_mistakes(channel_test, words, code, said):
    got, out, err = channel_test(*words)
    assert got == code
    assert said in out + err
