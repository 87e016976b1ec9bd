"""The signing keys of one issuer: read in the background, and kept while the issuer cannot be asked.

joserfc is imported when the first keys are read: it takes half a second, and only OIDC needs it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from inference_api.access import refusals
from inference_api.access.fetching import FetchFailed
from inference_api.access.issuers import Issuer
from inference_api.access.kept_keys import KeptKeys

REFRESH_SECONDS = 300.0
RETRY_SECONDS = 10.0
# A token with an unknown `kid` makes the API ask the issuer again, at most this often.
COOL_DOWN_SECONDS = 10.0
# The longest that keys stay in use without an answer of the issuer, which may have taken one back.
MAX_AGE_SECONDS = 24 * 3600.0
MAX_KEYS = 64
MIN_RSA_DIGITS = 342  # of the modulus in base64url: 2048 bits, RFC 7518 section 3.3
_KEY_TYPES = ("RSA", "EC", "OKP")

log = logging.getLogger(__name__)

Key = Any  # joserfc's, which is not imported here


class SigningKeys:
    """`fetch` gives the issuer's key set as JSON, or raises FetchFailed. `now`: monotonic seconds.

    `on_change` is called when other keys are in force.
    """

    def __init__(
        self,
        issuer: Issuer,
        fetch: Callable[[Issuer], Awaitable[object]],
        now: Callable[[], float],
        on_change: Callable[[], None] = lambda: None,
        kept: KeptKeys | None = None,
    ) -> None:
        self.issuer = issuer
        self.on_change = on_change
        self._fetch, self._now, self._kept = fetch, now, kept
        self._keys: dict[str, Key] = {}
        self._content: object = None
        self._read_at: float | None = None
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    @property
    def age_seconds(self) -> float | None:
        """Since the issuer last answered; None before it ever did."""
        return None if self._read_at is None else self._now() - self._read_at

    async def refresh(self) -> None:
        """Asks the issuer when it is time to."""
        age = self.age_seconds
        since_asked = self._now() - self._asked_at
        if since_asked >= (REFRESH_SECONDS if age is not None and age <= since_asked else RETRY_SECONDS):
            await self._ask()
        if self._keys and (self.age_seconds or 0) > MAX_AGE_SECONDS:
            self._put_in_force({}, None)
            log.error("the signing keys are too old to be used", extra={"issuer": self.issuer.issuer})

    async def find(self, kid: str | None) -> Key:
        """The key of this `kid`, or the only one. Raises Problem: 401 without one, 503 before the first answer."""
        key = self._find(kid)
        may_ask = self._asking is not None or self._now() - self._asked_at >= COOL_DOWN_SECONDS
        if key is None and may_ask:
            await self._ask()
            key = self._find(kid)
        if key is not None:
            return key
        raise refusals.unknown_signing_key() if self._keys else refusals.issuer_unknown()

    def _find(self, kid: str | None) -> Key | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    async def _ask(self) -> None:
        """Asks the issuer, or waits for who asks already."""
        if self._asking is None:
            self._asked_at = self._now()
            self._asking = asyncio.create_task(self._read())
            self._asking.add_done_callback(self._asked)
        await asyncio.shield(self._asking)

    def _asked(self, _: object) -> None:
        self._asking = None

    async def _read(self) -> None:
        try:
            content = await self._fetch(self.issuer)
            keys = (
                self._keys if content == self._content and self._keys else await asyncio.to_thread(import_keys, content)
            )
        except FetchFailed as error:
            log.warning("signing keys cannot be read: %s", error, extra={"issuer": self.issuer.issuer})
            if self._read_at is None:
                await self._use_kept()
            return
        self._read_at = self._now()
        if self._kept is not None:
            self._kept.write(self.issuer, content)
        if keys is not self._keys:
            self._put_in_force(keys, content)
            log.info("signing keys applied", extra={"issuer": self.issuer.issuer, "keys": len(keys)})

    async def _use_kept(self) -> None:
        """Takes what another worker of this pod was told, when that is not too old."""
        found = self._kept.read(self.issuer) if self._kept is not None else None
        if found is None or found.age_seconds > MAX_AGE_SECONDS:
            return
        try:
            keys = await asyncio.to_thread(import_keys, found.content)
        except FetchFailed:
            return
        self._read_at = self._now() - found.age_seconds
        self._put_in_force(keys, found.content)

    def _put_in_force(self, keys: Mapping[str, Key], content: object) -> None:
        self._keys, self._content = dict(keys), content
        self.on_change()


def import_keys(content: object) -> dict[str, Key]:
    """The public signing keys of a JSON Web Key Set by `kid`. Others are left out. Raises FetchFailed without any."""
    entries = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise FetchFailed(f"the answer is no JSON Web Key Set of at most {MAX_KEYS} keys")
    keys: dict[str, Key] = {}
    for index, entry in enumerate(entries):
        key = _import_key(entry)
        if key is not None:
            keys[str(entry.get("kid", f"#{index}"))] = key
    if not keys:
        raise FetchFailed("the JSON Web Key Set has no key that can check signatures")
    return keys


def _import_key(entry: object) -> Key | None:
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    if not isinstance(entry, dict) or entry.get("kty") not in _KEY_TYPES or entry.get("use", "sig") != "sig":
        return None
    if entry["kty"] == "RSA" and len(str(entry.get("n", ""))) < MIN_RSA_DIGITS:
        return None
    try:
        key = import_key({name: value for name, value in entry.items() if name not in ("x5c", "key_ops")})
    except (JoseError, ValueError, TypeError, AttributeError, KeyError):
        return None
    return None if key.is_private else key
