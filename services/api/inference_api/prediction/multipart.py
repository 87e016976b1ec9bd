"""Reads the body of an upload as it comes. The body is bounded, and only parts named `image` are kept."""

from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from inference_api import problems
from inference_api.prediction.parts import Parts


async def read_images(request: Request, max_bytes: int, max_images: int) -> list[bytes]:
    """The contents of the parts named `image`, in order: 1 to `max_images`, none of them empty.

    `max_bytes` bounds the whole body; a Content-Length above it is refused before anything is read.
    Raises Problem (400, 413, 415, 422).
    """
    _refuse_encoded(request)
    parts = Parts(_boundary(request), max_images)
    _refuse_announced(request, max_bytes)
    await _feed(parts, request, max_bytes)
    return parts.images()


def _refuse_encoded(request: Request) -> None:
    encoding = request.headers.get("content-encoding")
    if encoding is not None and encoding.strip().lower() not in ("", "identity"):
        raise problems.encoded("request has Content-Encoding", encoding.encode("latin-1"))


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


async def _feed(parts: Parts, request: Request, max_bytes: int) -> None:
    received = 0
    try:
        async for chunk in request.stream():
            received += len(chunk)
            if received > max_bytes:
                raise problems.too_many_bytes(max_bytes)
            parts.write(chunk)
    except ClientDisconnect:
        raise problems.malformed("the connection ended before the body did") from None
