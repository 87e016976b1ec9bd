"""The application that gunicorn and uvicorn start: `inference_api.main:app`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from inference_api import openapi, page, problems, request_ids
from inference_api.problems import Problem
from inference_api.service import Service
from inference_api.settings import InvalidSettings, Settings, read_settings

METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Application(FastAPI):
    """FastAPI, with a shorter way to the endpoints that take the load: its layers would cost a tenth of a request."""

    direct: Mapping[str, ASGIApp]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self.direct.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        await (endpoint or super().__call__)(scope, receive, send)


def create_app(settings: Settings) -> Application:
    """The API under these settings; nothing runs before its lifespan does."""
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await service.start()
            yield
        finally:
            await service.stop()

    app = Application(
        title="medinfer", version=metadata.version("inference-api"), lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.service = service
    app.direct = {"/predict": service.predict, "/predict/batch": service.predict_batch}
    app.router.routes += [Route(path, endpoint, methods=["POST"]) for path, endpoint in app.direct.items()]
    app.include_router(page.router)
    _add_reports(app, service)
    app.add_exception_handler(HTTPException, _http_problem)
    openapi.describe(app)
    return app


def _add_reports(app: FastAPI, service: Service) -> None:
    @app.get("/health", summary="Is the process alive?", response_model=dict[str, str])
    async def health() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @app.get("/ready", summary="Routes are known and a replica answers", response_model=dict[str, str])
    async def ready(request: Request) -> Response:
        if reason := await service.not_ready():
            return problems.response(Problem(503, "not-ready", f"Not ready: {reason}."), request_ids.of(request.scope))
        return JSONResponse({"status": "ready"})

    @app.get("/routes", summary="The routes applied, and what happened under them", response_model=dict[str, Any])
    async def routes() -> JSONResponse:
        return JSONResponse(service.report())

    @app.get("/metrics", summary="For Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type=METRICS_MEDIA_TYPE)


async def _http_problem(request: Request, error: Exception) -> Response:
    """Starlette's own refusals (no such path, no such method) as problem documents."""
    assert isinstance(error, HTTPException)
    kind = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "refused")
    return problems.response(
        Problem(error.status_code, kind, error.detail, headers=error.headers), request_ids.of(request.scope)
    )


def __getattr__(name: str) -> Application:
    """`app` is made when it is asked for, so that importing this module needs no environment."""
    if name != "app":
        raise AttributeError(name)
    try:
        return create_app(read_settings())
    except InvalidSettings as error:
        raise SystemExit(f"inference-api: {error}") from None
