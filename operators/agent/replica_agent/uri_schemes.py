"""The addresses that a bundle may have: the agent's one table. A new scheme is a line here and a case in `store`."""

import re
from enum import StrEnum


class Access(StrEnum):
    """How `store` opens an address."""

    FILE = "file"
    HTTP = "http"
    OCI = "oci"
    S3 = "s3"


# How an address begins -> how it is opened. `file:` takes an absolute path, the others a host or a bucket.
URI_SCHEMES = {
    "file:/": Access.FILE,
    "http://": Access.HTTP,
    "https://": Access.HTTP,
    "oci://": Access.OCI,
    "s3://": Access.S3,
}
URI_PROBLEM = "write a file:, http(s):, oci: or s3: address"
OCI_PATTERN = "^oci://[^/@]+/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$"
OCI_PROBLEM = (
    "write oci://HOST/REPOSITORY@sha256:...: a tag can come to mean other bytes; modelctl push prints the digest, and "
    "modelctl resolve finds it"
)

_ADDRESS = re.compile(f"({'|'.join(map(re.escape, URI_SCHEMES))}).")


def access(uri: str) -> Access | None:
    """How `uri` is opened; None for an address of any other kind."""
    found = _ADDRESS.match(uri)
    return URI_SCHEMES[found[1]] if found else None


def problem(uri: str) -> str | None:
    """What to write instead of `uri`; None where it can be opened."""
    opened_by = access(uri)
    if opened_by is None:
        return URI_PROBLEM
    return OCI_PROBLEM if opened_by is Access.OCI and not re.search(OCI_PATTERN, uri) else None
