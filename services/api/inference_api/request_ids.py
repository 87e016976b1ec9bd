"""The id that a request's answer, problem document and log line share."""

import os
import re

from starlette.types import Scope

_VALID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


def of(scope: Scope) -> str:
    """The client's X-Request-Id when it is a sane one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _VALID.fullmatch(value):
            return str(value, "ascii")
    return os.urandom(16).hex()
