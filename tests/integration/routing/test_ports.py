"""The real process has each path on its port in every worker, and the inner port answers when the other is full."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import psutil
import pytest

from ci.stack.waiting import wait_until
from tests.harness.ports import BOTH, INNER, PUBLIC
from tests.harness.stack import status
from tests.integration.routing.conftest import Routed, StartApi

pytestmark = pytest.mark.integration

WORKERS = 2
MAX_IN_FLIGHT = 4
IDLE_CONNECTIONS = 200
HELD = (
    b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 9\r\n\r\n"
)


@pytest.fixture(scope="module")
def routed(start_api: StartApi) -> Routed:
    routed = start_api(workers=WORKERS, MAX_IN_FLIGHT=str(MAX_IN_FLIGHT), DEADLINE_SECONDS="60")
    wait_until(lambda: status(routed.api)["workers"] == WORKERS, "all workers are on the scoreboard")
    return routed


def ask(url: str, path: str, method: str = "GET") -> int:
    """On a connection of its own."""
    return httpx.request(method, url + path, timeout=30).status_code


@pytest.mark.parametrize(("path", "method"), (PUBLIC | INNER | BOTH).items())
def test_each_path_is_on_its_port(routed: Routed, path: str, method: str) -> None:
    assert (ask(routed.api.url, path, method) == 404) is (path in INNER)
    assert (ask(routed.api.inner_url, path, method) == 404) is (path in PUBLIC)


@pytest.mark.parametrize("number", range(WORKERS))
def test_each_worker_listens_on_both(routed: Routed, number: int) -> None:
    workers = psutil.Process(routed.api.pid).children()
    with stopped([worker for worker in workers if worker != workers[number]]):
        assert ask(routed.api.url, "/health") == ask(routed.api.inner_url, "/health") == 200


def test_the_inner_port_answers_when_the_public_one_is_full(routed: Routed) -> None:
    host, port = routed.api.url.removeprefix("http://").split(":")
    with ExitStack() as clients:
        for number in range(IDLE_CONNECTIONS):
            client = clients.enter_context(socket.create_connection((host, int(port)), timeout=30))
            if number % 2:
                client.sendall(HELD)
        assert [ask(routed.api.inner_url, path) for path in (INNER | BOTH)] == [200] * len(INNER | BOTH)


@contextmanager
def stopped(processes: list[psutil.Process]) -> Iterator[None]:
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()
