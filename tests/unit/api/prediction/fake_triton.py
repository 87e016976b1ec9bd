"""An in-memory Triton and its clock, for tests of what is decided about requests."""

import math
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

from inference_api.prediction.dispatch import Dispatcher
from inference_api.routing.canary_route import CanaryRoute
from inference_api.routing.containment import Containment
from inference_api.routing.document import Replica, Routes, Version
from inference_api.routing.replicas import Replicas
from inference_api.tracing.trace import Trace
from inference_api.transport.request_buffers import RequestBuffer
from inference_api.transport.triton import (
    ConnectionBroke,
    Logits,
    ReplicaUnreachable,
    VersionFailed,
    VersionTimeout,
    VersionUnproved,
)

CONNECT_SECONDS = 0.3
LOGITS = (0.0, 3.0, 0.0, 0.0)


@dataclass(frozen=True)
class Asked:
    """One attempt; `seconds` is the time it was given, `traceparent` what Triton's spans would belong to."""

    replica: str
    version: int
    seconds: float
    repeat: bool
    traceparent: bytes = b""


class FakeTriton:
    """Each (replica, version) behaves as `behave` says: `good`, or the name of what goes wrong. Moves its own clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked: list[Asked] = []
        self.closed: list[str] = []
        self._behaviours: dict[tuple[str, int], deque[str]] = defaultdict(deque)

    def behave(self, replica: str, version: int, *behaviours: str) -> None:
        """One after the other; the last one for good."""
        self._behaviours[replica, version] = deque(behaviours)

    async def infer(
        self,
        replica: Replica,
        model: str,
        version: Version,
        request: Any,
        until: float,
        *,
        repeat: bool = True,
        traceparent: bytes = b"",
    ) -> list[Logits]:
        self.asked.append(Asked(replica.name, version.number, round(until - self.now, 6), repeat, traceparent))
        behaviours = self._behaviours[replica.name, version.number] or deque(["good"])
        behaviour = behaviours.popleft() if len(behaviours) > 1 else behaviours[0]
        return self._do(behaviour, until)

    def _do(self, behaviour: str, until: float) -> list[Logits]:
        match behaviour:
            case "good":
                self.now += 0.01
                return [LOGITS]
            case "other":
                return [LOGITS[::-1]]
            case "nan":
                return [(math.nan, 0.0, 0.0, 0.0)]
            case "refuse":
                raise ReplicaUnreachable("refused")
            case "black hole":
                self.now = min(until, self.now + CONNECT_SECONDS)
                raise ReplicaUnreachable("no connection in time")
            case "unproved":
                raise VersionUnproved("its agent says no")
            case "break":
                raise ConnectionBroke("reset")
            case "fail":
                raise VersionFailed("Triton answered 500")
            case "hang":
                self.now = until
                raise VersionTimeout("no answer in its time")
        raise AssertionError(behaviour)

    def close_idle(self, replica: Replica) -> None:
        self.closed.append(replica.name)

    async def pause(self, seconds: float) -> None:
        self.now += seconds


class FakeTask:
    """An image that only some versions can read."""

    trace: Trace | None = None

    def __init__(self, problem: Exception | None = None, unreadable_by: tuple[int, ...] = ()) -> None:
        self._problem = problem
        self._unreadable_by = unreadable_by

    async def request_for(self, version: Version) -> Any:
        if self._problem is not None and version.number in self._unreadable_by:
            raise self._problem
        return RequestBuffer(1, (1, 1, 1))


class Scene:
    """Routes, their replicas and a dispatcher on a fake Triton."""

    def __init__(self, routes: Routes, deadline_seconds: float = 10, max_in_flight: int = 128) -> None:
        assert routes.canary is not None
        self.routes = routes
        self.triton = FakeTriton()
        self.replicas = Replicas()
        self.replicas.update(routes.replicas)
        self.containment = Containment(routes.stable.version.number, routes.canary.version.number, max_in_flight)
        self.deadline_seconds = deadline_seconds
        self.dispatcher = Dispatcher(
            self.triton, self.replicas, deadline_seconds, lambda: self.triton.now, self.triton.pause
        )

    async def dispatch(self, canary: bool = False, task: FakeTask | None = None) -> Any:
        route = self.canary_route() if canary else None
        deadline = self.triton.now + self.deadline_seconds
        return await self.dispatcher.dispatch(task or FakeTask(), self.routes, route, deadline)

    def canary_route(self) -> CanaryRoute:
        state = self.containment.choose(self.replicas)
        assert state is not None and self.routes.canary is not None, "the canary may not be asked"
        return CanaryRoute(self.routes.canary.version, state, self.containment)

    @property
    def asked(self) -> list[tuple[str, int]]:
        return [(asked.replica, asked.version) for asked in self.triton.asked]

    def ejected(self) -> set[str]:
        return {state.replica.name for state in self.replicas if state.ejected}

    def ejected_versions(self) -> set[tuple[str, int]]:
        return {(state.replica.name, version) for state in self.replicas if not state.ejected for version in state.out}
