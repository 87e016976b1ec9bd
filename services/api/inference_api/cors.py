"""Which pages of other origins may ask the API: the setting `cors_origins`, by the Fetch standard's CORS protocol."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from inference_api import problems, request_ids

# What the script may read besides the body and the headers that every script may read.
EXPOSED_HEADERS = (
    *("X-Model-Version", "X-Model-Digest", "X-Request-Id", "Retry-After", "WWW-Authenticate"),
    *("RateLimit", "RateLimit-Policy"),
)


class Cors(CORSMiddleware):
    """Answers preflights, and lets scripts of these origins read the answers of `app`.

    A script may send any header: which one names the study, the routes say. Cookies take no part.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=("GET", "HEAD", "POST"),
            allow_headers=("*",),
            allow_private_network=True,
            expose_headers=EXPOSED_HEADERS,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """204 with what is allowed, or 403 as a problem."""
        response = super().preflight_response(request_headers)
        kept = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        if response.status_code == 200:
            return Response(status_code=204, headers=kept)
        refused = problems.origin_not_allowed({"Vary": response.headers["vary"]})
        return problems.response(refused, request_ids.of({"headers": request_headers.raw}))
