"""The application, which gunicorn starts: `inference_api.main:create()`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import metadata

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inference_api import early_answers, http_problems, inner, openapi, page
from inference_api.access.clients import Scope as ClientScope
from inference_api.build import build
from inference_api.cors import Cors
from inference_api.page import docs
from inference_api.process.http_counts import HttpCounts
from inference_api.service import Service
from inference_api.settings import InvalidSettings, Settings, read_settings


class Application(FastAPI):
    """FastAPI, except that a POST to a path in `direct` bypasses it: its layers would cost a tenth of a request.

    FastAPI's middleware and dependencies do not run there. What every prediction needs wraps the endpoints where
    `_make_public` sets `direct`. HEAD is answered as GET is, without the body (RFC 9110, 9.3.2).
    """

    direct: Mapping[str, ASGIApp]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"] if scope["type"] == "http" else None
        if method == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        endpoint = self.direct.get(scope["path"]) if method == "POST" else None
        await (endpoint or super().__call__)(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_head


class Ports:
    """The two applications of a worker. The port on which a connection came in decides which one answers it.

    What did not come by the inner port is public. So is the lifespan, which belongs to no connection.
    """

    def __init__(self, service: Service, public: Application, inner: Starlette) -> None:
        self.service, self.public, self.inner = service, public, inner
        self._inner_port = service.settings.inner_port
        paths = {route.path for route in public.routes if isinstance(route, Route)}
        self._counted = HttpCounts(public, paths, service.measurements)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = scope.get("server")
        is_inner = server is not None and server[1] == self._inner_port
        await early_answers.call(self.inner if is_inner else self._counted, scope, receive, send)


def create_app(settings: Settings) -> Ports:
    """The API with these settings. Nothing runs before its lifespan starts."""
    service = build(settings)
    return Ports(service, _make_public(service), inner.make(service))


def _make_public(service: Service) -> Application:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await service.start()
            yield
        finally:
            await service.stop()

    app = Application(
        title="medinfer",
        version=metadata.version("inference-api"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # Location would say http:, also behind TLS: the image would go there in the clear
    )
    authenticated = {
        path: service.traced(service.authentication.around(endpoint, ClientScope.PREDICT), path)
        for path, endpoint in service.endpoints.items()
    }
    app.direct = {path + slash: endpoint for path, endpoint in authenticated.items() for slash in ("", "/")}
    if origins := service.settings.cors_origins:
        app.direct = {path: Cors(endpoint, origins) for path, endpoint in app.direct.items()}
        app.add_middleware(Cors, origins=origins)
    app.router.routes += [Route(path, endpoint, methods=["POST"]) for path, endpoint in app.direct.items()]
    app.router.routes += docs.ROUTES
    app.get("/", include_in_schema=False)(page.page)
    app.get("/health", summary="Is the process alive?", description="", responses=openapi.HEALTH)(inner.health)

    @app.get(
        "/status",
        summary="Which versions are in service, and their weights",
        responses=openapi.STATUS,
        openapi_extra={"security": openapi.SECURITY},
    )
    async def status(request: Request) -> Response:
        refusal = await service.authentication.refusal(request.scope, ClientScope.STATUS)
        return refusal or JSONResponse(service.status())

    app.add_exception_handler(HTTPException, http_problems.answer)
    openapi.describe(app)
    return app


def create() -> Ports:
    """The API with the settings in the environment. Ends the process with a sentence when they are wrong."""
    try:
        return create_app(read_settings())
    except InvalidSettings as error:
        raise SystemExit(f"inference-api: {error}") from None
