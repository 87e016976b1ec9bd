"""Hostile uploads, the same for the same seed: crafted ones first, then mutations of files and of forms."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.harness.hostile.files import read_files, refused_files

BOUNDARY = b"hostile"
CONTENT_TYPE = "multipart/form-data; boundary=hostile"


@dataclass(frozen=True)
class Upload:
    """One request's body and its Content-Type; `name` says what is wrong with it."""

    name: str
    body: bytes
    content_type: str = CONTENT_TYPE


def uploads(seed: int, number: int) -> Iterator[Upload]:
    """`number` uploads: the crafted ones, then mutations, as many as are asked for."""
    draw = random.Random(seed)
    crafted = [*crafted_uploads()]
    yield from crafted[:number]
    files = list({**read_files(), **_small(refused_files())}.items())
    for index in range(number - len(crafted)):
        yield _mutated(draw, index, files)


def crafted_uploads() -> Iterator[Upload]:
    files = {**read_files(), **refused_files()}
    for name, data in files.items():
        yield Upload(name, form(part(data)))
    for name, data in read_files().items():
        yield Upload(f"half of {name}", form(part(data[: len(data) // 2])))
    yield from _crafted_forms(files["grey.jpg"])


def part(data: bytes, name: bytes = b"image", headers: bytes = b"") -> bytes:
    disposition = b'Content-Disposition: form-data; name="%s"; filename="a"\r\n' % name
    return b"--" + BOUNDARY + b"\r\n" + disposition + headers + b"\r\n" + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


def _crafted_forms(image: bytes) -> Iterator[Upload]:
    good = form(part(image))
    yield Upload("no body", b"")
    yield Upload("no parts", form())
    yield Upload("another part", form(part(image, b"file")))
    yield Upload("two images", form(part(image), part(image)))
    yield Upload("5000 parts", form(*[part(b"", b"x")] * 5000))
    yield Upload("5000 images", form(*[part(b"1")] * 5000))
    yield Upload("part without headers", form(b"--" + BOUNDARY + b"\r\n\r\n" + image + b"\r\n"))
    yield Upload("huge part header", form(part(image, headers=b"X: " + b"y" * 1_000_000 + b"\r\n")))
    yield Upload("5000 part headers", form(part(image, headers=b"X: y\r\n" * 5000)))
    yield Upload("huge name", form(part(image, b"image" * 100_000)))
    yield Upload("quoted semicolons", form(part(image, b'im;age"; x="' + b'";"' * 500)))
    yield Upload("cut before the boundary", good[:-9])
    yield Upload("epilogue of a megabyte", good + bytes(2**20))
    yield Upload("20 MiB and more", form(part(bytes(21 * 2**20))))
    yield Upload("newlines only", b"\r\n" * 100_000)
    yield Upload("almost the boundary, again and again", form(part(b"\r\n--hostil" * 100_000)))
    yield Upload("another boundary", good, "multipart/form-data; boundary=other")
    yield Upload("no boundary", good, "multipart/form-data")
    yield Upload("empty boundary", good, "multipart/form-data; boundary=")
    yield Upload("long boundary", good, "multipart/form-data; boundary=" + "x" * 5000)
    yield Upload("many parameters", good, "multipart/form-data" + "; a=b" * 5000)
    yield Upload("no multipart", image, "image/jpeg")
    yield Upload("json", b'{"image": "..."}', "application/json")
    yield Upload("form of fields", b"image=abc", "application/x-www-form-urlencoded")
    yield Upload("empty content type", good, "")


def _small(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if len(data) < 100_000}


def _mutated(draw: random.Random, index: int, files: list[tuple[str, bytes]]) -> Upload:
    """Mostly a broken file in a good form; one in eight a broken form."""
    name, data = draw.choice(files)
    mutations = [draw.choice(MUTATIONS) for _ in range(draw.randint(1, 4))]
    if index % 8 == 7:
        return Upload(f"{index}: form of {name}", _apply(mutations, draw, form(part(data)), files))
    return Upload(f"{index}: {name}", form(part(_apply(mutations, draw, data, files))))


Mutation = Callable[[random.Random, bytes, list[tuple[str, bytes]]], bytes]


def _apply(mutations: list[Mutation], draw: random.Random, data: bytes, files: list[tuple[str, bytes]]) -> bytes:
    for mutate in mutations:
        data = mutate(draw, data, files)
    return data


def _flip_bits(draw: random.Random, data: bytes, _: list[tuple[str, bytes]]) -> bytes:
    changed = bytearray(data)
    for _bit in range(min(len(data), draw.choice([1, 2, 8, 64]))):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _set_number(draw: random.Random, data: bytes, _: list[tuple[str, bytes]]) -> bytes:
    """A length, an offset or a size: most of them lie in the first bytes."""
    at = draw.randrange(min(len(data), draw.choice([64, 512, 10**6])) or 1)
    size = draw.choice([1, 2, 4, 8])
    number = draw.choice([bytes(size), b"\xff" * size, b"\x7f" + b"\xff" * (size - 1), draw.randbytes(size)])
    return data[:at] + number + data[at + size :]


def _truncate(draw: random.Random, data: bytes, _: list[tuple[str, bytes]]) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def _remove(draw: random.Random, data: bytes, _: list[tuple[str, bytes]]) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + data[at + draw.choice([1, 4, 100, 5000]) :]


def _repeat(draw: random.Random, data: bytes, _: list[tuple[str, bytes]]) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + data[at : at + draw.choice([1, 16, 300])] * draw.choice([2, 10, 100]) + data[at:]


def _insert(draw: random.Random, data: bytes, _: list[tuple[str, bytes]]) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + draw.randbytes(draw.choice([1, 4, 1000])) + data[at:]


def _splice(draw: random.Random, data: bytes, files: list[tuple[str, bytes]]) -> bytes:
    """The beginning of one file and the end of another."""
    other = draw.choice(files)[1]
    return data[: draw.randrange(len(data) + 1)] + other[draw.randrange(len(other) + 1) :]


MUTATIONS: list[Mutation] = [_flip_bits, _set_number, _truncate, _remove, _repeat, _insert, _splice]
