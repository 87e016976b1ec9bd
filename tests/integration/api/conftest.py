"""One API over one real Triton with the tiny model, for the tests of what the API answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ci.stack.api import Api
from ci.stack.documents import build_plan, build_routes
from ci.stack.replica import Replica
from tests.harness.browser import chromium

REPLICA_ADDRESS = "127.0.0.51"
API_BIND = "127.0.0.52:8002"
WARM_SECONDS = 120


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def bundle(bundles: Path) -> Path:
    """Version 1 of the tiny demonstration model."""
    return bundles / "resnet_medical-1.tar"


@pytest.fixture(scope="session")
def replica(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    """Version 1 is warm on it."""
    replica = Replica("triton-0", REPLICA_ADDRESS, tmp_path_factory.mktemp("triton-0"))
    replica.follow(build_plan(bundle))
    with replica:
        replica.wait_until_warm(WARM_SECONDS)
        yield replica


@pytest.fixture(scope="module")
def api(bundle: Path, replica: Replica, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Version 1 at 100 %, with an intensity for 16-bit, float and DICOM images. A fresh process for each module."""
    routes = build_routes([(replica.name, replica.url, [1])], bundle)
    routes["versions"]["1"]["preprocessing"]["intensity"] = {"kind": "voi"}
    api = Api("api", API_BIND, tmp_path_factory.mktemp("api"))
    api.follow(routes)
    with api:
        api.wait_until_serving()
        yield api
