"""The application of the inner port: what the operator, the kubelet and Prometheus ask.

`/routes`, `/metrics` and `/scaling` count diagnoses, and `/ready` asks every replica, so none of them is for clients.
"""

import asyncio
from importlib import import_module

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from inference_api import http_problems, problems, request_ids
from inference_api.service import Service


async def health(_: Request) -> JSONResponse:
    """For both ports."""
    return JSONResponse({"status": "healthy"})


def make(service: Service) -> Starlette:
    """Nothing runs in it before the service has started."""

    async def ready(request: Request) -> Response:
        if reason := await service.not_ready():
            return problems.response(problems.not_ready(reason), request_ids.of(request.scope))
        return JSONResponse({"status": "ready"})

    async def routes(_: Request) -> JSONResponse:
        return JSONResponse(service.report())

    async def scaling(request: Request) -> Response:
        report = service.scaling()
        if report is None:  # zeros would make an autoscaler remove replicas
            return problems.response(problems.not_ready("there are no routes yet"), request_ids.of(request.scope))
        return JSONResponse(report)

    async def metrics(request: Request) -> Response:
        # In a thread and at the first scrape: importing prometheus_client takes a tenth of a second.
        await asyncio.to_thread(import_module, "inference_api.process.metrics")
        from inference_api.process.metrics import Metrics

        text, media_type = Metrics(service.read_snapshots).text(request.headers.get("accept", ""))
        return Response(text, media_type=media_type)

    app = Starlette(
        routes=[
            Route("/health", health),
            Route("/ready", ready),
            Route("/routes", routes),
            Route("/metrics", metrics),
            Route("/scaling", scaling),
        ],
        exception_handlers={HTTPException: http_problems.answer},
    )
    app.router.redirect_slashes = False
    return app
