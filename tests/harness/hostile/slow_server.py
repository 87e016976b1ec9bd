"""A server that takes its time: it reads what it is sent, and answers seconds later."""

import http.server
import threading
from types import TracebackType
from typing import Self


class SlowServer(http.server.ThreadingHTTPServer):
    """On `address`, until it is left. `asked` counts requests."""

    daemon_threads = True

    def __init__(self, address: str, port: int, seconds: float, answer: bytes = b"") -> None:
        super().__init__((address, port), _Handler)
        self.seconds, self.answer, self.asked, self.ending = seconds, answer, 0, threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.ending.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Who did not wait has gone."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SlowServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        self.server.ending.wait(self.server.seconds)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, format: str, *args: object) -> None: ...
