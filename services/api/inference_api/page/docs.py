"""The page at `/docs`: Swagger UI shows the OpenAPI document and sends requests. Its files come from a package."""

import asyncio
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

# Swagger UI's style sheet holds its pictures as data: URLs. It sets styles by script, which needs no 'unsafe-inline'.
_POLICY = (
    "default-src 'none'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; style-src 'self'; script-src 'self'"
)
_SWAGGER_UI = "fastapi_swagger.resources"
_FILES = {
    "swagger-ui.css": (_SWAGGER_UI, "swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": (_SWAGGER_UI, "swagger-ui-bundle.js", "text/javascript"),
    "start.js": (__package__, "docs.js", "text/javascript"),
}


async def _page(_: Request) -> HTMLResponse:
    html = files(__package__).joinpath("docs.html").read_text("utf-8")
    return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"})


async def _file(request: Request) -> Response:
    package, path, media_type = _FILES[request.url.path.rpartition("/")[2]]
    # In a thread: the package imports what the API does not need, and the script has 1.7 MB.
    content = await asyncio.to_thread(lambda: files(package).joinpath(path).read_bytes())
    return Response(content, media_type=media_type)


ROUTES = [Route("/docs", _page), *(Route(f"/docs/{name}", _file) for name in _FILES)]
