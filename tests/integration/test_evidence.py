"""What a failed test says of the processes that it started, so that a failure elsewhere can be understood from the report alone."""
import os
import pathlib
import subprocess
import sys

import evidence

SUPPORT = pathlib.Path(__file__).parents[1] / "support"

FAILURES = '''
import subprocess
import sys
import pytest
import evidence

def process(tmp_path, name, text, code="pass"):
    (tmp_path / name).write_text(text)
    started = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    evidence.watch(name, started, tmp_path / name)
    return started

@pytest.fixture
def ends_badly():
    yield
    assert False, "at its end"

def test_passes(tmp_path):
    process(tmp_path, "earlier", "of a test that passed\\n").wait()

def test_fails(tmp_path):
    process(tmp_path, "one", "too old\\n" * 10000 + "the last line of one\\n").wait()
    process(tmp_path, "two", "the last line of two\\n").wait()
    assert False

def test_ends_badly(tmp_path, ends_badly):
    process(tmp_path, "three", "the last line of three\\n").wait()
'''


def test_a_failure_shows_the_end_of_each_log_and_where_it_lies(tmp_path):
    (tmp_path / "test_inner.py").write_text(FAILURES)
    command = [sys.executable, "-m", "pytest", "-p", "evidence", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'tmp'}", "test_inner.py"]
    env = {**os.environ, "PYTHONPATH": str(SUPPORT), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, (done.stdout, done.stderr)
    for test, name in ("test_fails0", "one"), ("test_fails0", "two"), ("test_ends_badly0", "three"):
        assert f"{name}: the end of {tmp_path}/tmp/{test}/{name}" in done.stdout
        assert f"\nthe last line of {name}\n" in done.stdout
    assert 0 < done.stdout.count("\ntoo old") < 2000
    assert "of a test that passed" not in done.stdout


def test_a_bridge_is_among_them(bridge):
    assert (bridge.process, bridge.log_path) in [(process, log) for _, process, log in evidence.watched]
