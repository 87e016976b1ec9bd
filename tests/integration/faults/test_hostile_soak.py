"""10,000 hostile clients of every kind, mixed, beside honest ones: none of these fails, and memory stays as it was."""

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from ci.load.decode_files import by_pillow, dicom_jpeg2000
from ci.stack.api import Api
from ci.stack.say import say
from tests.harness.hostile import many_pieces
from tests.harness.hostile.attacked import Attacked, serving, worker
from tests.harness.hostile.connections import FILE_HEAD, connect, post_file, send_without_end
from tests.harness.hostile.uploads import Upload, uploads
from tests.harness.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.soak, pytest.mark.timeout(3600)]

ATTACKS, AT_ONCE, SEED = 10_000, 20, 20_260
HELD_SECONDS = 0.2
# By then every kind was met often. Later, this much comes and goes in malloc and its arenas.
WARM_UP, GROWTH_BYTES = 3_000, 64 * 2**20
MANY_PIXELS_SIDE = 5048  # what the dearest of these takes is three quarters of the budget
FORM = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\n"
BEGUN = FORM + b"Content-Length: 9000000\r\n\r\n"

Attack = Callable[[], object]


@pytest.fixture
def api(stack: Stack, tmp_path: Path) -> Iterator[Api]:
    with serving(stack, "127.0.0.47:8002", tmp_path) as api:
        yield api


def hold(api: Api, sent: bytes) -> str:
    """Sends this, keeps the connection for a while, and leaves without a word."""
    with contextlib.suppress(ConnectionError), connect(api) as connection:
        connection.sendall(sent)
        connection.settimeout(HELD_SECONDS)
        with contextlib.suppress(TimeoutError):
            return str(connection.recv(64)[9:12])
    return "held"


def send(api: Api, upload: Upload) -> object:
    head = (
        f"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: {upload.content_type}\r\n"
        f"Content-Length: {len(upload.body)}\r\nConnection: close\r\n\r\n"
    )
    with connect(api) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(head.encode() + upload.body)
        with contextlib.suppress(ConnectionError):
            return connection.makefile("rb").readline()[9:12].decode()
    return "ended"


def attacks(api: Api) -> dict[str, tuple[float, Callable[[random.Random], Attack]]]:
    """Each kind: how often of a hundred, and one of it."""
    mutated = uploads(SEED, ATTACKS)
    pieces = [many_pieces.jpeg(300_000), many_pieces.png(100_000)]
    pixels = [
        by_pillow("WEBP", "RGBA", lossless=True)(MANY_PIXELS_SIDE),
        by_pillow("PNG", "I;16")(MANY_PIXELS_SIDE),
        dicom_jpeg2000("I;16", "u2")(MANY_PIXELS_SIDE // 4),
    ]
    heads = [b"", b"GET /health HTTP/1.1\r\nHost: a\r\n", BEGUN, BEGUN + FILE_HEAD + bytes(100_000), b"GARBAGE\r\n\r\n"]
    endless = [(b"GET / HTTP/1.1\r\nX: ", b"x" * 65_536), (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 9000)]

    def upload(_: random.Random) -> Attack:
        one = next(mutated)
        return lambda: send(api, one)

    def many(files: list[bytes]) -> Callable[[random.Random], Attack]:
        def one(draw: random.Random) -> Attack:
            file = draw.choice(files)
            return lambda: post_file(api, file)

        return one

    def held(draw: random.Random) -> Attack:
        sent = draw.choice(heads)
        return lambda: hold(api, sent)

    def head_without_end(draw: random.Random) -> Attack:
        start, piece = draw.choice(endless)
        return lambda: send_without_end(api, start, piece, most_bytes=2**20)[9:12]

    return {
        "mutated uploads": (70, upload),
        "silence, half heads and half bodies": (22, held),
        "heads without end": (5, head_without_end),
        "files of many pieces": (2, many(pieces)),
        "files of many pixels": (1, many(pixels)),
    }


def test_ten_thousand_of_every_kind(api: Api, stack: Stack, images: list[bytes], tmp_path: Path) -> None:
    draw, kinds = random.Random(SEED), attacks(api)
    weights = [share for share, _ in kinds.values()]
    done: Counter[str] = Counter()

    def run(kind: str, attack: Attack) -> None:
        done[f"{kind}: {attack()}"] += 1

    process = psutil.Process(worker(api))
    rss: list[int] = []
    with Attacked(api, stack, images, tmp_path), ThreadPoolExecutor(AT_ONCE) as attackers:
        started = time.monotonic()
        for first in range(0, ATTACKS, 500):
            names = draw.choices(list(kinds), weights, k=500)
            list(attackers.map(run, names, [kinds[name][1](draw) for name in names]))
            rss.append(process.memory_info().rss)
            say(f"{first + 500:,} of {ATTACKS:,} after {time.monotonic() - started:.0f} s; {rss[-1] / 2**20:.0f} MiB")
    print(*sorted(done.items()), sep="\n")
    assert done.total() == ATTACKS
    assert {kind.partition(":")[0] for kind in done} == kinds.keys()
    assert rss[-1] < max(rss[: WARM_UP // 500]) + GROWTH_BYTES, [size // 2**20 for size in rss]
