"""Holds the Lease, or stands by."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from rollout_operator.documents.codec import Json
from rollout_operator.edge.errors import ClusterError, Conflict, Missing, NotLeader
from rollout_operator.edge.lease import Sighting, build_lease, may_take, sight

RETRY_SHARE = 0.2  # of the Lease's time, between two attempts
HELD_SHARE = 0.8  # of the Lease's time after a renewal: well before another may take it over

log = logging.getLogger(__name__)


class Leases(Protocol):
    """Both raise ClusterError; a write raises Conflict when another wrote since the read."""

    def read_lease(self, name: str) -> Json: ...

    def write_lease(self, lease: Json) -> Json: ...


class Leadership:
    """Holds one Lease. `on_change` is called at every change, with whether this operator leads now."""

    def __init__(
        self,
        leases: Leases,
        name: str,
        identity: str,
        lease_seconds: int,
        on_change: Callable[[bool], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._leases, self._name, self._identity, self._lease_seconds = leases, name, identity, lease_seconds
        self._on_change, self._monotonic = on_change, monotonic
        self._seen: Sighting | None = None
        self._until_seconds = 0.0
        self._leads = False

    def is_held(self) -> bool:
        """False from some time after the last renewal on, also in a process that was frozen meanwhile."""
        return self._monotonic() < self._until_seconds

    def check(self) -> None:
        """Before every write; raises NotLeader."""
        if not self.is_held():
            raise NotLeader(f"Lease {self._name} is not held; nothing is written")

    async def run(self) -> None:
        """Runs until cancelled, then releases the Lease, so that the next operator need not wait."""
        try:
            while True:
                await self.attempt()
                await asyncio.sleep(RETRY_SHARE * self._lease_seconds)
        finally:
            if self.is_held():
                self._until_seconds = 0.0
                await asyncio.shield(asyncio.to_thread(self._release))

    async def attempt(self) -> None:
        """Acquires or renews the Lease, where that is allowed. While the API server is unreachable only time passes."""
        began = self._monotonic()
        try:
            until = began + HELD_SHARE * self._lease_seconds if await asyncio.to_thread(self._hold) else 0.0
        except Conflict:  # somebody else wrote it
            until = 0.0
        except ClusterError as error:
            log.warning("Lease not renewed; trying again", extra={"error": str(error)})
            until = self._until_seconds
        self._report()  # a gap, even if it is held again now: another may have led meanwhile
        self._until_seconds = until
        self._report()

    def _hold(self) -> bool:
        """False: it is another's."""
        try:
            lease = self._leases.read_lease(self._name)
        except Missing:
            self._leases.write_lease(self._record(None, self._identity))
            return True
        self._seen = sight(lease, self._seen, self._monotonic())
        if not may_take(self._seen, self._identity, self._lease_seconds, self._monotonic()):
            return False
        self._leases.write_lease(self._record(lease, self._identity))
        return True

    def _release(self) -> None:
        try:
            lease = self._leases.read_lease(self._name)
            if (lease.get("spec") or {}).get("holderIdentity") == self._identity:
                self._leases.write_lease(self._record(lease, ""))
        except ClusterError as error:
            log.warning("Lease not released; the next operator waits until it expires", extra={"error": str(error)})

    def _record(self, before: Json | None, holder: str) -> Json:
        return build_lease(self._name, holder, self._lease_seconds, time.time(), before)

    def _report(self) -> None:
        if self.is_held() != self._leads:
            self._leads = not self._leads
            log.info(
                "Lease acquired; this operator leads" if self._leads else "Lease lost; standing by",
                extra={"identity": self._identity},
            )
            self._on_change(self._leads)
