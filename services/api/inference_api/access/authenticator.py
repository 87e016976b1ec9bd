"""Says who sends a request, by the access document in force in this process."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from inference_api.access import credentials, fetching, keys, refusals
from inference_api.access.clients import Client, Scope
from inference_api.access.document import Access
from inference_api.access.issuers import Issuer
from inference_api.access.kept_keys import KeptKeys
from inference_api.access.signing_keys import SigningKeys
from inference_api.access.tokens import Tokens


async def ask(issuer: Issuer, ca_file: Path | None = None) -> object:
    """See fetching.fetch."""
    return await asyncio.to_thread(fetching.fetch, issuer, ca_file)


class Authenticator:
    """`access` is None until a valid document was read, and `tokens` where it has no issuers.

    `now`: seconds since 1970; `fetch`: an issuer's signing keys, see fetching.py; `kept`: those of earlier workers.

    A key is looked up by its SHA-256 in a dict. How long that takes depends on the digest only, which a caller cannot
    steer: to find a digest that shares its start with a known one he must search it, and learning a digest whole would
    not tell him its key, which is 256 random bits.
    """

    def __init__(
        self,
        now: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
        fetch: Callable[[Issuer], Awaitable[object]] = ask,
        kept: KeptKeys | None = None,
    ) -> None:
        self.access: Access | None = None
        self.rejected: str | None = None
        self.tokens: Tokens | None = None
        self._now, self._monotonic, self._fetch, self._kept = now, monotonic, fetch, kept
        self._requests: Counter[str] = Counter()

    def apply(self, access: Access) -> None:
        """Puts another document in force."""
        if self.access is None or access.issuers != self.access.issuers or access.rules != self.access.rules:
            self.tokens = Tokens(access, self._keys_of, self._now) if access.issuers else None
        self.access, self.rejected = access, None
        names = {client.name for client in access.clients}
        self._requests = Counter({name: self._requests[name] for name in names})

    async def authenticate(self, headers: Iterable[tuple[bytes, bytes]], scope: Scope) -> Client:
        """The client of a request with these headers, counted. Raises Problem: 401, 403, 503."""
        secret = credentials.find(headers)
        if self.tokens is not None and not secret.startswith(keys.PREFIX):
            client = await self.tokens.client(secret)
        else:
            client = self._by_key(secret)
        if scope not in client.scopes:
            raise refusals.scope_missing(scope)
        self._requests[client.name] += 1
        return client

    def snapshot(self) -> dict[str, Any]:
        """What this process publishes to the others of its pod: requests of every client in the document."""
        ages = {} if self.tokens is None else {name: one.age_seconds for name, one in self.tokens.keys.items()}
        return {"requests": dict(self._requests), "rejected": self.rejected, "issuers": ages}

    async def refresh(self) -> None:
        """Asks issuers for their signing keys when it is time to."""
        if self.tokens is not None:
            await asyncio.gather(*(one.refresh() for one in self.tokens.keys.values()))

    def _keys_of(self, issuer: Issuer, on_change: Callable[[], None]) -> SigningKeys:
        """The keys that are known of an issuer stay when only clients change."""
        known = self.tokens.keys.get(issuer.issuer) if self.tokens else None
        if known is not None and known.issuer == issuer:
            known.on_change = on_change
            return known
        return SigningKeys(issuer, self._fetch, self._monotonic, on_change, self._kept)

    def _by_key(self, key: bytes) -> Client:
        if self.access is None:
            raise refusals.access_unknown()
        if not keys.is_well_formed(key):
            raise refusals.mistyped_key()
        grant = self.access.grants.get(keys.digest(key))
        if grant is None:
            raise refusals.unknown_key()
        now = self._now()
        if now < grant.not_before:
            raise refusals.key_not_yet_valid()
        if now >= grant.expires:
            raise refusals.key_expired()
        return grant.client
