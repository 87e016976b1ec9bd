"""The routes in force in this process, and what happened under them."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from inference_api.routing import counters
from inference_api.routing.assignment import is_canary
from inference_api.routing.containment import Containment
from inference_api.routing.counters import Json, Result, VersionCounters
from inference_api.routing.document import Routes, Version
from inference_api.routing.replicas import Replicas, ReplicaState

MAX_VERSIONS = 6  # of which totals are kept


class Traffic:
    """Changed by one event loop only."""

    def __init__(self, max_in_flight: int) -> None:
        self.max_in_flight = max_in_flight
        self.replicas = Replicas()
        self.routes: Routes | None = None
        self.containment: Containment | None = None
        self.rejected: Json | None = None
        self.admitted = 0
        self.in_flight: Counter[int] = Counter()
        self.events: Counter[str] = Counter()
        self.shadow = counters.empty_shadow()
        self._versions: dict[int, VersionCounters] = {}
        self._step_base: Json = {}

    def apply(self, routes: Routes) -> None:
        """Puts new routes in force; a new step's counters start at zero."""
        before, self.routes, self.rejected = self.routes, routes, None
        self.replicas.follow(routes.replicas)
        if not routes.same_traffic(before):
            self.containment = _containment(routes, self.max_in_flight)
        for version in routes.versions:
            self._versions.setdefault(version.number, VersionCounters())
        self._forget_old_versions(routes)
        if before is None or before.step != routes.step:
            self._step_base = self._totals()

    def choose_canary(self, routes: Routes, key: bytes) -> ReplicaState | None:
        """The replica on which the canary shall answer the request with this key; None: stable answers it."""
        canary = routes.canary
        if canary is None or self.containment is None or not routes.same_traffic(self.routes):
            return None
        if not is_canary(routes.salt, key, canary.weight):
            return None
        return self.containment.choose(self.replicas)

    def begin(self, versions: Iterable[Version]) -> None:
        for version in versions:
            self.in_flight[version.number] += 1

    def end(self, versions: Iterable[Version]) -> None:
        for version in versions:
            self.in_flight[version.number] -= 1

    def count(self, version: Version, result: Result, latency_seconds: float = 0, labels: Iterable[str] = ()) -> None:
        """Counts a request for the version that was chosen for it."""
        counted = self._versions.get(version.number)
        if counted is None:  # forgotten while this request was under way
            counted = self._versions[version.number] = VersionCounters()
        counted.count(result, latency_seconds, labels)

    def snapshot(self) -> dict[str, Any]:
        """All that other processes may ask of this one, as JSON."""
        return {
            "id": self.routes and self.routes.id,
            "revision": self.routes.revision if self.routes else 0,
            "rejected": self.rejected,
            "step": self.routes and self.routes.step,
            "inFlight": {str(number): count for number, count in self.in_flight.items() if count},
            "ejected": [state.replica.name for state in self.replicas if state.ejected],
            "suspended": self.containment and self.containment.suspended,
            "totals": self._totals(),
            "stepBase": self._step_base,
        }

    def _totals(self) -> Json:
        versions = {str(number): version.document() for number, version in self._versions.items()}
        return {"versions": versions, "shadow": counters.add({}, self.shadow), "events": dict(self.events)}

    def _forget_old_versions(self, routes: Routes) -> None:
        current = {version.number for version in routes.versions}
        for number in list(self._versions)[:-MAX_VERSIONS]:
            if number not in current:
                del self._versions[number]


def _containment(routes: Routes, max_in_flight: int) -> Containment | None:
    if routes.canary is None:
        return None
    return Containment(routes.stable.version.number, routes.canary.version.number, max_in_flight)
