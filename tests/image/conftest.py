import pytest
from container import Container


@pytest.fixture
def make_container(tmp_path):
    """make_container(**changes) starts a container of the image; every one is removed with its volume."""
    made = []

    def make(**options):
        container = Container(tmp_path / f"container{len(made)}", **options)
        made.append(container)
        return container.start()

    yield make
    for container in made:
        container.finish()


@pytest.fixture
def container(make_container, backend, front):
    """A container with one custom channel, "support", on the http adapter."""
    return make_container(backend=backend, front=front)
