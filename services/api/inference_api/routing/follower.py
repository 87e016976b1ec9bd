"""Puts new routes in force while the API runs.

An absent, empty or invalid document is never an instruction: the last valid routes stay in force, and `rejected` says
why the newest were refused. Routes with another stable version are put in force once some replica answers for it.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from inference_api.routing import document as documents
from inference_api.routing.counters import Json
from inference_api.routing.document import InvalidRoutes, Routes
from inference_api.routing.plausible import refuse
from inference_api.routing.routes_source import RoutesSource
from inference_api.routing.traffic import Traffic

POLL_SECONDS = 0.2

log = logging.getLogger(__name__)

Answers = Callable[[Routes], Awaitable[bool]]


class Follower:
    """Polls one source of routes. `answers(routes)`: whether a replica answers for their stable version.

    `replica_hosts`: where the own replicas are, as the settings say it; empty for anywhere.
    """

    def __init__(
        self, traffic: Traffic, source: RoutesSource, answers: Answers, replica_hosts: Sequence[str] = ()
    ) -> None:
        self._replica_hosts = replica_hosts
        self._traffic = traffic
        self._source = source
        self._answers = answers
        self._content: bytes | str | None = None
        self._wanted: Routes | None = None

    async def poll(self) -> bool:
        """Reads the source once; True when new routes came into force."""
        content = self._source.read()
        if content != self._content:
            self._content = content
            self._wanted = self._parse(content)
        wanted, current = self._wanted, self._traffic.routes
        if wanted is None:
            return False
        if current is not None and wanted.id == current.id:
            self._traffic.forget_rejection()
            return False
        if reason := refuse(wanted, time.time(), self._replica_hosts):
            self._reject(wanted.id, reason)
            return False
        if current is not None and 0 < wanted.revision < current.revision:
            reason = (
                f"revision: is {wanted.revision}, and {current.revision} is obeyed already; older routes are ignored"
            )
            self._reject(wanted.id, reason)
            return False
        if not await self._may_swap(wanted, current):
            number = wanted.stable.version.number
            self._reject(wanted.id, f"no replica answers for stable version {number}; trying again")
            return False
        self._traffic.apply(wanted)
        assert isinstance(content, bytes)
        self._source.keep(content)
        log.info("routes applied", extra=_summary(wanted))
        return True

    async def _may_swap(self, wanted: Routes, current: Routes | None) -> bool:
        """Only another stable version waits for a replica. Taking weight from a canary never waits."""
        if current is None or (wanted.model, wanted.stable.version) == (current.model, current.stable.version):
            return True
        return await self._answers(wanted)

    def _parse(self, content: bytes | str) -> Routes | None:
        if isinstance(content, str):
            self._reject(None, content)
            return None
        try:
            return documents.parse(content)
        except InvalidRoutes as error:
            self._reject(error.id, str(error))
            return None

    def _reject(self, id: str | None, reason: str) -> None:
        if self._traffic.reject(id, reason):
            log.warning("routes rejected: %s", reason, extra={"routes_id": id})


def _summary(routes: Routes) -> Json:
    return {
        "routes_id": routes.id,
        "step": routes.step,
        "stable": routes.stable.version.number,
        "canary": routes.canary and routes.canary.version.number,
        "canary_weight": routes.canary_weight,
        "replicas": len(routes.replicas),
    }
