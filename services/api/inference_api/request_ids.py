"""The id that the answer, the problem document and the log line of a request share."""

import os
import re

from starlette.types import Scope

_VALID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


def of(scope: Scope) -> str:
    """The client's X-Request-Id if it has at most 128 letters, digits, `.`, `_`, `:` or `-`; else a new id."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _VALID.fullmatch(value):
            return str(value, "ascii")
    return os.urandom(16).hex()


def new() -> str:
    """An id for a request of which no header is known."""
    return os.urandom(16).hex()
