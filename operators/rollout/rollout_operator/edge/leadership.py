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
    def read_lease(self, name: str) -> Json: ...

    def write_lease(self, lease: Json) -> Json: ...


class Leadership:
    """`on_change` hears of every change, with whether we lead now."""

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
        """Ends by itself, also for a process that was frozen meanwhile."""
        return self._monotonic() < self._until_seconds

    def check(self) -> None:
        """Before every write; raises NotLeader."""
        if not self.is_held():
            raise NotLeader(f"Lease {self._name} is not held; nothing is written")

    async def run(self) -> None:
        """Until cancelled; then the Lease is given back, so that the next one need not wait."""
        try:
            while True:
                await self.attempt()
                await asyncio.sleep(RETRY_SHARE * self._lease_seconds)
        finally:
            if self.is_held():
                self._until_seconds = 0.0
                await asyncio.shield(asyncio.to_thread(self._give_back))

    async def attempt(self) -> None:
        """Takes or renews it, where that is allowed. An API server that is away changes nothing but the time."""
        began = self._monotonic()
        try:
            until = began + HELD_SHARE * self._lease_seconds if await asyncio.to_thread(self._hold) else 0.0
        except Conflict:  # somebody else wrote it
            until = 0.0
        except ClusterError as error:
            log.warning("the Lease cannot be renewed", extra={"error": str(error)})
            until = self._until_seconds
        self._tell()  # of a time without it, even if it is held again now: others may have led, visits gave up
        self._until_seconds = until
        self._tell()

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

    def _give_back(self) -> None:
        try:
            lease = self._leases.read_lease(self._name)
            if (lease.get("spec") or {}).get("holderIdentity") == self._identity:
                self._leases.write_lease(self._record(lease, ""))
        except ClusterError as error:
            log.warning("the Lease could not be given back", extra={"error": str(error)})

    def _record(self, before: Json | None, holder: str) -> Json:
        return build_lease(self._name, holder, self._lease_seconds, time.time(), before)

    def _tell(self) -> None:
        if self.is_held() != self._leads:
            self._leads = not self._leads
            log.info("leads" if self._leads else "stands by", extra={"identity": self._identity})
            self._on_change(self._leads)
