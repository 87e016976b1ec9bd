"""The agent's HTTP endpoints. They only report: no route changes anything."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from replica_agent.acceptance.sets import AcceptanceSets
from replica_agent.bundles import Bundles
from replica_agent.metrics import Metrics
from replica_agent.report import refusal_to_document, to_document
from replica_agent.snapshot import Snapshot
from replica_agent.state import State
from replica_agent.verification.signature_files import SignatureFiles

SCHEMA_VERSION = 1


def build_app(
    replica: str,
    start_id: str,
    snapshot: Callable[[], Snapshot | None],
    bundles: Bundles,
    signatures: SignatureFiles,
    sets: AcceptanceSets,
    metrics: Metrics,
) -> Starlette:
    """The application. `start_id` is another after each start of the agent.

    `snapshot` returns the current one, or None until the agent's loop runs. Until then the agent knows nothing of
    Triton, and answers 503 where that matters: operator and API then treat it as an agent that does not answer.
    """

    async def state(_: Request) -> Response:
        now = snapshot()
        if now is None:
            return _answer(503)
        plan = now.followed.plan
        return JSONResponse(
            {
                "schemaVersion": SCHEMA_VERSION,
                "replica": replica,
                "startId": start_id,
                "id": plan.id if plan else None,
                "revision": plan.revision if plan else 0,
                "rejected": refusal_to_document(now.followed.rejected),
                "triton": now.triton,
                "versions": [to_document(version) for version in now.versions],
            }
        )

    async def ready(_: Request) -> Response:
        now = snapshot()
        return _answer(200 if now and now.ready else 503)

    async def version(request: Request) -> Response:
        now = snapshot()
        if now is None:
            return _answer(503)
        warm = {str(entry.version) for entry in now.versions if entry.state is State.WARM}
        return _answer(200 if request.path_params["version"] in warm else 404)

    async def health(_: Request) -> Response:
        return _answer(200)

    return Starlette(
        routes=[
            Route("/state", state),
            Route("/ready", ready),
            Route("/versions/{version}", version),
            Route("/bundles/{digest}", _files(bundles.path, "application/x-tar")),
            Route("/bundles/{digest}/signature", _files(signatures.path, "application/json")),
            Route("/acceptance/{digest}", _files(sets.path, "application/octet-stream")),
            Route("/health", health),
            Route("/metrics", _read(metrics)),
        ]
    )


def _read(metrics: Metrics) -> Callable[[Request], Awaitable[Response]]:
    async def read(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return read


def _files(find: Callable[[str], Path | None], media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """Answers with the file of the digest in the path."""

    async def file(request: Request) -> Response:
        digest = request.path_params["digest"]
        path = find(digest) if re.fullmatch(r"sha256:[0-9a-f]{64}", digest) else None
        return FileResponse(path, media_type=media_type) if path else _answer(404)

    return file


def _answer(status: int) -> Response:
    return PlainTextResponse({200: "ok", 404: "not here", 503: "not ready"}[status] + "\n", status)
