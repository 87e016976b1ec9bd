"""Reads the body of an upload as it comes. The body is bounded, and only parts named `image` are kept."""

import asyncio
from collections.abc import Mapping

from python_multipart.multipart import parse_options_header
from starlette.types import Receive, Scope

from inference_api import problems
from inference_api.prediction.parts import Parts

INLINE_BYTES = 2**20  # put together on the event loop, in half a millisecond; 20 MB would take 12 to 60 ms

Headers = Mapping[bytes, bytes]


async def read_images(scope: Scope, receive: Receive, max_bytes: int, max_images: int) -> list[bytes]:
    """The contents of the parts named `image`, in order: 1 to `max_images`, none of them empty.

    `max_bytes` bounds the whole body; a Content-Length above it is refused before anything is read.
    Raises Problem (400, 413, 415, 422).
    """
    headers = dict(reversed(scope["headers"]))  # of several with one name the first counts, as with Starlette
    _refuse_encoded(headers)
    parts = Parts(_boundary(headers), max_images)
    _refuse_announced(headers, max_bytes)
    received_bytes = await _feed(parts, receive, max_bytes)
    return parts.images() if received_bytes <= INLINE_BYTES else await asyncio.to_thread(parts.images)


def _refuse_encoded(headers: Headers) -> None:
    encoding = headers.get(b"content-encoding", b"")
    if encoding.strip().lower() not in (b"", b"identity"):
        raise problems.encoded("request has Content-Encoding", encoding)


def _boundary(headers: Headers) -> bytes:
    header = headers.get(b"content-type")
    if header is None:
        raise problems.no_image()
    media_type, parameters = parse_options_header(header)
    if media_type != b"multipart/form-data":
        raise problems.not_multipart()
    boundary = parameters.get(b"boundary")
    if not boundary:
        raise problems.malformed("the Content-Type header names no boundary")
    return boundary


def _refuse_announced(headers: Headers, max_bytes: int) -> None:
    announced = headers.get(b"content-length", b"")
    if not announced.isdigit():
        return
    if len(announced) > 18 or int(announced) > max_bytes:  # int() refuses thousands of digits
        raise problems.too_many_bytes(max_bytes)


async def _feed(parts: Parts, receive: Receive, max_bytes: int) -> int:
    """How many bytes came."""
    received = 0
    has_more = True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise problems.malformed("the connection ended before the body did")
        chunk = message.get("body", b"")
        received += len(chunk)
        if received > max_bytes:
            raise problems.too_many_bytes(max_bytes)
        parts.write(chunk)
        has_more = message.get("more_body", False)
    return received
