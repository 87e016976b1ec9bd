"""Takes one request to an answer: the canary gets one attempt, and stable answers if that fails.

Times are the event loop's, in seconds. While another replica could still be asked, an attempt gets at most half of the
time that is left.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from inference_api import problems
from inference_api.prediction import answers
from inference_api.prediction.answers import Answer
from inference_api.prediction.attempt import CANARY, FALLBACK, STABLE, Attempt
from inference_api.prediction.attempts import REPLICA_POLL_SECONDS, REPLICA_WAIT_SECONDS, STABLE_ATTEMPTS
from inference_api.routing.canary_route import CanaryRoute
from inference_api.routing.counters import Result
from inference_api.routing.document import Replica, Routes, Version
from inference_api.routing.replicas import Replicas
from inference_api.tracing import trace as traces
from inference_api.tracing.trace import Trace
from inference_api.transport.request_buffers import RequestBuffer
from inference_api.transport.triton import (
    ConnectionBroke,
    InferFailure,
    Logits,
    ReplicaUnreachable,
    VersionFailed,
    VersionTimeout,
    VersionUnproved,
)

log = logging.getLogger(__name__)


class Inference(Protocol):
    """The seam to Triton, which transport/triton.py implements."""

    async def infer(
        self,
        replica: Replica,
        model: str,
        version: Version,
        request: RequestBuffer,
        until: float,
        *,
        repeat: bool = True,
        traceparent: bytes = b"",
    ) -> list[Logits]:
        """The output of each image. Raises InferFailure."""

    def close_idle(self, replica: Replica) -> None:
        """Closes the connections to this replica that are not in use."""


class Task(Protocol):
    """The images of one request. `trace`: where the attempts belong to; None: nothing is traced."""

    trace: Trace | None

    async def request_for(self, version: Version) -> RequestBuffer:
        """The images as this version's tensor. Raises Problem when the version does not read such images."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """Good answers, one for each image, with the version, the replica, and the role in which it was asked (Attempt)."""

    answers: list[Answer]
    version: Version
    replica: str
    role: str
    result: Result  # of the version that was chosen first


