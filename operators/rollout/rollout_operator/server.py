"""The operator's HTTP face: alive, and its metrics."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


def build_app(registry: CollectorRegistry, is_alive: Callable[[], bool]) -> web.Application:
    """GET /health is 503 once `is_alive` is False; GET /metrics exports `registry`."""

    async def health(_: web.Request) -> web.Response:
        alive = is_alive()
        return web.Response(text="ok\n" if alive else "the watches have ended\n", status=200 if alive else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/health", health)
    app.router.add_get("/metrics", metrics)
    return app
