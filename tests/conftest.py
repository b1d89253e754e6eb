"""What every group of Python tests shares: the path to tests/support, what a failure says, and the fixtures of the bridge."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))

import pytest  # noqa: E402

from backend import Backend  # noqa: E402
from bridge import Bridge  # noqa: E402
from evidence import pytest_runtest_makereport, pytest_runtest_setup  # noqa: E402, F401
from frontapi import FrontApi  # noqa: E402


@pytest.fixture
def backend():
    """A chat system that speaks the http wire; its answers are scripted by the test."""
    with Backend() as server:
        yield server


@pytest.fixture
def front():
    """Front's REST API, scripted by the test."""
    with FrontApi() as server:
        yield server


@pytest.fixture
def make_bridge(tmp_path, request):
    """make_bridge(**changes) starts a bridge; every one is stopped at the end, and must have ended well."""
    made = []

    def make(wait=True, **options):
        bridge = Bridge(tmp_path / f"bridge{len(made)}", **options)
        made.append(bridge)
        bridge.start(wait=wait)
        return bridge

    yield make
    for bridge in made:
        bridge.finish()


@pytest.fixture
def bridge(make_bridge, backend, front):
    """A bridge with one custom channel, "support", on the http adapter."""
    return make_bridge(backend=backend, front=front)
