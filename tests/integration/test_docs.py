"""What the documents say is what the program says."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from bridge import BINARY

ROOT = pathlib.Path(__file__).parents[2]
README = ROOT / "README.md"


def say(*args):
    return subprocess.run([BINARY, *args], capture_output=True, text=True, check=True).stdout


def commands():
    return re.findall(r"^  ([a-z]+(?: [a-z]+)?)(?= )", say(), re.M)


def test_the_reference_in_the_readme_is_the_programs():
    (between,) = re.findall(r"<!-- reference: .*? -->\n(.*?)<!-- /reference -->", README.read_text(), re.S)
    assert between == say("config-reference"), "put what `front-bridge config-reference` prints between the marks"


def test_the_example_on_the_page_is_the_one_in_the_folder():
    page, example = ROOT / "channels/exec/README.md", ROOT / "channels/exec/examples/echo.py"
    (between,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.S)
    assert between == example.read_text()
    assert len(between.splitlines()) < 40, "the README says so"


@pytest.mark.parametrize("section", ["1", "5"])
def test_man_pages_are_right(section, tmp_path):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    page = tmp_path / f"front-bridge.{section}"
    page.write_text(say("man", section))
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
    assert lint.stdout == "" and lint.returncode == 0, lint.stdout


def test_the_man_page_has_every_command_and_option():
    page = say("man", "1")
    assert len(commands()) > 12
    for command in commands():
        (section,) = re.findall(rf"^\.Ss front-bridge {command}(?: [^a-z\n][^\n]*)?\n(.*?)(?=^\.S)", page, re.M | re.S)
        for option in re.findall(r"--([a-z0-9-]+)", say(*command.split(), "--help").split("\n\n")[-1]):
            assert f"Fl -{option}" in section or option in ("config", "help"), (command, option)


def test_the_man_page_has_every_key():
    page = say("man", "5").replace("\\-", "-")
    for key in re.findall(r"^\| `([^`]+)`", say("config-reference"), re.M):
        assert f".It \\fB{key}\\fP" in page, key


def test_install_puts_the_pages_where_man_looks(tmp_path):
    build = pathlib.Path(BINARY).parent
    if not (build / "cmake_install.cmake").exists() or not shutil.which("cmake"):
        pytest.skip("this binary is not in its build directory")
    script = build / "src" / "cli" / "cmake_install.cmake"
    subprocess.run(["cmake", f"-DCMAKE_INSTALL_PREFIX={tmp_path}/usr", "-P", script], check=True, capture_output=True)
    for section, name in (("1", "front-bridge.1"), ("5", "front-bridge.yaml.5")):
        assert (tmp_path / "usr/share/man" / f"man{section}" / name).read_text() == say("man", section)


def test_the_names_of_log_events_are_words_in_snake_case():
    names = []
    for file in sorted((ROOT / "src").rglob("*.c")):
        names += [(file.name, name) for name in re.findall(r'\blog_(?:debug|info|warn|error)\(\s*"([^"]*)"', file.read_text())]
    assert len(names) > 40 and [n for n in names if not re.fullmatch(r"[a-z][a-z0-9_]*", n[1])] == []


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_request_in_the_template_can_be_copied(make_bridge, front, tmp_path):
    channel = {"account": "main", "front_channel": "cha_1", "adapter": "template", "settings": {"path": f"{tmp_path}/chat", "token": "opensesame"}}
    bridge = make_bridge(front=front, channels={"support": channel})
    (command,) = re.findall(r"^ \* +(curl .*)$", (ROOT / "channels/template/template.c").read_text(), re.M)
    env = {**os.environ, "TOKEN": "opensesame", "BRIDGE": f"http://127.0.0.1:{bridge.port}"}
    done = subprocess.run(["sh", "-euc", command.replace("curl ", "curl -sS -w %{http_code} ", 1)], env=env, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and done.stdout.endswith("202"), done
    assert bridge.messages()[0]["channel"] == "support"


def test_the_page_about_front_names_every_event_and_only_files_that_are_there():
    page = (ROOT / "src/front/README.md").read_text()
    rows = (ROOT / "src/front/event.c").read_text()
    types = re.findall(r'^    \[EVENT_\w+\] = \{"(\w+)"', rows, re.M)
    table = page.split("\n## Events\n")[1].split("\n## ")[0]
    assert len(types) == 21 and all(f"`{t}`" in table for t in types)
    files = set(re.findall(r"`([a-z]+/\w+\.[ch])`", page))
    assert files and not {f for f in files if not (ROOT / "src" / f).is_file()}
