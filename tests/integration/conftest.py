"""Fixtures for tests against the real binary: FRONT_BRIDGE_BIN, else the debug build of this tree."""
import os
import pathlib

import pytest

from frontsim import Receiver, Sim

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def binary():
    path = pathlib.Path(os.environ.get("FRONT_BRIDGE_BIN", ROOT / "build-debug" / "front-bridge")).resolve()
    if not path.exists():
        pytest.fail(f"{path} is not there: build it, or set FRONT_BRIDGE_BIN")
    return str(path)


@pytest.fixture
def sim(binary):
    """A simulator of its own for each test."""
    with Sim.start(binary, app={"uid": "app-uid", "secret": "app-secret"}) as running:
        yield running


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running
