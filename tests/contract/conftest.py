"""Front's own OpenAPI documents, where they are: FRONT_API_SPEC, else beside the project."""
import copy
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
def schema(api):
    """Front's documents, with what they leave out: Front's prose and its servers know more."""
    amended = copy.copy(api)
    amended.documents = copy.deepcopy(api.documents)
    schemas = next(d["components"]["schemas"] for d in amended.documents if "EventResponse" in d["components"]["schemas"])
    schemas["TeammateResponse"]["properties"]["license_type"] = {"type": "string"}  # it is required, but not described
    schemas["MessageResponse"]["properties"]["is_draft"] = {"type": "boolean"}
    for name in ("error_type", "subject", "signature", "author"):
        schemas["MessageResponse"]["properties"][name]["nullable"] = True
    schemas["RecipientResponse"]["properties"]["_links"]["properties"]["related"]["properties"]["contact"]["nullable"] = True
    parts = schemas["EventResponse"]["properties"]
    parts["source"]["properties"]["data"]["oneOf"].append({"$ref": "#/components/schemas/RecipientResponse"})
    parts["source"]["properties"]["data"]["nullable"] = True  # api and oauth_client are no resources
    return amended


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


def pytest_configure(config):
    config.addinivalue_line("markers", "judges(*calls, custom, application): the calls of the bridge that the test makes and judges")
