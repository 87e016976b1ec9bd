"""An API pod in memory, with traffic: it obeys its contract (docs/contracts.md) and nothing more."""

import random
from dataclasses import dataclass, field

from rollout_operator.documents.api import ApiState
from rollout_operator.documents.counters import Shadow, VersionCounters
from rollout_operator.documents.routes import Routes

from tests.unit.rollout.simulated_agent import LABELS, Behaviour

BOUNDS_SECONDS = (0.01, 0.02, 0.04, 0.08)


@dataclass
class Api:
    """One API pod. `stale`: an answer from the past that it gives once more."""

    name: str
    start: int = 0
    up: bool = True
    terminating: bool = False
    not_ready_since: float | None = None
    routes: Routes | None = None
    in_flight: dict[str, int] = field(default_factory=dict)
    counts: dict[str, list[int]] = field(default_factory=dict)
    shadow: list[int] = field(default_factory=lambda: [0, 0, 0])
    stale: ApiState | None = None
    suspended: str | None = None
    sees_others: bool = False

    def follow(self, routes: Routes | None) -> None:
        self.sees_others = routes is None or (self.routes is not None and routes.revision < self.routes.revision)
        if routes is None or (self.routes and routes.revision <= self.routes.revision):
            return
        if self.routes is None or self.routes.step != routes.step:
            self.counts, self.shadow = {}, [0, 0, 0]
        if self.routes is None or not _is_same_traffic(self.routes, routes):
            self.suspended = None
        self.routes = routes

    def suspend(self) -> None:
        """As when a connection broke while the canary answered."""
        if self.routes and self.routes.canary:
            self.suspended = "a connection broke while the canary answered"

    def serve(self, behaviours: dict[str, Behaviour], dice: random.Random, requests: int) -> None:
        """Some requests end, and some begin that are still in flight when it is asked."""
        self.in_flight = {version: 1 for version in self.in_flight if dice.random() < 0.6}
        if self.routes is None:
            return
        for share in (self.routes.stable, self.routes.canary):
            if share and share.weight:
                number = max(1, requests * share.weight // 100)
                self._count(share.version, number, behaviours[self.routes.versions[str(share.version)].digest], dice)
        if self.routes.shadow and self.routes.canary:
            self._copy(requests * self.routes.shadow.percent // 100, self._behaviour(self.routes, behaviours))
            if dice.random() < 0.3:
                self.in_flight[str(self.routes.canary.version)] = 1

    def state(self) -> ApiState:
        counters = {
            version: VersionCounters(requests, errors, (0, fast, 0, slow, 0))
            for version, (requests, errors, fast, slow) in self.counts.items()
        }
        samples, agreed, failed = self.shadow
        matrix = _matrix(agreed, samples - agreed) if samples else ()
        id, revision, step = (
            (self.routes.id, self.routes.revision, self.routes.step) if self.routes else (None, 0, None)
        )
        return ApiState(
            f"{self.name}-{self.start}",
            id,
            revision,
            step,
            dict(self.in_flight),
            counters,
            Shadow(samples, agreed, failed, matrix),
            BOUNDS_SECONDS,
            self.suspended,
            {"id": None, "reason": "other routes"} if self.sees_others else None,
        )

    def restart(self) -> None:
        self.start += 1
        self.routes, self.counts, self.in_flight, self.shadow = None, {}, {}, [0, 0, 0]
        self.suspended = None

    def _behaviour(self, routes: Routes, behaviours: dict[str, Behaviour]) -> Behaviour:
        assert routes.canary
        return behaviours[routes.versions[str(routes.canary.version)].digest]

    def _count(self, version: int, number: int, behaviour: Behaviour, dice: random.Random) -> None:
        row = self.counts.setdefault(str(version), [0, 0, 0, 0])
        errors = round(number * behaviour.error_share)
        row[0], row[1] = row[0] + number, row[1] + errors
        row[3 if behaviour.slow else 2] += number - errors
        if dice.random() < 0.3:
            self.in_flight[str(version)] = 1

    def _copy(self, number: int, behaviour: Behaviour) -> None:
        failed = round(number * behaviour.error_share)
        self.shadow[2] += failed
        self.shadow[0] += number - failed
        self.shadow[1] += round((number - failed) * (1 - behaviour.wrong_share))


def _is_same_traffic(one: Routes, other: Routes) -> bool:
    return (one.step, one.stable, one.canary, one.shadow) == (other.step, other.stable, other.canary, other.shadow)


def _matrix(agreed: int, mistaken: int) -> tuple[tuple[int, ...], ...]:
    """Some classes are seen more than others; who is mistaken takes two neighbours for each other."""
    same, other = _spread(agreed), _spread(mistaken)
    rows = [[0] * len(LABELS) for _ in LABELS]
    for index in range(len(LABELS)):
        rows[index][index] = same[index]
        rows[index][index ^ 1] = other[index]
    return tuple(tuple(row) for row in rows)


def _spread(number: int) -> list[int]:
    """Over the classes."""
    ends = [number * share // 10 for share in (4, 7, 9, 10)]
    return [end - before for before, end in zip((0, *ends), ends, strict=False)]
