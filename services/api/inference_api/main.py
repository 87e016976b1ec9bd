"""The application, which gunicorn starts: `inference_api.main:create()`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module, metadata

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from inference_api import openapi, page, problems, request_ids
from inference_api.access.clients import Scope as ClientScope
from inference_api.prediction.admission import Admission
from inference_api.problems import Problem
from inference_api.service import Service, build
from inference_api.settings import InvalidSettings, Settings, read_settings

METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Application(FastAPI):
    """FastAPI, except that a POST to a path in `direct` bypasses it: its layers would cost a tenth of a request.

    FastAPI's middleware and dependencies do not run there. What every prediction needs wraps the endpoints where
    `create_app` sets `direct`.
    """

    direct: Mapping[str, ASGIApp]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self.direct.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        await (endpoint or super().__call__)(scope, receive, send)


def create_app(settings: Settings) -> Application:
    """The API with these settings. Nothing runs before its lifespan starts."""
    service = build(settings)

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
    app.direct = {
        path: service.authenticated(Admission(endpoint, service.traffic), ClientScope.PREDICT)
        for path, endpoint in service.endpoints.items()
    }
    app.router.routes += [Route(path, endpoint, methods=["POST"]) for path, endpoint in app.direct.items()]
    app.include_router(page.router)
    _add_reports(app, service)
    app.add_exception_handler(HTTPException, _http_problem)
    openapi.describe(app)
    return app


def _add_reports(app: FastAPI, service: Service) -> None:
    @app.get("/health", summary="Is the process alive?", responses=openapi.HEALTH)
    async def health() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @app.get("/ready", summary="Does this worker have routes and a replica that answers?", responses=openapi.READY)
    async def ready(request: Request) -> Response:
        if reason := await service.not_ready():
            return problems.response(problems.not_ready(reason), request_ids.of(request.scope))
        return JSONResponse({"status": "ready"})

    @app.get("/routes", summary="The routes in force, and the counters under them", responses=openapi.ROUTES)
    async def routes() -> JSONResponse:
        return JSONResponse(service.report())

    @app.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
    async def metrics() -> Response:
        # In a thread and at the first scrape: importing prometheus_client takes a tenth of a second.
        await asyncio.to_thread(import_module, "inference_api.process.metrics")
        from inference_api.process.metrics import Metrics

        return Response(Metrics(service.read_snapshots).text(), media_type=METRICS_MEDIA_TYPE)


async def _http_problem(request: Request, error: Exception) -> Response:
    """Turns Starlette's own refusals (no such path, no such method) into problem documents."""
    assert isinstance(error, HTTPException)
    kind = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "refused")
    return problems.response(
        Problem(error.status_code, kind, error.detail, headers=error.headers), request_ids.of(request.scope)
    )


def create() -> Application:
    """The API with the settings in the environment. Ends the process with a sentence when they are wrong."""
    try:
        return create_app(read_settings())
    except InvalidSettings as error:
        raise SystemExit(f"inference-api: {error}") from None
