"""Reads the body of an upload as it comes. The body is bounded, and only parts named `image` are kept."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from inference_api import problems

# A form has a handful of fields; each costs parsing time on the event loop.
MAX_OTHER_PARTS = 64


async def read_images(request: Request, max_bytes: int, max_images: int) -> list[bytes]:
    """The contents of the parts named `image`, in order: 1 to `max_images`, none of them empty.

    `max_bytes` bounds the whole body; a Content-Length above it is refused before anything is read.
    Raises Problem (400, 413, 415, 422).
    """
    parts = _Parts(_boundary(request), max_images)
    _refuse_announced(request, max_bytes)
    await _feed(parts, request, max_bytes)
    return parts.images()


def _boundary(request: Request) -> bytes:
    header = request.headers.get("content-type")
    if header is None:
        raise problems.no_image()
    media_type, parameters = parse_options_header(header)
    if media_type != b"multipart/form-data":
        raise problems.not_multipart()
    boundary = parameters.get(b"boundary")
    if not boundary:
        raise problems.malformed("the Content-Type header names no boundary")
    return boundary


def _refuse_announced(request: Request, max_bytes: int) -> None:
    announced = request.headers.get("content-length")
    if announced is None or not announced.isdecimal():
        return
    if len(announced) > 18 or int(announced) > max_bytes:  # int() refuses thousands of digits
        raise problems.too_many_bytes(max_bytes)


async def _feed(parts: "_Parts", request: Request, max_bytes: int) -> None:
    received = 0
    try:
        async for chunk in request.stream():
            received += len(chunk)
            if received > max_bytes:
                raise problems.too_many_bytes(max_bytes)
            parts.write(chunk)
    except ClientDisconnect:
        raise problems.malformed("the connection ended before the body did") from None


class _Parts:
    """Collects the `image` parts as python-multipart's parser calls back."""

    def __init__(self, boundary: bytes, max_images: int) -> None:
        self._max_images = max_images
        self._images: list[list[bytes]] = []
        self._other_parts = 0
        self._chunks: list[bytes] | None = None
        self._header = self._value = self._disposition = b""
        self._started = self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_end": self._on_end,
                },
            )
        except FormParserError:
            raise problems.malformed("the boundary is too long") from None

    def write(self, chunk: bytes) -> None:
        if not self._started:
            # After a leading newline the parser would skip to the next hyphen, but only within the same chunk.
            chunk = chunk.lstrip(b"\r\n")
            self._started = bool(chunk)
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise problems.malformed(f"{error}".rstrip(".").lower()) from None

    def images(self) -> list[bytes]:
        if not self._ended:
            raise problems.malformed("it ends before its closing boundary")
        if not self._images:
            raise problems.no_image()
        images = [chunks[0] if len(chunks) == 1 else b"".join(chunks) for chunks in self._images]
        if not all(images):
            raise problems.empty_image()
        return images

    def _on_part_begin(self) -> None:
        self._chunks = None
        self._disposition = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _on_headers_finished(self) -> None:
        _, parameters = parse_options_header(self._disposition)
        if parameters.get(b"name") == b"image":
            self._begin_image()
        else:
            self._skip_part()

    def _begin_image(self) -> None:
        if len(self._images) == self._max_images:
            raise problems.too_many_images(self._max_images)
        self._chunks = []
        self._images.append(self._chunks)

    def _skip_part(self) -> None:
        self._other_parts += 1
        if self._other_parts > MAX_OTHER_PARTS:
            raise problems.malformed(f"it holds more than {MAX_OTHER_PARTS} parts besides the image")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._chunks is not None:
            self._chunks.append(data[start:end])

    def _on_end(self) -> None:
        self._ended = True
