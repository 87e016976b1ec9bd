"""The routes in force in this process, and what is counted under them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from inference_api.routing import counters
from inference_api.routing.assignment import is_canary
from inference_api.routing.canary_route import CanaryRoute
from inference_api.routing.containment import Containment
from inference_api.routing.counters import Json, Result, VersionCounters
from inference_api.routing.document import Routes, Version
from inference_api.routing.exemplars import Exemplar, Exemplars
from inference_api.routing.replicas import Replicas

MAX_VERSIONS = 6  # the totals of older ones are dropped


class Traffic:
    """One process's traffic, changed by one event loop only. `max_in_flight`: images that it works on at a time.

    `rejected`: id and reason of the newest routes, while they are not the ones in force.
    """

    def __init__(self, max_in_flight: int) -> None:
        self.max_in_flight = max_in_flight
        self.replicas = Replicas()
        self.routes: Routes | None = None
        self.rejected: Json | None = None
        self.shadow = counters.empty_shadow()
        self._containment: Containment | None = None
        self._admitted = 0
        self._in_flight: Counter[int] = Counter()
        self._events: Counter[str] = Counter()
        self._versions: dict[int, VersionCounters] = {}
        self._without_evidence: dict[int, VersionCounters] = {}
        self._exemplars = Exemplars()
        self._step_base: Json = {}

    def apply(self, routes: Routes) -> None:
        """Puts new routes in force. The counters of a new step start at zero."""
        before, self.routes, self.rejected = self.routes, routes, None
        self._events["swaps"] += 1
        self.replicas.update(routes.replicas)
        if not routes.same_traffic(before):
            self._containment = _containment(routes, self.max_in_flight)
        for version in routes.versions:
            self._versions.setdefault(version.number, VersionCounters())
        self._forget_old_versions(routes)
        if before is None or before.step != routes.step:
            self._step_base = self._totals()

    def reject(self, id: str | None, reason: str) -> bool:
        """Notes why the newest routes are not put in force; True when that is new."""
        rejected: Json = {"id": id, "reason": reason}
        if rejected == self.rejected:
            return False
        self.rejected = rejected
        self._events["rejected"] += 1
        return True

    def forget_rejection(self) -> None:
        """The newest routes are the ones in force."""
        self.rejected = None

    def take_places(self, places: int, reserve: int = 0) -> bool:
        """Takes this many places in flight, and leaves the `reserve`; False: they are not free, and none is taken."""
        if self._admitted + places > self.max_in_flight - reserve:
            return False
        self._admitted += places
        return True

    def give_back_places(self, places: int) -> None:
        """What `take_places` took."""
        self._admitted -= places

    @property
    def images_in_work(self) -> int:
        """Of requests that have their places."""
        return self._admitted

    @property
    def images_in_flight(self) -> int:
        """With Triton, shadow copies among them."""
        return sum(state.images_in_flight for state in self.replicas)

    @property
    def is_half_busy(self) -> bool:
        """Whether at least half of the places in flight are taken."""
        return 2 * self._admitted >= self.max_in_flight

    def note_shed(self, full: str) -> None:
        """Counts a request that was refused because this was full."""
        self._events[f"shed:{full}"] += 1

    def note_refusal(self, kind: str) -> None:
        """Counts a request that ended with a problem of this kind."""
        self._events[f"refused:{kind}"] += 1

    def note_closed(self, reason: str) -> None:
        """Counts a client's connection that was closed without an answer, for this reason."""
        self._events[f"closed:{reason}"] += 1

    def note_audit(self, result: str, lines: int) -> None:
        """Counts lines of the audit stream: `written`, `failed` or `dropped`."""
        self._events[f"audit:{result}"] += lines

    def note_traces(self, result: str, traces: int) -> None:
        """Counts traces: `sent`, `refused` by the collector, `dropped`, or `limited`, so not sampled."""
        self._events[f"traces:{result}"] += traces

    def note_exemplar(self, version: Version, exemplar: Exemplar) -> None:
        """Remembers a sampled trace of a request that this version answered itself."""
        self._exemplars.note(version.number, exemplar)

    def assign(self, routes: Routes, key: bytes, *, evidence: bool = True) -> CanaryRoute | None:
        """Where the canary shall answer the request with this key; None: stable answers it."""
        canary = routes.canary
        if canary is None or not is_canary(routes.salt, key, canary.weight):
            return None
        return self.choose_canary(routes, evidence=evidence)

    def choose_canary(self, routes: Routes, *, evidence: bool = True) -> CanaryRoute | None:
        """Where the canary of these routes may be asked now; None: nowhere, or other routes are in force."""
        containment = self._containment
        if routes.canary is None or containment is None or not routes.same_traffic(self.routes):
            return None
        state = containment.choose(self.replicas)
        return CanaryRoute(routes.canary.version, state, containment, evidence) if state else None

    def begin(self, versions: Iterable[Version]) -> None:
        """A request may reach these versions from now on, until `end`."""
        for version in versions:
            self._in_flight[version.number] += 1

    def end(self, versions: Iterable[Version]) -> None:
        """The request of a `begin` reaches them no more."""
        for version in versions:
            self._in_flight[version.number] -= 1

    def count(
        self,
        version: Version,
        result: Result,
        latency_seconds: float = 0,
        labels: Iterable[str] = (),
        *,
        evidence: bool = True,
    ) -> None:
        """Counts a request for the version that was chosen for it; a release is judged by those with `evidence`."""
        versions = self._versions if evidence else self._without_evidence
        counted = versions.get(version.number)
        if counted is None:  # the first one, or its counters were dropped while this request was in flight
            counted = versions[version.number] = VersionCounters()
        counted.count(result, latency_seconds, labels)

    def snapshot(self) -> dict[str, Any]:
        """What this process publishes to the others of its pod, as JSON."""
        return {
            "id": self.routes and self.routes.id,
            "revision": self.routes.revision if self.routes else 0,
            "rejected": self.rejected,
            "step": self.routes and self.routes.step,
            "inFlight": {str(number): count for number, count in self._in_flight.items() if count},
            "imagesInWork": self._admitted,
            "replicas": {state.replica.name: state.images_in_flight for state in self.replicas},
            "ejected": [state.replica.name for state in self.replicas if state.ejected],
            "suspended": self._containment and self._containment.suspended,
            "totals": self._totals(),
            "stepBase": self._step_base,
            "withoutEvidence": _documents(self._without_evidence),
            "exemplars": self._exemplars.document(),
        }

    def _totals(self) -> Json:
        return {
            "versions": _documents(self._versions),
            "shadow": counters.add({}, self.shadow),
            "events": dict(self._events),
        }

    def _forget_old_versions(self, routes: Routes) -> None:
        current = {version.number for version in routes.versions}
        for versions in (self._versions, self._without_evidence):
            for number in list(versions)[:-MAX_VERSIONS]:
                if number not in current:
                    del versions[number]
        self._exemplars.keep_only(self._versions.keys() | self._without_evidence.keys())


def _documents(versions: Mapping[int, VersionCounters]) -> Json:
    return {str(number): version.document() for number, version in versions.items()}


def _containment(routes: Routes, max_in_flight: int) -> Containment | None:
    if routes.canary is None:
        return None
    return Containment(routes.stable.version.number, routes.canary.version.number, max_in_flight)
