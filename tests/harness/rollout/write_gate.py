"""Stands between an operator and the API server, and kills the operator at its writes."""

import json
import ssl
from collections.abc import Callable
from pathlib import Path

import aiohttp
from aiohttp import web

from ci.stack.control_plane import ControlPlane
from tests.harness.threaded import Threaded

HOP_HEADERS = frozenset({"connection", "transfer-encoding", "content-length", "host"})


class WriteGate(Threaded):
    """Of each kind of write that changes plan, routes or status, the first kills before it is done, the next after.

    A kind is a phase, a canary's weight and a canary. `kills` says which they were.
    """

    def __init__(self, plane: ControlPlane, address: str, kill: Callable[[], None]) -> None:
        super().__init__()
        self._plane, self._address, self._kill = plane, address, kill
        self.kills: list[str] = []
        self._written: dict[str, object] = {}

    def kubeconfig(self, namespace: str) -> Path:
        """The operator's, by way of here."""
        document = json.loads(self._plane.kubeconfig("operator", namespace=namespace).read_text())
        document["clusters"][0]["cluster"] = {"server": f"http://{self._address}:6443"}
        path = self._plane.folder / f"gate.{namespace}.kubeconfig"
        path.write_text(json.dumps(document))
        return path

    async def _start(self) -> None:
        context: ssl.SSLContext = self._plane.ssl_context("operator", ())
        connector = aiohttp.TCPConnector(ssl=context)
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._address, 6443).start()

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        what = self._what_it_changes(request, body)
        dies_before = what != "" and f"before {what}" not in self.kills
        is_fatal = dies_before or (what != "" and f"after {what}" not in self.kills)
        if is_fatal:
            self.kills.append(f"{'before' if dies_before else 'after'} {what}")
        if dies_before:
            self._kill()
            return web.Response(status=503)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_HEADERS}
        async with self._session.request(
            request.method,
            f"{self._plane.url}{request.raw_path}",
            data=body or None,
            headers=headers,
            allow_redirects=False,
        ) as answer:
            if what and answer.status < 300:
                self._note(request, body)
            if is_fatal:
                await answer.read()
                self._kill()
                return web.Response(status=503)
            return await _send_on(request, answer)

    def _what_it_changes(self, request: web.Request, body: bytes) -> str:
        """A claim writes a ConfigMap as it is, and changes nothing."""
        if request.method not in ("PUT", "POST"):
            return ""
        if request.path.endswith("/status"):
            return f"status {json.loads(body)['status'].get('phase')}"
        if "/configmaps" not in request.path:
            return ""
        document = json.loads(body)
        name, data = document["metadata"]["name"], document.get("data")
        return _kind(data) if data and self._written.get(name) != data else ""

    def _note(self, request: web.Request, body: bytes) -> None:
        if "/configmaps" in request.path:
            document = json.loads(body)
            self._written[document["metadata"]["name"]] = document.get("data")


def _kind(data: dict[str, str]) -> str:
    """Of the content of a ConfigMap."""
    (text,) = data.values()
    document = json.loads(text)
    if "replicas" in document:
        return f"routes to v{document['stable']['version']}, canary {(document.get('canary') or {}).get('weight')}"
    roles = {role: (document.get(role) or {}).get("version") for role in ("stable", "canary", "previous")}
    return f"plan {roles}"


async def _send_on(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Part by part: a watch never ends."""
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_HEADERS}
    headers.pop("Content-Encoding", None)
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    async for part in answer.content.iter_any():
        await response.write(part)
    await response.write_eof()
    return response
