"""Reads the signing keys of an issuer over HTTPS, with a bound on time and bytes. Blocks: call it in a thread.

The only module that talks to issuers. urllib is imported at the first fetch: no other part of the API needs it.
"""

import json
import os
import ssl
import time
from collections.abc import Mapping
from pathlib import Path

from medinfer_common.outgoing.authorities import trust

from inference_api.access.issuers import Issuer

MAX_BYTES = 256 * 1024
SECONDS = 5.0
CLUSTER_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_CHUNK_BYTES = 16 * 1024
UNTRUSTED = (
    "its certificate is not one that the API trusts; if an authority of your own signed it, put its certificate into "
    "the ConfigMap that caConfigMapName names, or into the issuer's ca in the access document"
)


class FetchFailed(Exception):
    """The issuer's signing keys cannot be read now. The text says why."""


def fetch(
    issuer: Issuer,
    ca_file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    folder: Path = CLUSTER_FOLDER,
) -> object:
    """The issuer's JSON Web Key Set, as JSON. Raises FetchFailed.

    `ca_file`: authorities beside the system's, for an issuer that names none of its own.
    """
    if issuer.cluster:
        return _fetch_from_cluster(environment, folder)
    context = _authorities(issuer, ca_file)
    uri = issuer.jwks_uri
    if not uri:
        found = _get_json(f"{issuer.issuer.rstrip('/')}/.well-known/openid-configuration", context, {})
        fields = found if isinstance(found, dict) else {}
        if fields.get("issuer") != issuer.issuer:
            raise FetchFailed("the discovery document is of another issuer")
        uri = str(fields.get("jwks_uri"))
    return _get_json(uri, context, {})


def _authorities(issuer: Issuer, ca_file: Path | None) -> ssl.SSLContext:
    if issuer.ca:
        return ssl.create_default_context(cadata=issuer.ca)
    try:
        return trust(ca_file)
    except OSError as error:
        raise FetchFailed(
            f"{ca_file} has no certificates that can be read ({type(error).__name__}); correct the key ca.crt of the "
            "ConfigMap that caConfigMapName names"
        ) from None


def _fetch_from_cluster(environment: Mapping[str, str], folder: Path) -> object:
    """As the pod's own ServiceAccount, whose token is renewed on disk."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise FetchFailed("this process does not run in a cluster; leave cluster out of the issuer")
    host = f"[{host}]" if ":" in host else host
    try:
        context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        token = (folder / "token").read_text().strip()
    except OSError as error:
        raise FetchFailed(f"the pod's own token cannot be read: {error.strerror}") from None
    return _get_json(f"https://{host}:{port}/openid/v1/jwks", context, {"Authorization": f"Bearer {token}"})


def _get_json(uri: str, context: ssl.SSLContext, headers: Mapping[str, str]) -> object:
    from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request

    if not uri.startswith("https://"):
        raise FetchFailed("the address of the signing keys is not https")
    opener = OpenerDirector()  # without handlers for redirects, other schemes, files
    # The pod's token goes to the API server directly.
    for handler in (ProxyHandler({} if headers else None), HTTPSHandler(context=context)):
        opener.add_handler(handler)
    until = time.monotonic() + SECONDS
    try:
        with opener.open(Request(uri, headers=dict(headers)), timeout=SECONDS) as response:
            if response.status != 200:
                raise FetchFailed(f"{uri} answers {response.status}")
            return json.loads(_read(response, until))
    except FetchFailed:
        raise
    except (OSError, ValueError, RecursionError, ArithmeticError, AttributeError) as error:
        if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
            raise FetchFailed(f"{uri} cannot be read: {UNTRUSTED}") from None
        raise FetchFailed(f"{uri} cannot be read: {error}") from None


def _read(response: object, until: float) -> bytes:
    read = response.read1  # type: ignore[attr-defined]  # HTTPResponse, whose import costs
    content = b""
    while chunk := read(_CHUNK_BYTES):
        content += chunk
        if len(content) > MAX_BYTES:
            raise FetchFailed(f"the answer has more than {MAX_BYTES} bytes")
        if time.monotonic() > until:
            raise FetchFailed(f"the answer takes longer than {SECONDS:g} s")
    return content
