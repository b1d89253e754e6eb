"""Front's own OpenAPI documents, where they are: FRONT_API_SPEC, else beside the project."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from openapi import SPEC, Api  # noqa: E402
from prism import Front, Prism  # noqa: E402

FILES = [SPEC / "channel-api.json", SPEC / "core-api.json"]


def need_documents():
    if not all(f.exists() for f in FILES):
        pytest.skip(f"skipped: Front's OpenAPI documents are not in {SPEC}; set FRONT_API_SPEC")


@pytest.fixture(scope="session")
def api():
    need_documents()
    return Api(*FILES)


@pytest.fixture(scope="session")
def prisms(tmp_path_factory):
    need_documents()
    running = []
    try:
        for spec in FILES:
            running.append(Prism(spec, tmp_path_factory.mktemp("prism")))
        yield running
    finally:
        for prism in running:
            prism.close()


@pytest.fixture
def prism(prisms):
    """Front as its own documents describe it: give it to make_bridge as front."""
    with Front(prisms) as server:
        yield server