class Dispatcher:
    """Sends tasks to the replicas, and ejects replicas and versions by what comes back.

    `now` is the event loop's clock, `pause` sleeps for the seconds given.
    """

    def __init__(
        self,
        inference: Inference,
        replicas: Replicas,
        deadline_seconds: float,
        now: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._inference = inference
        self._replicas = replicas
        self._deadline_seconds = deadline_seconds
        self._now = now
        self._pause = pause

    async def dispatch(self, task: Task, routes: Routes, canary: CanaryRoute | None, deadline: float) -> Dispatched:
        """`canary`: where the canary is asked first, or None. Raises Problem: 502, 503, 504."""
        if canary is None:
            return await self._ask_stable(task, routes, deadline, frozenset(), Result.GOOD)
        name = canary.state.replica.name
        try:
            given = await self.ask_canary(task, routes, canary, self._half(deadline))
            return Dispatched(given, canary.version, name, CANARY, Result.GOOD)
        except (ReplicaUnreachable, ConnectionBroke):
            return await self._ask_stable(task, routes, deadline, frozenset((name,)), Result.LOST)
        except problems.Overloaded:  # of this process, which says nothing about the canary
            raise
        except (VersionFailed, problems.Problem):  # a Problem: the canary does not read this kind of image
            return await self._ask_stable(task, routes, deadline, frozenset(), Result.FALLBACK)

    async def ask_canary(self, task: Task, routes: Routes, canary: CanaryRoute, until: float) -> list[Answer]:
        """One attempt of the canary, for a client or as a shadow copy. Raises InferFailure, Problem."""
        request = await task.request_for(canary.version)
        attempt = Attempt(task.trace, CANARY, routes, canary.version, canary.state)
        with canary.containment.attempt():
            try:
                given = await self._attempt(attempt, request, until, repeat=False)
            except VersionFailed:
                if canary.evidence:
                    canary.containment.record(good=False)
                raise
            except ConnectionBroke:
                canary.containment.suspend()
                log.warning(
                    "canary suspended: a connection broke while it answered",
                    extra=attempt.log_fields,
                )
                raise
        if canary.evidence:
            canary.containment.record(good=True)
        return given

    async def _ask_stable(
        self, task: Task, routes: Routes, deadline: float, avoid: frozenset[str], result: Result
    ) -> Dispatched:
        version = routes.stable.version
        role = STABLE if result is Result.GOOD else FALLBACK
        request = await task.request_for(version)
        wait_until = self._now() + REPLICA_WAIT_SECONDS
        tried = set(avoid)
        failures: list[VersionFailed] = []
        while True:
            state = self._replicas.choose(version.number, tried) or self._replicas.choose_spare(version.number, tried)
            if state is None:
                await self._wait_for_a_replica(failures, wait_until, deadline)
                tried.clear()
                continue
            tried.add(state.replica.name)
            last = len(failures) + 1 == STABLE_ATTEMPTS or not self._replicas.has_untried(version.number, tried)
            until = deadline if last else self._half(deadline)
            try:
                given = await self._attempt(Attempt(task.trace, role, routes, version, state), request, until)
                return Dispatched(given, version, state.replica.name, role, result)
            except VersionFailed as failure:
                failures.append(failure)
                if len(failures) == STABLE_ATTEMPTS:
                    raise self._gave_up(failures) from failure
            except InferFailure:
                pass
            if self._now() >= deadline:
                raise problems.deadline_passed(self._deadline_seconds)

    async def _wait_for_a_replica(self, failures: list[VersionFailed], wait_until: float, deadline: float) -> None:
        """Returns when the holders may be tried again: an unreachable one may come back. Raises Problem.

        After a failure of the version there is no second round.
        """
        if failures:
            raise self._gave_up(failures)
        if self._now() + REPLICA_POLL_SECONDS >= min(wait_until, deadline):
            raise problems.no_replica()
        await self._pause(REPLICA_POLL_SECONDS)

    async def _attempt(
        self, attempt: Attempt, request: RequestBuffer, until: float, *, repeat: bool = True
    ) -> list[Answer]:
        """Asks this version on this replica once, and ejects the one or the other on failure. Raises InferFailure."""
        state, version = attempt.state, attempt.version
        state.in_flight += 1
        state.images_in_flight += request.batch_size
        try:
            with attempt.span() as span:
                logits = await self._inference.infer(
                    state.replica,
                    attempt.routes.model,
                    version,
                    request,
                    until,
                    repeat=repeat,
                    traceparent=span.traceparent if span else b"",
                )
                return _answers(version, logits)
        except VersionUnproved as failure:
            if self._replicas.eject_version(state, version.number):
                log.warning("version ejected: %s", failure, extra=attempt.log_fields)
            raise
        except (ReplicaUnreachable, ConnectionBroke) as failure:
            self._eject_replica(attempt, failure)
            raise
        except VersionFailed as failure:
            self._eject_version(attempt, failure)
            raise
        finally:
            state.in_flight -= 1
            state.images_in_flight -= request.batch_size

    def _eject_replica(self, attempt: Attempt, failure: InferFailure) -> None:
        state = attempt.state
        self._inference.close_idle(state.replica)
        if self._replicas.eject_replica(state, attempt.routes.stable.version.number):
            details = {"replica": state.replica.name, **traces.named(attempt.trace)}
            log.warning("replica ejected: %s", failure, extra=details)

    def _eject_version(self, attempt: Attempt, failure: VersionFailed) -> None:
        ejected = self._replicas.eject_version(attempt.state, attempt.version.number)
        log.warning("version failed: %s", failure, extra=attempt.log_fields | {"ejected": ejected})

    def _half(self, deadline: float) -> float:
        now = self._now()
        return now + (deadline - now) / 2

    def _gave_up(self, failures: list[VersionFailed]) -> problems.Problem:
        if all(isinstance(failure, VersionTimeout) for failure in failures):
            return problems.deadline_passed(self._deadline_seconds)
        return problems.model_failed(STABLE_ATTEMPTS)


def _answers(version: Version, logits: list[Logits]) -> list[Answer]:
    given = [answers.answer(version, row) for row in logits]
    good = [item for item in given if item is not None]
    if len(good) != len(given):
        raise VersionFailed(
            f"version {version.number} answered with numbers that are not finite, or are no probabilities"
        )
    return good
