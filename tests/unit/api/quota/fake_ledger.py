"""A ledger in memory, which may be away, and may lose the answer to a report that it has counted."""

from inference_api.quota.bucket import Bucket
from inference_api.quota.ledger import LedgerAway, Report, Settlement


class SharedLedger:
    """What all processes see. `now` is its own clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.buckets: dict[str, Bucket] = {}
        self.seen: dict[str, int] = {}


class FakeLedger:
    """One process' way to it. `state`: `there`, `away`, or `mute`: it counts, and its answer is lost."""

    def __init__(self, shared: SharedLedger, process: str) -> None:
        self._shared, self._process = shared, process
        self.state = "there"
        self.reports: list[Report] = []

    async def settle(self, report: Report) -> Settlement:
        if self.state == "away":
            raise LedgerAway("away")
        self.reports.append(report)
        shared = self._shared
        is_new = shared.seen.get(self._process) != report.number
        shared.seen[self._process] = report.number
        full_in_seconds = {}
        for name, (spent, per_minute) in report.spent.items():
            bucket = shared.buckets.setdefault(name, Bucket())
            if is_new and spent:
                bucket.take(spent * 60 / per_minute, shared.now)
            full_in_seconds[name] = max(0.0, bucket.full_at - shared.now)
        if self.state == "mute":
            raise LedgerAway("mute")
        return Settlement(len(shared.seen), full_in_seconds)

    async def close(self) -> None: ...
