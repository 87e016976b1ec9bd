"""Clients that hold connections, send heads without end or files of millions of pieces, beside honest ones.

No honest request fails, memory is bounded, and the event loop, which all requests share, is not held up.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from ci.load.load import Load
from ci.stack.api import Api
from tests.harness.hostile import lateness, many_pieces
from tests.harness.hostile.attacked import MOST_BYTES, peak_bytes, worker
from tests.harness.hostile.connections import holding, post_file, send_without_end
from tests.harness.hostile.lateness import worst_seconds
from tests.harness.stack import STABLE, Stack

pytestmark = pytest.mark.integration

AT_A_TIME = 20
MAX_CONNECTIONS = 500  # more than the honest clients hold
SILENT = MAX_CONNECTIONS + 100
DESCRIPTORS, MORE_THAN_DESCRIPTORS = 160, 220
# Without limits these attacks stop the loop for 5 to 9 s. How late it is otherwise says how busy the machine is.
NEVER_SECONDS = 1

HEAD = b"GET /health HTTP/1.1\r\nHost: a\r\n"
FILES: dict[str, Callable[[], bytes]] = {
    "a JPEG of 4.7 million segments": partial(many_pieces.jpeg, 4_700_000),
    "a PNG of 1.6 million chunks": partial(many_pieces.png, 1_600_000),
}


@pytest.fixture
def api(stack: Stack, tmp_path: Path) -> Iterator[Api]:
    api = Api("api", "127.0.0.45:8002", tmp_path, environment={"MAX_CONNECTIONS": str(MAX_CONNECTIONS)})
    stack.route([api])
    with api:
        api.wait_until_serving()
        yield api


def all_at_once(attack: Callable[[], object]) -> set[object]:
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        return {sent.result() for sent in [threads.submit(attack) for _ in range(AT_A_TIME)]}


def hold_connections(api: Api, load: Load) -> None:
    for sent in (b"", HEAD):
        with holding(api, SILENT, sent):
            load.wait_until_answered(100)


def send_heads_without_end(api: Api, load: Load) -> None:
    for start, piece in (
        (HEAD + b"X: ", b"x" * 65_536),
        (HEAD, b"X: y\r\n" * 10_000),
        (b"GET /", b"x" * 65_536),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000),
    ):
        lines = all_at_once(partial(send_without_end, api, start, piece))
        assert lines <= {
            b"HTTP/1.1 431 Request Header Fields Too Large",
            b"HTTP/1.1 400 Bad Request",
            b"HTTP/1.1 200 OK",
        }
    load.wait_until_answered(50)


def send_files_of_many_pieces(api: Api, load: Load) -> None:
    for name, make in FILES.items():
        data = make()
        statuses = all_at_once(partial(post_file, api, data))
        assert statuses <= {0, 408, 413, 415, 503, 504}, name
    load.wait_until_answered(50)


@pytest.mark.parametrize("attack", [hold_connections, send_heads_without_end, send_files_of_many_pieces])
def test_honest_clients_notice_nothing(
    attack: Callable[[Api, Load], None], stack: Stack, api: Api, images: list[bytes], tmp_path: Path
) -> None:
    before = lateness.start(api)
    with Load([api.url], images, stack.expected(images, STABLE), tmp_path / "k6", rate_per_second=50) as load:
        load.wait_until_answered(100)
        attack(api, load)
        load.wait_until_answered(100)
        found = lateness.since(api, before)
        result = load.finish(at_least=300)
    print(found)
    assert result.failed == 0
    assert peak_bytes(worker(api)) < MOST_BYTES
    assert worst_seconds(found.blocked) <= worst_seconds(found.lateness) <= NEVER_SECONDS


def test_more_clients_than_file_descriptors(stack: Stack, api: Api, images: list[bytes], tmp_path: Path) -> None:
    """A pod with few file descriptors was cut off from its routes: "Too many open files"."""
    api.stop()
    api.command = ["prlimit", f"--nofile={DESCRIPTORS}", *api.command]
    api.start()
    api.wait_until_serving()
    with Load([api.url], images, stack.expected(images, STABLE), tmp_path / "k6", rate_per_second=20) as load:
        with holding(api, MORE_THAN_DESCRIPTORS):
            stack.route([api])
            load.wait_until_answered(60)
        result = load.finish(at_least=60)
    assert result.failed == 0
    assert "Too many open files" not in api.log.read_text()
