"""Fixtures for tests against the real binary: FRONT_BRIDGE_BIN, else the debug build of this tree."""
import os
import pathlib

import pytest

import courier
import frontapi
from bridge import APP_SECRET, APP_UID
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


@pytest.fixture
def company(binary):
    """A simulated Front that knows the account of make_courier, and allows much."""
    app = {"uid": APP_UID, "secret": APP_SECRET}
    with Sim.start(binary, token=frontapi.TOKEN, app=app, rate={"limit": 60000, "per_resource": 50}) as running:
        running.add_channel(id="cha_1", kind="custom", address="chat")
        running.add_channel(id="cha_9", kind="application", address="app")
        yield running


@pytest.fixture
def shelf():
    with courier.Shelf() as running:
        yield running


@pytest.fixture
def make_courier(make_bridge, company, tmp_path):
    """make_courier(settings=…, **changes) starts a bridge between the simulated Front and customers who send files."""

    def make(settings=None, **changes):
        folder = tmp_path / "written"
        folder.mkdir(exist_ok=True)
        return courier.Courier(make_bridge(front=company, channels=courier.channels(settings), **changes), folder)

    return make
