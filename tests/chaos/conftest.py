"""What all tests of faults share: bridges that try again soon, and a Front without limits."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import pytest  # noqa: E402


@pytest.fixture
def front(front):
    front.allowance = {
        "x-ratelimit-limit": "1000000",
        "x-ratelimit-remaining": "999999",
        "x-ratelimit-reset": str(int(time.time()) + 3600),
    }
    return front


@pytest.fixture
def make_fast(make_bridge, backend, front):
    """make_fast(**changes) is make_bridge with short delays between attempts and a generous Front."""

    def make(wait="0", **changes):
        bridge = make_bridge(
            backend=backend,
            front=front,
            answer={"wait": wait},
            account={"rate": {"reserve": "0%", "per_resource": "50/s"}},
            retry={"first": "100ms", "factor": 1, "max": "300ms", "give_up": "1h"},
            **changes,
        )
        return bridge

    return make
