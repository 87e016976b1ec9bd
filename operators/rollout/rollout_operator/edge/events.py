"""Reports every transition: an Event, a log line, and one webhook. A rollout waits for none of them."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Protocol

from rollout_operator.decide.decision import Decision
from rollout_operator.decide.situation import Event
from rollout_operator.documents.codec import SCHEMA_VERSION, Json
from rollout_operator.documents.spec import Spec
from rollout_operator.edge.errors import ClusterError
from rollout_operator.edge.objects import build_event
from rollout_operator.edge.observe import Observed

log = logging.getLogger(__name__)


class CreatesEvents(Protocol):
    """Raises ClusterError; may block."""

    def create_event(self, event: Json) -> None: ...


class Notifies(Protocol):
    """Returns at once. An empty `url`: the rollout names none, and the platform team's own still gets the notice."""

    def notify(self, url: str, notice: Json) -> None: ...


class EventRecorder:
    """Each Event of a decision goes to the API server, to the log, and to webhooks.

    What cannot be written is logged and lost. `identity`: the operator's pod, for `reportingInstance`.
    """

    def __init__(self, cluster: CreatesEvents, notifier: Notifies, identity: str) -> None:
        self._cluster, self._notifier, self._identity = cluster, notifier, identity
        self._tasks: set[asyncio.Task[None]] = set()

    def record(self, decision: Decision, observed: Observed) -> None:
        """Of a decision that was carried out; returns at once."""
        for event in decision.events:
            rollout = observed.objects.rollout
            log.info(event.message, extra={"rollout": rollout["metadata"]["name"], "reason": event.reason})
            self._post(build_event(rollout, event, time.time_ns(), self._identity))
            url = observed.spec.notify.url if isinstance(observed.spec, Spec) else ""
            self._notifier.notify(url, build_notice(rollout, event, decision))

    def _post(self, event: Json) -> None:
        task = asyncio.create_task(self._create(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _create(self, event: Json) -> None:
        try:
            await asyncio.to_thread(self._cluster.create_event, event)
        except ClusterError as error:
            log.warning("Event not written", extra={"reason": event["reason"], "error": str(error)})


def build_notice(rollout: Json, event: Event, decision: Decision) -> Json:
    """The body of the webhook: what happened, and where the rollout stands now."""
    status = decision.status_document
    metadata = rollout["metadata"]
    return {
        "schemaVersion": SCHEMA_VERSION,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "reason": event.reason,
        "message": event.message,
        "warning": event.warning,
        **{key: status.get(key) for key in ("phase", "stable", "canary", "previous", "step", "replicas")},
    }
