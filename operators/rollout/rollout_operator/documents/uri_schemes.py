"""The addresses that a bundle may have: the operator's one table. Agents fetch; the operator only refuses others."""

import re

# As an address begins: `file:` with an absolute path, the others with a host or a bucket.
URI_SCHEMES = ("file:/", "http://", "https://", "oci://", "s3://")
URI_PATTERN = f"^({'|'.join(URI_SCHEMES)})."
URI_PROBLEM = "write a file:, http(s):, oci: or s3: address"

# An address in a registry names the digest of its manifest.
OCI_PATTERN = "^oci://[^/@]+/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$"
OCI_PROBLEM = (
    "write oci://HOST/REPOSITORY@sha256:...: a tag can come to mean other bytes; modelctl push prints the digest, and "
    "modelctl resolve finds it"
)


def problem(uri: str) -> str | None:
    """What to write instead of `uri`; None where agents can open it."""
    if not re.match(URI_PATTERN, uri):
        return URI_PROBLEM
    return OCI_PROBLEM if uri.startswith("oci:") and not re.search(OCI_PATTERN, uri) else None
