"""Says who sends a request, by the access document in force in this process."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from inference_api.access import credentials, keys, refusals
from inference_api.access.clients import Client, Scope
from inference_api.access.document import Access


class Authenticator:
    """`access` is None until a valid document was read. `now`: seconds since 1970.

    A key is looked up by its SHA-256 in a dict. How long that takes depends on the digest only, which a caller cannot
    steer: to find a digest that shares its start with a known one he must search it, and learning a digest whole would
    not tell him its key, which is 256 random bits.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.access: Access | None = None
        self.rejected: str | None = None
        self._now = now
        self._requests: Counter[str] = Counter()

    def apply(self, access: Access) -> None:
        """Puts another document in force."""
        self.access, self.rejected = access, None
        names = {client.name for client in access.clients}
        self._requests = Counter({name: self._requests[name] for name in names})

    def authenticate(self, headers: Iterable[tuple[bytes, bytes]], scope: Scope) -> Client:
        """The client of a request with these headers, counted. Raises Problem: 401, 403, 503."""
        client = self._by_key(credentials.find(headers))
        if scope not in client.scopes:
            raise refusals.scope_missing(scope)
        self._requests[client.name] += 1
        return client

    def snapshot(self) -> dict[str, Any]:
        """What this process publishes to the others of its pod: requests of every client in the document."""
        return {"requests": dict(self._requests), "rejected": self.rejected}

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
