"""Front's own OpenAPI documents, where they are: FRONT_API_SPEC, else beside the project."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from openapi import SPEC, Api  # noqa: E402


@pytest.fixture(scope="session")
def api():
    files = [SPEC / "core-api.json", SPEC / "channel-api.json"]
    if not all(f.exists() for f in files):
        pytest.skip(f"skipped: Front's OpenAPI documents are not in {SPEC}; set FRONT_API_SPEC")
    return Api(*files)
