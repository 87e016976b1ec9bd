"""Replicas that are no Triton: each fails in one way that a real one can, on a loopback address of its own."""

import contextlib
import json
import socket
import struct
import threading
from enum import StrEnum
from types import TracebackType
from typing import Self


class Fault(StrEnum):
    """What happens to every request."""

    HANGS = "hangs"  # accepted, read, never answered
    RESETS = "resets"  # the connection breaks once the request is there
    CLOSES = "closes"  # the connection ends in order, without an answer
    ERROR = "error"  # 500
    NOT_HTTP = "not-http"
    CUT = "cut"  # the answer ends in the middle
    NAN = "nan"
    WRONG_SHAPE = "wrong-shape"
    HUGE = "huge"  # an answer without end


def _answer(body: bytes, headers: str = "", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def _infer_answer(*logits: float) -> bytes:
    output = {"name": "output", "datatype": "FP32", "shape": [1, len(logits)]}
    header = json.dumps({"outputs": [output]}).encode()
    tensor = struct.pack(f"<{len(logits)}f", *logits)
    return _answer(header + tensor, f"Inference-Header-Content-Length: {len(header)}\r\n")


_GOOD = _infer_answer(0.0, 3.0, 0.0, 0.0)
_CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
_ANSWERS = {
    Fault.ERROR: _answer(b'{"error":"out of memory"}', status="500 Internal Server Error"),
    Fault.NOT_HTTP: b"SSH-2.0-OpenSSH_9.2\r\n",
    Fault.CUT: _GOOD[:-5],
    Fault.NAN: _infer_answer(float("nan"), 0.0, 0.0, 0.0),
    Fault.WRONG_SHAPE: _infer_answer(0.0, 1.0, 2.0),
    Fault.HUGE: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + (b"10000\r\n" + b"x" * 0x10000 + b"\r\n") * 40,
}


class BrokenReplica:
    """Serves one fault on `address`, port 8000, until it is left; `requests` counts the classifications asked of it."""

    def __init__(self, address: str, fault: Fault) -> None:
        self.url = f"http://{address}:8000"
        self.fault = fault
        self.requests = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server((address, 8000))
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # close alone waits for the thread that reads
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while head := _read_request(connection):
                self.requests += head.startswith(b"POST")  # not the looks at its health, whose time nobody knows
                self._fail(connection)
        except OSError:
            return

    def _fail(self, connection: socket.socket) -> None:
        match self.fault:
            case Fault.HANGS:
                pass
            case Fault.RESETS:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
            case Fault.CLOSES:
                connection.close()
            case Fault.CUT:
                connection.sendall(_ANSWERS[self.fault])
                connection.close()
            case _:
                connection.sendall(_ANSWERS[self.fault])


def _read_request(connection: socket.socket) -> bytes:
    """Reads one request whole and returns its head; empty when the other side closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    missing = int(headers.get(b"content-length", b"0")) - len(rest)
    while missing > 0:
        missing -= len(connection.recv(min(missing, 1 << 20)))
    return head
