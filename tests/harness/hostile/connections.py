"""Clients that connect and then do what no honest client does."""

import contextlib
import socket
from collections.abc import Iterator

from ci.stack.api import Api

FILE_HEAD = (
    b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n"
)
FILE_END = b"\r\n--x--\r\n"
# Not that of honest clients, as a limit for each address would meet them too.
SOURCE_ADDRESS = "127.0.0.99"


def connect(api: Api) -> socket.socket:
    host, _, port = api.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=60, source_address=(SOURCE_ADDRESS, 0))


@contextlib.contextmanager
def holding(api: Api, count: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections that have sent this and nothing more."""
    with contextlib.ExitStack() as held:
        connections = [held.enter_context(connect(api)) for _ in range(count)]
        for connection in connections:
            with contextlib.suppress(OSError):  # it may have had to make room
                connection.sendall(sent)
        yield connections


def send_without_end(api: Api, start: bytes, piece: bytes, most_bytes: int = 2**26) -> bytes:
    """Sends `start` and then `piece` again and again until the API has enough of it; the status line of its answer."""
    with connect(api) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(start)
            for _ in range(most_bytes // len(piece)):
                connection.sendall(piece)
        with contextlib.suppress(ConnectionError):
            return connection.makefile("rb").readline().strip()
    return b""


def post_file(api: Api, data: bytes) -> int:
    """The status of a prediction for this file, on a connection of its own; 0 where it ended without an answer."""
    body = FILE_HEAD + data + FILE_END
    head = (
        "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with connect(api) as connection:
        with contextlib.suppress(ConnectionError):  # an answer may come before all is sent
            connection.sendall(head.encode() + body)
        with contextlib.suppress(ConnectionError):
            line = connection.makefile("rb").readline()
            return int(line.split()[1]) if line else 0
    return 0
