"""A body in 800,000 chunks of a byte ends Triton 24.10, without any key: a known fault, mended in 25.07.

No client of the API can do this: it refuses small chunks, reads a body whole, and sends Triton its own. On a cluster
the NetworkPolicy keeps others from Triton.
"""

import contextlib
import socket

import pytest

from ci.stack.api import Api
from ci.stack.waiting import wait_until
from tests.harness.hostile.connections import FILE_END, FILE_HEAD
from tests.harness.stack import Stack

pytestmark = pytest.mark.integration

CHUNKS = 800_000
INFER = "/v2/models/resnet_medical/versions/1/infer"


def send_in_chunks(url: str, path: str, body: bytes, content_type: str) -> bytes:
    """The status line of the answer; empty where the connection broke."""
    host, _, port = url.removeprefix("http://").partition(":")
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    with socket.create_connection((host, int(port)), timeout=120) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(head.encode() + chunks + b"0\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            return connection.makefile("rb").readline().strip()
    return b""


def test_the_api_refuses_it_and_a_triton_that_is_asked_directly_dies(stack: Stack, apis: list[Api]) -> None:
    before = [replica.triton_pid() for replica in stack.replicas]
    body = FILE_HEAD + bytes(CHUNKS) + FILE_END
    status = send_in_chunks(apis[0].url, "/predict", body, "multipart/form-data; boundary=x")
    assert status == b"HTTP/1.1 400 Bad Request"
    assert [replica.triton_pid() for replica in stack.replicas] == before

    victim = stack.replicas[0]
    send_in_chunks(victim.url, INFER, bytes(CHUNKS), "application/octet-stream")
    wait_until(lambda: victim.triton_pid() != before[0], "Triton died of it", 60)
