"""The page at `/`: a person drops an image and sees its diagnosis, and the state of a running rollout."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi.responses import HTMLResponse

from inference_api.imaging import formats


async def page() -> HTMLResponse:
    """The page, with a policy that lets the browser load nothing from elsewhere."""
    html, policy = _assemble()
    return HTMLResponse(html, headers={"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"})


@cache
def _assemble() -> tuple[str, str]:
    """The one self-contained document, and the policy that allows only its own style and script."""
    folder = files(__package__)
    html, style, script = (folder.joinpath(f"page.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    policy = (
        "default-src 'none'; img-src blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    )
    parts = {
        "style": style,
        "script": script,
        "formats": formats.listed("or"),
        "accept": ",".join(accepted for one in formats.FORMATS for accepted in one.accept),
    }
    for name, part in parts.items():
        html = html.replace(f"/*{name}*/", part)
    return html, policy


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
