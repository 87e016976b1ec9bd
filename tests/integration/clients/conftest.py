"""One API over one real Triton, and the ways to it: directly, through HAProxy, and through HAProxy's TLS."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from ci.load.answers import expected_answers
from ci.load.images import grey_pixels
from ci.stack.api import Api
from ci.stack.documents import build_plan, build_routes
from ci.stack.replica import Replica
from tests.integration.clients.haproxy import Haproxy

REPLICA_ADDRESS, API_ADDRESS, PROXY_ADDRESS = "127.0.5.1", "127.0.5.2", "127.0.5.3"
VIEWER_ADDRESS, VIEWER_PORT = "127.0.5.4", 3000
WARM_SECONDS = 120
# Above 1 MiB curl asks first whether it may send (Expect: 100-continue), and no buffer holds the whole body.
SIDE = 1400


@dataclass(frozen=True)
class Ways:
    """`urls` of the same API; `certificate`: the authority behind the one that is https."""

    urls: list[str]
    certificate: Path


@pytest.fixture(scope="session")
def bundle(bundles: Path) -> Path:
    return bundles / "resnet_medical-1.tar"


@pytest.fixture(scope="session")
def api(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Pages of the viewer's origin may ask it."""
    replica = Replica("triton-0", REPLICA_ADDRESS, tmp_path_factory.mktemp("triton-0"))
    replica.follow(build_plan(bundle))
    environment = {"CORS_ORIGINS": f"http://{VIEWER_ADDRESS}:{VIEWER_PORT}"}
    api = Api("api", f"{API_ADDRESS}:8002", tmp_path_factory.mktemp("api"), environment=environment)
    api.follow(build_routes([(replica.name, replica.url, [1])], bundle))
    with replica, api:
        replica.wait_until_warm(WARM_SECONDS)
        api.wait_until_serving()
        yield api


@pytest.fixture(scope="session")
def ways(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    with Haproxy(PROXY_ADDRESS, api.url.removeprefix("http://"), tmp_path_factory.mktemp("haproxy")) as proxy:
        proxy.wait_until_ready(f"{proxy.http}/health", 30)
        yield Ways([api.url, proxy.http, proxy.https], proxy.certificate)


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("images") / "slice.png"
    Image.fromarray(grey_pixels(seed=1, side=SIDE)).save(path)
    assert path.stat().st_size > 2**20
    return path


@pytest.fixture(scope="session")
def small_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It comes in one piece: whoever refuses it has the whole body."""
    path = tmp_path_factory.mktemp("images") / "small.png"
    Image.fromarray(grey_pixels(seed=1, side=64)).save(path)
    return path


@pytest.fixture(scope="session")
def expected(bundle: Path, image: Path) -> str:
    """The image's class."""
    return expected_answers(bundle, [image.read_bytes()])[0]
