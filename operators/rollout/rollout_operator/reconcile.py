"""One reconcile of one rollout: observe, decide, act, report."""

import asyncio
import logging
import random
from typing import Protocol

from rollout_operator.decide.decide import decide
from rollout_operator.decide.decision import Decision
from rollout_operator.decide.release_spans import has_unsent_spans
from rollout_operator.decide.step_totals import remember
from rollout_operator.documents.api import ApiState
from rollout_operator.edge.act import Actor, WritesObjects
from rollout_operator.edge.errors import ClusterError, Conflict, Missing, NotLeader, Unavailable
from rollout_operator.edge.events import EventRecorder
from rollout_operator.edge.leadership import Leadership
from rollout_operator.edge.observe import AsksPods, Observed, Observer, ReadsByName, Watched
from rollout_operator.edge.pods import PodRecord
from rollout_operator.edge.rest import Rest, Sighting, rest_of
from rollout_operator.edge.rollout_objects import ReadsObjects, Selector, read_objects
from rollout_operator.metrics import Metrics
from rollout_operator.settings import Settings

STANDBY_SECONDS = 3600.0  # leadership wakes every rollout
CONFLICT_SECONDS = 0.1
UNAVAILABLE_SECONDS = 1.0
BUG_SECONDS = 5.0

log = logging.getLogger(__name__)


class ApiServer(ReadsObjects, ReadsByName, WritesObjects, Protocol):
    """What a reconcile asks of the API server."""


class Traces(Protocol):
    """Sends the spans of releases; edge.release_traces implements it."""

    def follow(self, observed: Observed) -> Observed: ...


class Reconciler:
    """Observes, decides, acts and reports, one rollout at a time.

    What it remembers between reconciles is lost with the process. That costs the counts of vanished API pods, no more.
    """

    def __init__(
        self,
        cluster: ApiServer,
        leadership: Leadership,
        watched: Watched,
        pod_client: AsksPods,
        recorder: EventRecorder,
        metrics: Metrics,
        settings: Settings,
        traces: Traces | None = None,
    ) -> None:
        self._cluster, self._leadership, self._watched = cluster, leadership, watched
        self._recorder, self._metrics, self._traces = recorder, metrics, traces
        self._observer = Observer(cluster, watched, pod_client, settings)
        self._actor = Actor(cluster, leadership.check, settings.identity)
        self._resync_seconds = settings.resync_seconds
        self._readings: dict[str, dict[str, ApiState]] = {}
        self._rests: dict[str, Rest] = {}
        self._selectors: dict[str, tuple[Selector, ...]] = {}
        self._claimed: set[str] = set()

    def forget_all(self) -> None:
        """At a change of leadership: another operator may write from now on, or did so until now."""
        self._claimed.clear()
        self._readings.clear()
        self._rests.clear()
        self._metrics.forget_all()

    def watchers_of(self, pod: PodRecord) -> list[str]:
        """Names of the rollouts that this pod matters to."""
        return [name for name, found in self._selectors.items() if any(one and pod.matches(one) for one in found)]

    async def reconcile(self, name: str) -> float | None:
        """The seconds until the next reconcile of the rollout `name`; None when it is gone. Raises nothing.

        Without the Lease nothing is read or written. An error is logged, counted and tried again soon.
        """
        if not self._leadership.is_held():
            return STANDBY_SECONDS
        try:
            with self._metrics.time_reconcile():
                return await self._reconcile(name)
        except NotLeader:
            return STANDBY_SECONDS
        except (Conflict, Missing) as error:  # written, or deleted, since it was read
            self._metrics.errors.labels(type(error).__name__).inc()
            return CONFLICT_SECONDS
        except ClusterError as error:
            self._metrics.errors.labels(type(error).__name__).inc()
            log.warning("reconcile failed; trying again", extra={"rollout": name, "error": str(error)})
            return UNAVAILABLE_SECONDS * (1 + random.random() * (1 if isinstance(error, Unavailable) else 5))
        except Exception:
            self._metrics.errors.labels("Bug").inc()
            log.exception("reconcile failed by a bug; trying again", extra={"rollout": name})
            return BUG_SECONDS

    async def _reconcile(self, name: str) -> float | None:
        if await self._rests_on(name):
            return self._resync_seconds
        sighting = self._watched.sighting(name)  # before anything is read
        try:
            objects = await asyncio.to_thread(read_objects, self._cluster, name, self._watched.workload)
        except Missing:
            self._forget(name)
            return None
        if name not in self._claimed:
            await asyncio.to_thread(self._actor.claim, objects)
            self._claimed.add(name)
            return 0.0
        self._selectors[name] = (objects.triton_selector, objects.api_selector)
        observed = await self._observer.observe(objects, self._readings.get(name, {}))
        if self._traces:
            observed = self._traces.follow(observed)
        decision = decide(observed.spec, observed.status, observed.seen)
        self._readings[name] = remember(observed.seen)  # even if a write fails: better not counted than counted twice
        if not self._actor.is_idle(decision, observed):
            await asyncio.to_thread(self._actor.act, decision, observed)
        elif rest := self._rest(decision, observed, sighting):
            self._rests[name] = rest
        self._recorder.record(decision, observed)
        self._metrics.note(name, decision)
        return min(decision.requeue_seconds, self._resync_seconds)

    async def _rests_on(self, name: str) -> bool:
        """Nothing changed since a whole look that had nothing to do. Otherwise the next one is due."""
        rest = self._rests.pop(name, None)
        answers = await self._observer.look_again(name, rest) if rest else None
        if rest is None or answers is None:
            return False
        self._readings[name] = answers.readings()
        self._rests[name] = rest
        return True

    def _rest(self, decision: Decision, observed: Observed, sighting: Sighting | None) -> Rest | None:
        """None while spans of its releases wait for a collector: what that heard is written down."""
        if self._traces and has_unsent_spans(observed.status):
            return None
        return rest_of(observed.objects, observed.answers, decision, sighting, observed.seen)

    def _forget(self, name: str) -> None:
        log.info("ModelRollout deleted; plan and routes stay as they are", extra={"rollout": name})
        self._readings.pop(name, None)
        self._rests.pop(name, None)
        self._selectors.pop(name, None)
        self._claimed.discard(name)
        self._metrics.forget(name)
