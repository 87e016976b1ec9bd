"""The ids of a request.

Ours is made here. The answer, the problem document and the log line share it. A client may send one of its own, which
may be a name or a birthday: the answer repeats it in a header of its own, and nothing else sees it.
"""

import os
import re
from collections.abc import Iterable

from starlette.types import Scope

# An extension of the ASGI scope, so that all who answer one request find the same id.
_KEY = "medinfer.request_id"

_VALID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


def new() -> str:
    """A new id: 32 hexadecimal digits."""
    return os.urandom(16).hex()


def of(scope: Scope) -> str:
    """The id of this request, made when it is first asked for."""
    request_id: str | None = scope.get(_KEY)
    if request_id is None:
        request_id = scope[_KEY] = new()
    return request_id


def of_client(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The client's X-Request-Id, if it has at most 128 letters, digits, `.`, `_`, `:` or `-`."""
    for name, value in headers:
        if name == b"x-request-id":
            return value if _VALID.fullmatch(value) else None
    return None
