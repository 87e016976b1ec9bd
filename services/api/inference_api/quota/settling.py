"""Settles with the ledger in the background: no request waits for it."""

import logging
from collections.abc import Callable

from inference_api.quota.budget import Budget
from inference_api.quota.ledger import LIVE_SECONDS, Ledger, LedgerAway, Report
from inference_api.quota.limiter import Limiter

SETTLE_SECONDS = 0.1
HEARTBEAT_SECONDS = LIVE_SECONDS / 5
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 2.0
log = logging.getLogger(__name__)


class Settling:
    """Call `step` every SETTLE_SECONDS. While the ledger is away it asks less often, and the limiter knows."""

    def __init__(self, limiter: Limiter, ledger: Ledger, now: Callable[[], float]) -> None:
        self._limiter, self._ledger, self._now = limiter, ledger, now
        self._report: Report | None = None  # one without an answer is sent again as it was
        self._number = 0
        self._next_at = float("-inf")
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._was_away = False

    @property
    def is_degraded(self) -> bool:
        """Whether the ledger is away."""
        return self._limiter.live is None

    async def close(self) -> None:
        """Ends the connection to the ledger."""
        await self._ledger.close()

    async def step(self) -> None:
        """Settles once, when there is something to settle."""
        now = self._now()
        if self.is_degraded and now < self._next_at:
            return
        if self._report is None:
            due = self._due(is_heartbeat=now >= self._next_at)
            if not due and now < self._next_at:
                return
            self._number += 1
            self._report = Report(self._number, {name: _spent(one) for name, one in due.items()})
            for one in due.values():
                one.spent = 0
        try:
            settlement = await self._ledger.settle(self._report)
        except LedgerAway as error:
            self._fail(error)
            return
        self._report, self._pause_seconds = None, _FIRST_PAUSE_SECONDS
        if now >= self._next_at:
            self._next_at = now + HEARTBEAT_SECONDS
        for name, full_in_seconds in settlement.full_in_seconds.items():
            if budget := self._limiter.budgets.get(name):
                budget.settle(full_in_seconds, self._now(), settlement.live)
        self._limiter.live = settlement.live
        if self._was_away:
            self._was_away = False
            log.info("the Redis of the limits answers again")

    def _due(self, *, is_heartbeat: bool) -> dict[str, Budget]:
        """Those that have something to report or to get; with a heartbeat all, as others may have spent their quota."""
        live = self._limiter.live
        budgets = self._limiter.budgets.items()
        return {name: one for name, one in budgets if one.has_rate and (is_heartbeat or one.needs_settling(live))}

    def _fail(self, error: LedgerAway) -> None:
        self._limiter.live = None
        self._next_at = self._now() + self._pause_seconds
        self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)
        if not self._was_away:
            self._was_away = True
            log.warning("the Redis of the limits is away; quotas are shared evenly: %s", error)


def _spent(budget: Budget) -> tuple[int, int]:
    return budget.spent, budget.quota.images_per_minute or 1
