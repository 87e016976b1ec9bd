"""The operator's parts, wired together: watches, a Lease, workqueue, and an HTTP face."""

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import kopf
from aiohttp import web

from rollout_operator.edge.cluster import Cluster
from rollout_operator.edge.events import EventRecorder
from rollout_operator.edge.leadership import Leadership
from rollout_operator.edge.observe import Watched
from rollout_operator.edge.pod_client import PodClient
from rollout_operator.edge.pods import PodRecord
from rollout_operator.edge.posting import Poster
from rollout_operator.edge.watching import Watches, build_registry, kopf_settings
from rollout_operator.edge.webhook import Notifier
from rollout_operator.metrics import Metrics
from rollout_operator.reconcile import Reconciler
from rollout_operator.server import build_app
from rollout_operator.settings import Settings
from rollout_operator.workqueue import Workqueue

if TYPE_CHECKING:
    from rollout_operator.edge.release_traces import ReleaseTraces

log = logging.getLogger(__name__)


class Operator:
    """The whole process but for its settings and its logs: `run` it once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metrics = Metrics()
        self._notifier = Notifier(Poster(settings.webhook_folder, settings.ca_file, settings.allow_local_addresses))
        self._pod_client = PodClient(settings.ask_timeout_seconds)
        cluster = Cluster(settings.namespace)
        lease = (settings.lease_name, settings.identity, settings.lease_seconds)
        self._leadership = Leadership(cluster, *lease, self._on_leadership)
        self._watches = Watches(self._on_rollout, self._on_pod)
        self._traces = self._make_traces()
        self._reconciler = Reconciler(
            cluster,
            self._leadership,
            self._watched(),
            self._pod_client,
            EventRecorder(cluster, self._notifier, settings.identity),
            self._metrics,
            settings,
            self._traces,
        )
        self._workqueue = Workqueue(self._reconciler.reconcile)

    async def run(self) -> None:
        """Runs until SIGTERM or SIGINT, which end Kopf's watches. Raises what ended the watches or the leadership."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._pod_client)
            await stack.enter_async_context(self._notifier)
            if self._traces:
                self._traces.start()
                stack.push_async_callback(self._traces.stop)
            watching = asyncio.create_task(self._watch(), name="watches")
            leading = asyncio.create_task(self._leadership.run(), name="leadership")
            stack.push_async_callback(_end, watching, leading)
            stack.push_async_callback(self._workqueue.stop)
            await self._serve(stack, watching)
            done, _ = await asyncio.wait((watching, leading), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                log.info("stopping: a task ended", extra={"task": task.get_name()})
                task.result()

    def _watched(self) -> Watched:
        watches = self._watches
        return Watched(watches.pods, watches.workload, watches.rivals, watches.sighting, time.time)

    def _make_traces(self) -> "ReleaseTraces | None":
        if not self._settings.tracing_endpoint:
            return None
        from rollout_operator.edge.release_traces import (
            ReleaseTraces,  # only when configured: OpenTelemetry comes with it
        )

        return ReleaseTraces(self._settings.tracing_endpoint, self._metrics.count_spans)

    async def _watch(self) -> None:
        namespaces = [self._settings.namespace]
        await kopf.operator(
            registry=build_registry(self._watches), settings=kopf_settings(), standalone=True, namespaces=namespaces
        )

    async def _serve(self, stack: AsyncExitStack, watching: asyncio.Task[None]) -> None:
        runner = web.AppRunner(build_app(self._metrics.registry, lambda: not watching.done()), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, self._settings.address, self._settings.port).start()

    def _on_leadership(self, leads: bool) -> None:
        self._metrics.leads.set(leads)
        self._reconciler.forget_all()
        self._workqueue.wake_all()

    def _on_rollout(self, name: str) -> None:
        self._workqueue.wake(name)

    def _on_pod(self, pod: PodRecord) -> None:
        for name in self._reconciler.watchers_of(pod):
            self._workqueue.wake(name)


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
