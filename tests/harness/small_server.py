"""An HTTP server on a thread, for the parts around what a test starts for real."""

import ssl
import threading
from abc import ABC, abstractmethod
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from ci.stack.certificates import Authority


class SmallServer(ABC):
    """Serves GET inside a `with`, at a free port. With `authority` over TLS, by a certificate that it signed."""

    media_type = "application/octet-stream"

    def __init__(self, address: str, authority: Authority | None = None) -> None:
        outer = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = outer.answer(self.path, self.headers.get("Authorization"))
                self.send_response(status)
                self.send_header("Content-Type", outer.media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer((address, 0), Answering)
        if authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority.issue(address, addresses=(address,)))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self.address = f"{address}:{self._server.server_port}"
        self.url = f"http{'s' if authority else ''}://{self.address}"

    @abstractmethod
    def answer(self, path: str, authorization: str | None) -> tuple[int, bytes]:
        """Status and body."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
