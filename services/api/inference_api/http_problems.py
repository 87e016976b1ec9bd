"""Starlette's own refusals (no such path, no such method) as problem documents."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from inference_api import problems, request_ids
from inference_api.problems import Problem


async def answer(request: Request, error: Exception) -> Response:
    """The exception handler of both applications for HTTPException."""
    assert isinstance(error, HTTPException)
    kind = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "refused")
    return problems.response(
        Problem(error.status_code, kind, error.detail, headers=error.headers), request_ids.of(request.scope)
    )
