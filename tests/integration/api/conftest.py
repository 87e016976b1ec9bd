"""APIs over a real Triton each, for tests of what is answered: of the tiny model of slices, and of the chest model."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from modelctl.demo import chest, demo
from modelctl.demo.models import Model
from modelctl.demo.variants import select
from playwright.sync_api import Browser

from ci.stack.api import Api
from ci.stack.documents import build_plan, build_routes
from ci.stack.replica import Replica
from tests.harness.browser import chromium

REPLICA_ADDRESS = "127.0.0.51"
API_BIND = "127.0.0.52:8002"
CHEST_REPLICA_ADDRESS = "127.0.3.31"
CHEST_API_BIND = "127.0.3.32:8002"
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
    with api_for(bundle, replica, API_BIND, tmp_path_factory.mktemp("api")) as api:
        yield api


@pytest.fixture(scope="session")
def chest_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 of the chest model, and samples that are named by their findings."""
    folder = tmp_path_factory.mktemp("chest")
    demo.write(Model.CHEST, folder, select("stable"))
    return folder


@pytest.fixture(scope="session")
def chest_replica(chest_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    replica = Replica("chest-0", CHEST_REPLICA_ADDRESS, tmp_path_factory.mktemp("chest-0"))
    replica.follow(build_plan(chest_bundle(chest_folder)))
    with replica:
        replica.wait_until_warm(WARM_SECONDS)
        yield replica


@pytest.fixture(scope="module")
def chest_api(chest_folder: Path, chest_replica: Replica, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The same as `api` over the chest model."""
    folder = tmp_path_factory.mktemp("chest-api")
    with api_for(chest_bundle(chest_folder), chest_replica, CHEST_API_BIND, folder) as api:
        yield api


@pytest.fixture(scope="module", params=["api", "chest_api"], ids=["slices", "chest"])
def each_api(request: pytest.FixtureRequest) -> Api:
    """For what must hold with every model."""
    api: Api = request.getfixturevalue(request.param)
    return api


def chest_bundle(folder: Path) -> Path:
    return folder / f"{chest.MODEL}-1.tar"


@contextmanager
def api_for(bundle: Path, replica: Replica, bind: str, folder: Path) -> Iterator[Api]:
    routes = build_routes([(replica.name, replica.url, [1])], bundle)
    routes["versions"]["1"]["preprocessing"]["intensity"] = {"kind": "voi"}
    api = Api("api", bind, folder)
    api.follow(routes)
    with api:
        api.wait_until_serving()
        yield api
