"""Each path is on the port where it belongs, and nowhere else."""

import asyncio
import json
from collections.abc import Iterable, Iterator

import httpx
import pytest
from inference_api.main import Ports, create_app
from inference_api.process.slot import Slot
from inference_api.routing.counters import Result
from inference_api.routing.document import parse
from inference_api.settings import Settings
from starlette.routing import BaseRoute, Route

from tests.harness.ports import BOTH, INNER, PUBLIC
from tests.harness.routes import LABELS, document
from tests.unit.api.some import some

PUBLIC_PORT, INNER_PORT = 8002, 8003


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    folder = tmp_path_factory.mktemp("api")
    app = create_app(Settings(routes_file=folder / "routes.json"))
    app.service.slot = Slot.take(folder)
    yield app
    app.service.slot.give_up()


def ask(app: Ports, port: int, path: str, method: str) -> httpx.Response:
    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://api:{port}") as client:
            return await client.request(method, path)

    return asyncio.run(answer())


def paths(routes: Iterable[BaseRoute]) -> set[str]:
    found = set()
    for route in routes:
        assert isinstance(route, Route), "a router or a mount would hide paths from this test"
        found.add(route.path)
    return found


def test_the_table_has_every_path(app: Ports) -> None:
    assert paths(app.public.routes) == PUBLIC.keys() | BOTH.keys()
    assert paths(app.inner.routes) == INNER.keys() | BOTH.keys()


@pytest.mark.parametrize(("path", "method"), (INNER | BOTH).items())
def test_inner_paths_are_on_the_inner_port(app: Ports, path: str, method: str) -> None:
    assert ask(app, INNER_PORT, path, method).status_code != 404


@pytest.mark.parametrize(("path", "method"), (PUBLIC | BOTH).items())
def test_public_paths_are_on_the_public_port(app: Ports, path: str, method: str) -> None:
    assert ask(app, PUBLIC_PORT, path, method).status_code != 404


@pytest.mark.parametrize("path", INNER)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_no_inner_path_is_on_the_public_port(app: Ports, path: str, method: str) -> None:
    assert ask(app, PUBLIC_PORT, path, method).status_code == 404


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_no_public_path_is_on_the_inner_port(app: Ports, path: str, method: str) -> None:
    assert ask(app, INNER_PORT, path, method).status_code == 404


def test_without_routes_there_are_no_numbers_for_an_autoscaler(app: Ports) -> None:
    """Zeros would remove replicas."""
    answer = ask(app, INNER_PORT, "/scaling", "GET")
    assert (answer.status_code, answer.json()["detail"]) == (503, "Not ready: there are no routes yet.")


def test_what_names_no_port_gets_the_public_application(app: Ports) -> None:
    """A Unix socket, for example."""
    assert ask(app, 1, "/status", "GET").status_code == 200
    assert ask(app, 1, "/routes", "GET").status_code == 404


def test_what_is_diagnosed_is_counted_on_the_inner_port_alone(app: Ports) -> None:
    traffic = app.service.traffic
    traffic.apply(parse(json.dumps(document()).encode()))
    for label in LABELS:
        traffic.count(some(traffic.routes).stable.version, Result.GOOD, 0.01, [label])
    for label in LABELS:
        assert label not in ask(app, PUBLIC_PORT, "/status", "GET").text
        assert label in ask(app, INNER_PORT, "/routes", "GET").text
        assert label in ask(app, INNER_PORT, "/metrics", "GET").text
