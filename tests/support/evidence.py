"""What a failed test leaves behind: the end of the log of each process that it started, and the folder, in pytest's report.

A pytest plugin: conftest.py takes its hooks. A process of an earlier test counts while it runs: fixtures may outlive a test.
"""
import os
import pathlib

import pytest

TAIL_BYTES = 8000

watched = []


def watch(name, process, log):
    """From now on until it ends and the test does, this log goes with the report of a failure."""
    watched.append((name, process, pathlib.Path(log)))


def tail(path, n=TAIL_BYTES):
    """The last lines of a file, whole ones, of n bytes at most."""
    try:
        with open(path, "rb") as f:
            skipped = max(0, os.fstat(f.fileno()).st_size - n)
            f.seek(skipped)
            text = f.read().decode(errors="replace")
    except OSError as e:
        return f"({e})"
    return "…\n" + text.partition("\n")[2] if skipped else text


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    watched[:] = [one for one in watched if one[1].poll() is None]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if not report.failed:
        return
    said = set()  # a process that was started again writes to the same log
    for name, process, log in watched:
        if log not in said:
            said.add(log)
            report.sections.append((f"{name}: the end of {log}", tail(log)))
