"""Copies of answered requests for the canary. Its answers are compared with stable's and never reach a client.

Copies wait in a bounded queue. A copy is dropped and counted when the queue is full or the process is half busy.
"""

import asyncio
import random
from dataclasses import dataclass
from typing import Protocol

from inference_api import problems
from inference_api.prediction import agreement
from inference_api.prediction.answers import Answer
from inference_api.prediction.dispatch import Dispatcher, Task
from inference_api.routing.canary_route import CanaryRoute
from inference_api.routing.document import Routes
from inference_api.routing.traffic import Traffic
from inference_api.tracing.trace import Trace
from inference_api.transport.triton import ConnectionBroke, ReplicaUnreachable, VersionFailed

QUEUE_SIZE = 16
CONSUMERS = 2


class Shadowable(Task, Protocol):
    """The images of one request, with the memory that they hold."""

    def close(self) -> None:
        """Gives that memory back."""


@dataclass(frozen=True, slots=True)
class Copy:
    """An answered request, with stable's answers."""

    upload: Shadowable
    routes: Routes
    stable: list[Answer]


class Shadow:
    """Closes the uploads that it takes. An attempt of the canary may last `attempt_seconds`."""

    def __init__(self, traffic: Traffic, dispatcher: Dispatcher, attempt_seconds: float) -> None:
        self._traffic = traffic
        self._dispatcher = dispatcher
        self._attempt_seconds = attempt_seconds
        self._queue: asyncio.Queue[Copy] = asyncio.Queue(QUEUE_SIZE)

    def take(self, upload: Shadowable, routes: Routes, stable: list[Answer]) -> bool:
        """Queues a copy by the routes' percentage of shadowed requests; True when the shadow will close the upload."""
        if not routes.shadow_percent or random.random() * 100 >= routes.shadow_percent:
            return False
        if self._queue.full() or self._traffic.is_half_busy:
            self._traffic.shadow["dropped"] += len(stable)
            return False
        self._traffic.begin(routes.versions)
        self._queue.put_nowait(Copy(upload, routes, stable))
        return True

    async def run(self) -> None:
        """Asks the canary about one copy after the other, until it is cancelled."""
        while True:
            copy = await self._queue.get()
            try:
                await self._ask(copy)
            finally:
                copy.upload.close()
                self._traffic.end(copy.routes.versions)

    async def _ask(self, copy: Copy) -> None:
        traffic, counts = self._traffic, self._traffic.shadow
        route = None if traffic.is_half_busy else traffic.choose_canary(copy.routes)
        if route is None:
            counts["dropped"] += len(copy.stable)
            return
        trace = copy.upload.trace = copy.upload.trace and copy.upload.trace.of_copy()
        is_unremarkable = False
        try:
            is_unremarkable = await self._compare(copy, route)
        finally:
            if trace is not None:
                _end(trace, is_unremarkable)

    async def _compare(self, copy: Copy, route: CanaryRoute) -> bool:
        """Counts what the canary says; False when it did not say the same as stable."""
        counts, images = self._traffic.shadow, len(copy.stable)
        until = asyncio.get_running_loop().time() + self._attempt_seconds
        try:
            canary = await self._dispatcher.ask_canary(copy.upload, copy.routes, route, until)
        except (ReplicaUnreachable, ConnectionBroke, problems.Overloaded):
            counts["dropped"] += images
            return False
        except problems.NotForThisModel:  # the canary is right not to answer, and there is nothing to compare
            return True
        except (VersionFailed, problems.Problem):
            counts["failed"] += images
            return False
        agreed_before = counts["agreed"]
        for said, copied in zip(copy.stable, canary, strict=True):
            agreement.count(counts, said, copied)
        return bool(counts["agreed"] - agreed_before == images)


def _end(trace: Trace, is_unremarkable: bool) -> None:
    """Where the canary did not say what stable did, both traces are kept."""
    if not is_unremarkable:
        trace.keep()
        if trace.linked is not None:
            trace.linked.keep()
    trace.end()
