"""The addresses that a bundle may have: the agent's one table. A new scheme is a line here and a case in `store`."""

import re
from enum import StrEnum


class Access(StrEnum):
    """How `store` opens an address."""

    FILE = "file"
    HTTP = "http"
    S3 = "s3"


# How an address begins -> how it is opened. `file:` takes an absolute path, the others a host or a bucket.
URI_SCHEMES = {"file:/": Access.FILE, "http://": Access.HTTP, "https://": Access.HTTP, "s3://": Access.S3}
URI_PROBLEM = "write a file:, http(s): or s3: address"

_ADDRESS = re.compile(f"({'|'.join(map(re.escape, URI_SCHEMES))}).")


def access(uri: str) -> Access | None:
    """How `uri` is opened; None for an address of any other kind."""
    found = _ADDRESS.match(uri)
    return URI_SCHEMES[found[1]] if found else None
