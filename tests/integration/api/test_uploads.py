"""Whatever is uploaded, the API answers 2xx or 4xx, the same worker goes on, and its memory does not grow."""

import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager

import httpx
import psutil
import pytest
from PIL import Image

from ci.stack.api import Api
from tests.harness.hostile.files import encoded, read_files, refused_files
from tests.harness.hostile.uploads import CONTENT_TYPE, Upload, crafted_uploads, form, part, uploads

SEED = 20_260
MEBIBYTE = 2**20

# A worker that was sent every crafted upload once holds what it needs; after that, this much comes and goes in malloc.
GROWTH_BYTES = 24 * MEBIBYTE


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, timeout=30) as client:
        yield client


@pytest.fixture
def each_client(each_api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=each_api.url, timeout=30) as client:
        yield client


def workers(api: Api) -> list[psutil.Process]:
    return psutil.Process(api.pid).children()


def send(client: httpx.Client, upload: Upload) -> httpx.Response:
    return client.post("/predict", content=upload.body, headers={"Content-Type": upload.content_type})


def send_all(client: httpx.Client, hostile: Iterable[Upload]) -> Counter[int]:
    """Counts by status; fails at the first that is neither 2xx nor 4xx, or an error that is no problem document."""
    statuses: Counter[int] = Counter()
    for upload in hostile:
        response = send(client, upload)
        assert response.status_code // 100 in (2, 4), f"{upload.name}: {response.status_code} {response.text}"
        if response.status_code != 200:
            assert response.headers["content-type"] == "application/problem+json", upload.name
            assert response.json()["request_id"] == response.headers["x-request-id"], upload.name
        statuses[response.status_code] += 1
    return statuses


@contextmanager
def same_worker_same_memory(api: Api) -> Iterator[None]:
    before = {process.pid: process.memory_info().rss for process in workers(api)}
    yield
    after = {process.pid: process.memory_info().rss for process in workers(api)}
    assert after.keys() == before.keys(), f"a worker died:\n{api.log_tail()}"
    for pid, rss in after.items():
        assert rss < before[pid] + GROWTH_BYTES, f"worker {pid} grew from {before[pid]:,} to {rss:,} bytes"


@pytest.mark.integration
@pytest.mark.parametrize("number", [500, pytest.param(10_000, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])])
def test_hostile_uploads(api: Api, client: httpx.Client, number: int) -> None:
    send_all(client, crafted_uploads())
    with same_worker_same_memory(api):
        statuses = send_all(client, uploads(SEED, number))
    assert statuses.total() == number
    assert {200, 400, 413, 415, 422} <= statuses.keys(), f"each kind of answer was meant to be met: {statuses}"


@pytest.mark.integration
@pytest.mark.parametrize("name", sorted(read_files()))
def test_a_file_that_is_read_is_answered(each_client: httpx.Client, name: str) -> None:
    response = send(each_client, Upload(name, form(part(read_files()[name]))))
    assert response.status_code == 200, response.text
    assert response.json()["model_version"] == 1


@pytest.mark.integration
@pytest.mark.parametrize("name", sorted(refused_files()))
def test_a_file_that_is_refused_says_why(each_client: httpx.Client, name: str) -> None:
    response = send(each_client, Upload(name, form(part(refused_files()[name]))))
    assert response.status_code in (413, 415, 422), response.text
    assert response.json()["detail"]


def raw(api: Api, request: bytes, body: bytes = b"", finish: bool = False) -> bytes:
    """The status line of the answer to bytes as they are; empty when the connection ends without one."""
    host, _, port = api.url.removeprefix("http://").partition(":")
    with closing(socket.create_connection((host, int(port)), timeout=20)) as connection:
        try:
            connection.sendall(request + body)
            if finish:
                connection.shutdown(socket.SHUT_WR)
            return connection.makefile("rb").readline().strip()
        except ConnectionError:
            return b""


def head(length: int | str, extra: bytes = b"") -> bytes:
    lines = ["POST /predict HTTP/1.1", "Host: api", f"Content-Type: {CONTENT_TYPE}", f"Content-Length: {length}"]
    return "\r\n".join(lines).encode() + b"\r\n" + extra + b"\r\n"


GOOD = form(part(read_files()["grey.jpg"]))


@pytest.mark.integration
@pytest.mark.parametrize(
    ("request_head", "body", "status"),
    [
        pytest.param(head(len(GOOD)), GOOD, b"200", id="honest"),
        pytest.param(head(10), GOOD, b"400", id="announces-less-than-it-sends"),
        pytest.param(head(10**12), b"", b"413", id="announces-a-terabyte"),
        pytest.param(head("9" * 40), GOOD, b"400", id="announces-a-number-beyond-64-bits"),
        pytest.param(head(-5), GOOD, b"400", id="announces-less-than-nothing"),
        pytest.param(head(len(GOOD), b"X-Study-Id: " + b"s" * 60_000 + b"\r\n"), GOOD, b"431", id="huge-header"),
        pytest.param(head(len(GOOD), b"X: y\r\n" * 5000), GOOD, b"200", id="5000-headers-in-30-kb"),
        pytest.param(b"GARBAGE\r\n\r\n", b"", b"400", id="not-http"),
    ],
)
def test_lies_in_the_request_itself(each_api: Api, request_head: bytes, body: bytes, status: bytes) -> None:
    with same_worker_same_memory(each_api):
        line = raw(each_api, request_head, body)
    assert line.split()[1] == status, line


@pytest.mark.integration
def test_a_client_that_goes_away_in_the_middle_harms_nobody(api: Api, client: httpx.Client) -> None:
    """It announces more than it sends and closes: there is nobody to answer."""
    with same_worker_same_memory(api):
        for _ in range(20):
            raw(api, head(len(GOOD)), GOOD[: len(GOOD) // 2], finish=True)
    assert send(client, Upload("good", GOOD)).status_code == 200


@pytest.mark.integration
def test_many_large_images_at_once_do_not_fill_the_memory(api: Api) -> None:
    """A PNG of 120 KB holds 36 million pixels, 144 MB decoded; kept until answered, 24 of them once took 3.5 GB."""
    body = form(part(encoded(Image.new("RGB", (6000, 6000), (9, 9, 9)), "PNG")))
    before = sum(process.memory_info().rss for process in workers(api))
    with ThreadPoolExecutor(25) as threads:
        sent = [threads.submit(_post_alone, api, body) for _ in range(24)]
        peak = before
        while not all(answer.done() for answer in sent):
            peak = max(peak, sum(process.memory_info().rss for process in workers(api)))
            wait(sent, timeout=0.02)
    assert {answer.result() for answer in sent} <= {200, 503, 504}
    assert peak < before + 1024 * MEBIBYTE, f"from {before:,} to {peak:,} bytes"


def _post_alone(api: Api, body: bytes) -> int:
    return httpx.post(
        f"{api.url}/predict", content=body, headers={"Content-Type": CONTENT_TYPE}, timeout=60
    ).status_code
