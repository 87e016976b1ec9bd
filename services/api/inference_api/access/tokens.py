"""Checks OIDC tokens. A verified one is remembered by its SHA-256 until it expires: it then costs what a key costs."""

import hashlib
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inference_api.access import refusals
from inference_api.access.clients import Client
from inference_api.access.document import Access
from inference_api.access.issuers import Issuer, TokenRule
from inference_api.access.signing_keys import Key, SigningKeys

MAX_REMEMBERED = 4096
LEEWAY_SECONDS = 30
_HEADER_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Verified:
    """Whose token it is, and until when, in seconds since 1970."""

    client: Client
    until: float


class Tokens:
    """The issuers and rules of one access document. `now`: seconds since 1970; `keys_of` makes an issuer's keys."""

    def __init__(
        self, access: Access, keys_of: Callable[[Issuer, Callable[[], None]], SigningKeys], now: Callable[[], float]
    ) -> None:
        self._now = now
        self._rules = access.rules
        self._verified: dict[bytes, Verified] = {}
        # What an issuer has taken back is not believed any longer than its other keys are known.
        self.keys = {issuer.issuer: keys_of(issuer, self._verified.clear) for issuer in access.issuers}

    async def client(self, token: bytes) -> Client:
        """Whose token it is. Raises Problem: 401, 403, 503."""
        digest = hashlib.sha256(token).digest()
        known = self._verified.get(digest)
        if known is None:
            known = await self._verify(token)
            if len(self._verified) >= MAX_REMEMBERED:
                del self._verified[next(iter(self._verified))]
            self._verified[digest] = known
        if self._now() >= known.until:
            self._verified.pop(digest, None)
            raise refusals.token_expired()
        return known.client

    async def _verify(self, token: bytes) -> Verified:
        header, claimed = _unverified(token)
        keys = self.keys.get(str(claimed.get("iss")))
        if keys is None:
            raise refusals.unknown_issuer()
        kid = header.get("kid")
        if header.get("alg") not in keys.issuer.algorithms or not (kid is None or isinstance(kid, str)):
            raise refusals.bad_token()
        claims = _check(token, await keys.find(kid), keys.issuer, int(self._now()))
        client = _client(self._rules, keys.issuer, claims)
        until = claims["exp"]
        assert isinstance(until, int | float)
        return Verified(client, until + LEEWAY_SECONDS)


def _client(rules: tuple[TokenRule, ...], issuer: Issuer, claims: Mapping[str, object]) -> Client:
    for rule in rules:
        if rule.matches(issuer.issuer, claims):
            return rule.client
    raise refusals.no_client()


def _check(token: bytes, key: Key, issuer: Issuer, now: int) -> dict[str, object]:
    """The claims of a token that this key signed, for this audience, now. Raises Problem."""
    from joserfc import jwt
    from joserfc.errors import ExpiredTokenError, JoseError
    from joserfc.jws import JWSRegistry

    registry = JWSRegistry(algorithms=list(issuer.algorithms), strict_check_header=False)
    registry.max_header_length = _HEADER_BYTES
    wanted = jwt.JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer.issuer},
        aud={"essential": True, "value": issuer.audience},
        exp={"essential": True},
    )
    try:
        claims = jwt.decode(token, key, list(issuer.algorithms), registry).claims
        wanted.validate(claims)
    except ExpiredTokenError:
        raise refusals.token_expired() from None
    except (JoseError, ValueError, TypeError, OverflowError, RecursionError):
        raise refusals.bad_token() from None
    return dict(claims)


def _unverified(token: bytes) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims as the token says, to find its key by. Raises Problem."""
    parts = token.split(b".")
    if len(parts) != 3:
        raise refusals.bad_token()
    try:
        header, claims = (json.loads(urlsafe_b64decode(part + b"=" * (-len(part) % 4))) for part in parts[:2])
    except (ValueError, RecursionError):
        raise refusals.bad_token() from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise refusals.bad_token()
    return header, claims
