"""A Triton and its agent on loopback, inside the event loop of who asks: every answer is made beforehand."""

import asyncio
import json
import struct

LOGITS = (2.0, 1.0, 0.5, 0.25)


class Answering(asyncio.Protocol):
    """Answers complete requests: an inference with LOGITS, everything else with an empty 200."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._wanted, self._line = transport, 0, b""

    def data_received(self, data: bytes) -> None:
        """A request's head comes in one piece: its client writes it at once."""
        if self._wanted == 0:
            head, _, body = data.partition(b"\r\n\r\n")
            self._line, data = head.split(b"\r\n", 1)[0], body
            lengths = [
                line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
            ]
            self._wanted = int(lengths[0]) if lengths else 0
        self._wanted -= len(data)
        if self._wanted == 0:
            assert isinstance(self._transport, asyncio.Transport)
            self._transport.write(INFERRED if b"/infer " in self._line else EMPTY)


def _answer(body: bytes, *headers: str) -> bytes:
    lines = ("HTTP/1.1 200 OK", "Content-Type: application/json", *headers, f"Content-Length: {len(body)}", "", "")
    return "\r\n".join(lines).encode() + body


def _inferred() -> bytes:
    output = {"name": "output", "datatype": "FP32", "shape": [1, len(LOGITS)], "parameters": {"binary_data_size": 16}}
    header = json.dumps({"model_name": "resnet_medical", "model_version": "1", "outputs": [output]}).encode()
    tensor = struct.pack(f"<{len(LOGITS)}f", *LOGITS)
    return _answer(header + tensor, f"Inference-Header-Content-Length: {len(header)}")


EMPTY, INFERRED = _answer(b"{}"), _inferred()


async def serve() -> int:
    """The port on 127.0.0.1."""
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    return port
