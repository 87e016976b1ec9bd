"""Uploads made to use up a worker's places or memory fail no honest request, and stay under the pod's memory limit."""

import select
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from ci.load import decode_files, structure_files
from ci.load.decode_files import Make, by_pillow
from ci.stack.api import Api
from tests.harness.hostile.attacked import Attacked, serving
from tests.harness.hostile.uploads import CONTENT_TYPE, form, part
from tests.harness.stack import Stack

pytestmark = pytest.mark.integration

BIND = "127.0.0.46:8002"
AT_ONCE = 20
HOLDERS = 200
UPLOAD_BYTES = 19_000_000
START = part(b"\xff\xd8\xff")[:-2]  # of a form, up to the first bytes of its image
ANSWER_SECONDS = 1  # whoever is refused at the head of his request need not send its body
ANSWERS = {200, 413, 503, 504}

RESCALED = {"RescaleSlope": 1.5, "RescaleIntercept": -1000}
MOST_PIXELS_SIDE = 6320  # 39.9 megapixels: the default of MAX_PIXELS is 40
STRUCTURED_SIDE = 1024
FITTING_SIDE = 5768  # what the dearest of these takes is three quarters of the budget
# Each has a few KB to a MB.
BOMBS: dict[str, tuple[Make, int]] = {
    "lossless.webp": (by_pillow("WEBP", "RGBA", lossless=True), MOST_PIXELS_SIDE),
    "jpeg2000.dcm": (decode_files.dicom_jpeg2000("I;16", "u2", **RESCALED), MOST_PIXELS_SIDE),
    "float.tif": (by_pillow("TIFF", "F", compression="tiff_adobe_deflate"), MOST_PIXELS_SIDE),
    "rle.dcm": (decode_files.dicom_rle("u2", **RESCALED), MOST_PIXELS_SIDE),
    "16-bit.png": (by_pillow("PNG", "I;16"), MOST_PIXELS_SIDE),
    "codes.webp": (structure_files.webp_of_many_codes, STRUCTURED_SIDE),
    "precincts.dcm": (structure_files.dicom_of_many_precincts, 2 * STRUCTURED_SIDE),
    "tiles.dcm": (structure_files.dicom_of_many_tiles, 2 * STRUCTURED_SIDE),
    "fitting.webp": (by_pillow("WEBP", "RGBA", lossless=True), FITTING_SIDE),
}


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    return {name: form(part(make(side))) for name, (make, side) in BOMBS.items()}


@pytest.fixture
def api(stack: Stack, tmp_path: Path) -> Iterator[Api]:
    with serving(stack, BIND, tmp_path) as api:
        yield api


def connect(api: Api, source: str) -> socket.socket:
    host, _, port = api.url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30, source_address=(source, 0))


def head(path: str, content_length: int) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: a", f"Content-Length: {content_length}", f"Content-Type: {CONTENT_TYPE}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def status(connection: socket.socket) -> int:
    """Of the answer; 0 when the connection ends without one."""
    return int(connection.recv(4096).partition(b" ")[2][:3] or 0)


def test_connections_that_hold_an_upload_open_keep_nobody_out(
    api: Api, stack: Stack, images: list[bytes], tmp_path: Path
) -> None:
    with Attacked(api, stack, images, tmp_path), ExitStack() as held:
        connections = [held.enter_context(connect(api, "127.9.0.1")) for _ in range(HOLDERS)]
        for connection in connections:
            connection.sendall(head("/predict/batch", 1_000_000))
        answers = Counter(map(status, connections))
    assert answers.keys() == {408, 503}
    assert answers[408] == 128, "a client has a quarter of the readers"


def test_small_files_of_many_pixels_are_decoded_within_the_budget_or_refused(
    api: Api, stack: Stack, images: list[bytes], bombs: dict[str, bytes], tmp_path: Path
) -> None:
    def send(client: httpx.Client, body: bytes) -> int:
        return client.post("/predict", content=body, headers={"Content-Type": CONTENT_TYPE}).status_code

    transport = httpx.HTTPTransport(local_address="127.9.0.2")
    with (
        Attacked(api, stack, images, tmp_path),
        httpx.Client(base_url=api.url, transport=transport, timeout=60) as client,
        ThreadPoolExecutor(AT_ONCE) as attackers,
    ):
        for name, body in bombs.items():
            answers = Counter(attackers.map(lambda body: send(client, body), [body] * AT_ONCE))
            print(name, len(body), dict(answers))
            assert answers.keys() <= ANSWERS, name


def test_uploads_of_which_the_end_is_kept_back_take_no_more_than_their_share(
    api: Api, stack: Stack, images: list[bytes], tmp_path: Path
) -> None:
    with Attacked(api, stack, images, tmp_path), ExitStack() as held:
        connections = [held.enter_context(connect(api, f"127.9.1.{number % 6}")) for number in range(60)]

        def send(connection: socket.socket) -> int:
            connection.sendall(head("/predict", UPLOAD_BYTES) + START)
            if not select.select([connection], [], [], ANSWER_SECONDS)[0]:
                connection.sendall(bytes(UPLOAD_BYTES - len(START) - 100))
            return status(connection)

        with ThreadPoolExecutor(len(connections)) as attackers:
            answers = Counter(attackers.map(send, connections))
    print(answers)
    assert answers.keys() <= {408, 503, 504}
    assert 0 < answers[408] + answers[504] <= 15, "bodies have half of the budget"
