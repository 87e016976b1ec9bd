"""The secret with which a request comes: `Authorization: Bearer SECRET`, or `X-API-Key: SECRET`. Pure."""

import re
from collections.abc import Iterable

from inference_api.access import refusals

# RFC 6750, section 2.1: b64token. Keys and JSON Web Tokens are both of this form.
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]{1,8192}=*)")
_API_KEY = re.compile(rb"[A-Za-z0-9._~+/-]{1,8192}=*")


def find(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The secret in the headers of an ASGI scope. Raises Problem (401) when there is none, or more than one."""
    secret: bytes | None = None
    for name, value in headers:
        if name == b"authorization":
            match = _BEARER.fullmatch(value)
            found = match and match[1]
        elif name == b"x-api-key":
            found = value if _API_KEY.fullmatch(value) else None
        else:
            continue
        if not found:
            raise refusals.unreadable_header(name.decode())
        if secret is not None:
            raise refusals.several_headers()
        secret = found
    if secret is None:
        raise refusals.no_credentials()
    return secret
