"""Something at the address of an agent or an API pod that reports nonsense, hangs, or answers slowly."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SLOW_SECONDS = 5.0
HUGE_BYTES = 10 << 20

Misbehave = Callable[["Handler"], None]


def garbage(handler: "Handler") -> None:
    handler.answer(200, b'{"replica": ["\xff\x00", {"versions": 1e999')


def wrong_types(handler: "Handler") -> None:
    """JSON of the right members, each of a wrong kind."""
    body = b'{"schemaVersion": 1, "replica": 7, "startId": {}, "id": [], "revision": -1, "versions": "all"}'
    handler.answer(200, body)


def huge(handler: "Handler") -> None:
    handler.answer(200, b'{"startId": "' + b"x" * HUGE_BYTES + b'"}')


def never(handler: "Handler") -> None:
    handler.ended.wait()


def slow(handler: "Handler") -> None:
    """An answer in good form, too late."""
    handler.ended.wait(SLOW_SECONDS)
    handler.answer(200, b'{"schemaVersion": 1, "replica": "late", "startId": "late", "versions": []}')


def error(handler: "Handler") -> None:
    handler.answer(500, b"no")


class Handler(BaseHTTPRequestHandler):
    """Does the same to every path."""

    misbehave: Misbehave
    ended: threading.Event

    def do_GET(self) -> None:
        # Who asks gives up before a slow or a huge answer is over.
        with contextlib.suppress(OSError):
            type(self).misbehave(self)
        self.close_connection = True

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def impostor(address: str, port: int, misbehave: Misbehave) -> Iterator[None]:
    """Listens there until the block ends."""
    ended = threading.Event()
    handler = type("Impostor", (Handler,), {"misbehave": staticmethod(misbehave), "ended": ended})
    server = ThreadingHTTPServer((address, port), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
