"""The API: its start, the decoding of each format, and whole requests through its application."""

import asyncio
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci.bench.gate.scenarios import triton
from ci.bench.gate.scenarios.program import Work
from ci.bench.gate.scenarios.still_loop import StillLoop

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message

FILES = ("JPEG", "PNG", "WebP", "BMP", "TIFF", "DICOM")  # inputs.py writes them
REQUEST, MEMORY = "request", "2,000 requests"
COUNTED: Mapping[str, int] = {REQUEST: 10, **{f"decode {name}": 4 for name in FILES}}
TIMED: Mapping[str, int] = {REQUEST: 100, **{f"decode {name}": 10 for name in FILES}, MEMORY: 2000}
MAX_PIXELS = 40_000_000
BOUNDARY = "gate"


class Api:
    """In this process, with a Triton in its event loop. The application is called as an HTTP server calls it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._loop = folder, StillLoop()

    def start(self) -> None:
        """As far as a worker comes without its replicas. The port of Triton is known before, so that this is all."""
        asyncio.set_event_loop(self._loop)
        self._port = self._loop.run_until_complete(triton.serve())
        self._routes = self._folder / f"routes-{self._port}.json"
        from inference_api.main import create_app
        from inference_api.settings import Settings

        self._app: ASGIApp = create_app(Settings(routes_file=self._routes, agent_port=self._port))

    def ready(self) -> Mapping[str, Work]:
        from inference_api.imaging import images
        from inference_api.prediction import warmup
        from inference_api.routing.document import parse

        document = json.loads((self._folder / "routes.json").read_text())
        document["replicas"][0]["url"] = f"http://127.0.0.1:{self._port}"
        self._routes.write_text(json.dumps(document))
        self._loop.run_until_complete(self._lifespan())
        warmup.import_dicom()
        how = parse(self._routes.read_bytes()).stable.version.preprocessing

        def decode(file: bytes, times: int) -> None:
            for _ in range(times):
                images.pixels(images.decode(file, MAX_PIXELS), how)

        files = {name: (self._folder / name).read_bytes() for name in FILES}
        large, small = _body(files["JPEG"]), _body((self._folder / "small").read_bytes())
        self._loop.stand_still()
        return {
            REQUEST: partial(self._ask, large),
            **{f"decode {name}": partial(decode, file) for name, file in files.items()},
            MEMORY: partial(self._ask, small),
        }

    def _ask(self, body: bytes, times: int) -> None:
        async def ask() -> None:
            for _ in range(times):
                await _post(self._app, body)

        self._loop.run_until_complete(ask())

    async def _lifespan(self) -> None:
        """Its start; nobody ends it, as the process is killed."""
        started, begun = asyncio.Event(), False

        async def receive() -> "Message":
            nonlocal begun
            if begun:
                await asyncio.Event().wait()
            begun = True
            return {"type": "lifespan.startup"}

        async def send(message: "Message") -> None:
            assert message["type"] == "lifespan.startup.complete", message
            started.set()

        self._running = asyncio.ensure_future(self._app({"type": "lifespan", "state": {}}, receive, send))
        await started.wait()


async def _post(app: "ASGIApp", body: bytes) -> None:
    """One upload; raises AssertionError when the answer is not 200."""
    sent: list[Any] = []
    received = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> "Message":
        message = next(received, None)
        if message is None:
            await asyncio.Event().wait()  # a client that waits for its answer
        assert message
        return message

    async def send(message: "Message") -> None:
        sent.append(message)

    await app(_scope(body), receive, send)
    assert sent[0]["status"] == 200, sent


def _scope(body: bytes) -> dict[str, Any]:
    headers = {
        b"host": b"api",
        b"content-type": f"multipart/form-data; boundary={BOUNDARY}".encode(),
        b"content-length": str(len(body)).encode(),
    }
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/predict",
        "raw_path": b"/predict",
        "root_path": "",
        "query_string": b"",
        "headers": list(headers.items()),
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8002),
        "state": {},
    }


def _body(image: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    return head.encode() + image + f"\r\n--{BOUNDARY}--\r\n".encode()


def make(folder: Path) -> Api:
    return Api(folder)
