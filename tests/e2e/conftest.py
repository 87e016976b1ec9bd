"""A whole cluster: `make e2e` makes one and runs these inside its network."""

import os
from collections.abc import Iterator

import pytest

from ci.cluster import chart
from ci.load.images import grey_jpeg
from tests.harness.release.release import Release


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = pytest.mark.skip(reason="no cluster: KUBECONFIG is not set; run make e2e")
    for item in items:
        if "tests/e2e" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)
            if not os.environ.get("KUBECONFIG"):
                item.add_marker(missing)


@pytest.fixture(scope="session")
def bundles() -> None:
    """The demonstration bundles can be fetched by pods."""
    chart.serve_bundles(chart.known_images()["medinfer-bundles"])


@pytest.fixture
def release(bundles: None, request: pytest.FixtureRequest) -> Iterator[Release]:
    """Nothing is installed yet; what the test installs is gone after it."""
    release = Release("e2e-" + request.node.name.removeprefix("test_").replace("_", "-")[:40].rstrip("-"))
    yield release
    release.remove()


@pytest.fixture(scope="session")
def images() -> list[bytes]:
    """One for each class."""
    return [grey_jpeg(seed) for seed in range(4)]
