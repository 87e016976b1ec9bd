"""What a client without the right to ask is told, with the header that RFC 6750 asks for.

No detail repeats what the client sent.
"""

from inference_api.access.clients import Scope
from inference_api.problems import Problem

_REALM = 'Bearer realm="medinfer"'


def no_credentials() -> Problem:
    """401: the request names no key."""
    detail = "Send a key: `Authorization: Bearer KEY`. Who runs this service gives you one."
    return Problem(401, "no-credentials", detail, headers={"WWW-Authenticate": _REALM})


def unreadable_header(name: str) -> Problem:
    """401: the header `name` has another form."""
    wanted = "X-API-Key: KEY" if name == "x-api-key" else "Authorization: Bearer KEY"
    return _bad(f"The header {name} cannot be read. Send `{wanted}`.")


def several_headers() -> Problem:
    """401: more than one header names a key."""
    return _bad("The request has more than one key. Send one, as `Authorization: Bearer KEY`.")


def mistyped_key() -> Problem:
    """401: no key has this form, or its checksum is wrong."""
    return _bad("This is no key of medinfer, or one with a typing error: the checksum is wrong. Copy the whole key.")


def unknown_key() -> Problem:
    """401: well formed, but not in the access document."""
    return _bad("This key is unknown or was revoked. Ask who runs this service for another one.")


def key_not_yet_valid() -> Problem:
    """401: before `notBefore`."""
    return _bad("This key is not valid yet. Use the current one until then.")


def key_expired() -> Problem:
    """401: after `expires`."""
    return _bad("This key has expired. Ask who runs this service for another one.")


def bad_token() -> Problem:
    """401: no token, or one that is not for this service; which check failed is not told."""
    return _bad("This token is not valid here: its form, signature, audience or time is wrong. Get another one.")


def token_expired() -> Problem:
    """401."""
    return _bad("This token has expired. Get another one.")


def unknown_issuer() -> Problem:
    """401: none of `issuers`."""
    return _bad("This token is of an issuer that this service does not know.")


def unknown_signing_key() -> Problem:
    """401: its `kid` is none of the issuer's, which was asked again at most ten seconds ago."""
    return _bad("The issuer of this token has no such signing key. Get another token, or retry in 10 s.")


def no_client() -> Problem:
    """403: a good token that no client's `tokens` match."""
    detail = "This token is valid, and belongs to no client of this service. Ask who runs this service to add it."
    return Problem(403, "no-client", detail, headers={"WWW-Authenticate": f'{_REALM}, error="insufficient_scope"'})


def issuer_unknown() -> Problem:
    """503: the issuer has not told its signing keys to this process yet, or too long ago."""
    detail = "The issuer of this token cannot be asked for its signing keys. Retry in 10 s."
    return Problem(503, "issuer-unreachable", detail, headers={"Retry-After": "10"})


def scope_missing(scope: Scope) -> Problem:
    """403: the client may not do this."""
    detail = f"This client lacks the scope {scope}. Ask who runs this service to grant it."
    challenge = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
    return Problem(403, "scope-missing", detail, headers={"WWW-Authenticate": challenge})


def access_unknown() -> Problem:
    """503: this process has read no valid access document yet, so that it can tell nobody from a stranger."""
    detail = "The service does not know its clients yet. Retry in 1 s; if this persists, contact the platform team."
    return Problem(503, "access-unknown", detail, headers={"Retry-After": "1"})


def _bad(detail: str) -> Problem:
    headers = {"WWW-Authenticate": f'{_REALM}, error="invalid_token"'}
    return Problem(401, "bad-credentials", detail, headers=headers)
