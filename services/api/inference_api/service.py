"""The running parts of one worker, wired together: made when it starts, ended with it."""

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from medinfer_common.config_map_watch import ConfigMapWatch

from inference_api.prediction import self_test, warmup
from inference_api.prediction.dispatch import Dispatcher
from inference_api.prediction.predict import Limits, make_predict
from inference_api.prediction.recovery import recover
from inference_api.prediction.shadow import CONSUMERS, Shadow
from inference_api.prediction.uploads import Decoder
from inference_api.process import reports
from inference_api.process.background import every
from inference_api.process.metrics import Metrics
from inference_api.process.scoreboard import Scoreboard
from inference_api.routing.counters import Json
from inference_api.routing.document import Routes
from inference_api.routing.follow import POLL_SECONDS, Follower
from inference_api.routing.routes_source import RoutesFile, RoutesSource, WatchedRoutes
from inference_api.routing.traffic import Traffic
from inference_api.settings import Settings
from inference_api.transport.agents import Agents
from inference_api.transport.proof_cache import ProofCache
from inference_api.transport.request_buffers import RequestBuffers
from inference_api.transport.resolver import Resolver
from inference_api.transport.triton import Triton

ROUTES_KEY = "routes.json"
USER_AGENT = "medinfer-api"
PUBLISH_SECONDS = 0.1
RECOVER_SECONDS = 0.5


class Service:
    """`start` and `stop` are the application's lifespan; `open_connections` is set by the worker that counts them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.traffic = Traffic(settings.max_in_flight)
        self.open_connections: Callable[[], int] = lambda: 0
        self._names = Resolver()
        self._agents = Agents(settings.agent_port, self._names)
        self.predict, self.predict_batch = self._make_endpoints()
        self._watch = _make_watch(settings)
        self._follower = Follower(self.traffic, _make_source(settings, self._watch), self._answers)
        self._tasks: list[asyncio.Task[None]] = []
        self._warm = False
        self._scoreboard: Scoreboard | None = None
        self._own_folder: Path | None = None

    def _make_endpoints(self) -> tuple[Any, Any]:
        settings = self.settings
        self._triton = Triton(self._names, ProofCache(self._agents, _loop_time))
        self._decoder = Decoder(settings.max_pixels, RequestBuffers())
        self._dispatcher = Dispatcher(self._triton, self.traffic.replicas, settings.deadline_seconds, _loop_time)
        self._shadow = Shadow(self.traffic, self._dispatcher, settings.deadline_seconds / 2)
        limits = Limits(settings.max_upload_bytes, settings.deadline_seconds, settings.log_requests)
        return make_predict(limits, self.traffic, self._decoder, self._dispatcher, self._shadow)

    async def start(self) -> None:
        self._scoreboard = Scoreboard.join(self.settings.runtime_dir or self._make_folder())
        self._publish_snapshot = self._scoreboard.claim(os.getpid())
        self.metrics = Metrics(self._read_scoreboard)
        warmup.warm()
        await self._follow()
        if self._watch:
            self._watch.start()
        loops = (
            every(POLL_SECONDS, self._follow),
            every(PUBLISH_SECONDS, self._publish),
            every(RECOVER_SECONDS, lambda: recover(self.traffic.replicas, self._agents)),
            *(every(0, self._shadow.run) for _ in range(CONSUMERS)),
        )
        self._tasks = [asyncio.create_task(loop) for loop in loops]
        gc.collect()
        gc.freeze()  # what was made until now stays: a full collection in the middle of a request need not visit it

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._watch:
            self._watch.stop()
        self._decoder.close()
        self._triton.keep_only(())
        if self._scoreboard is not None:
            self._publish_now()
            self._scoreboard.retire(os.getpid(), reports.fold)
            self._scoreboard.close()
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)

    @property
    def draining(self) -> bool:
        return self._scoreboard is not None and self._scoreboard.draining

    async def not_ready(self) -> str | None:
        """Why this worker shall get no requests now; None when it may."""
        routes = self.traffic.routes
        if self.draining:
            return "this pod is about to end"
        if routes is None:
            return f"no routes yet: {(self.traffic.rejected or {}).get('reason')}"
        if not await self._answers(routes):
            return f"no replica answers for stable version {routes.stable.version.number}"
        if not self._warm:
            deadline = _loop_time() + self.settings.deadline_seconds
            self._warm = await self_test.run(self._decoder, self._dispatcher, routes, deadline)
        return None if self._warm else "the way to the replicas is not warm yet"

    def report(self) -> Json:
        """The answer of GET /routes."""
        self._publish_now()
        assert self._scoreboard is not None
        gone, live = self._scoreboard.read()
        return reports.routes_report(self._scoreboard.start_id, self.draining, self.traffic.routes, gone, live)

    async def _answers(self, routes: Routes) -> bool:
        return await self._triton.any_ready(routes.replicas, routes.model, routes.stable.version.number)

    async def _follow(self) -> None:
        if await self._follower.look():
            assert self.traffic.routes is not None
            self._triton.keep_only(self.traffic.routes.replicas)
            self._publish_now()

    async def _publish(self) -> None:
        self._publish_now()

    def _publish_now(self) -> None:
        self._publish_snapshot(self.traffic.snapshot() | {"openConnections": self.open_connections()})

    def _read_scoreboard(self) -> tuple[Json, list[Json | None]]:
        assert self._scoreboard is not None
        self._publish_now()
        return self._scoreboard.read()

    def _make_folder(self) -> Path:
        self._own_folder = Path(tempfile.mkdtemp(prefix="medinfer-api-"))
        return self._own_folder


def _make_watch(settings: Settings) -> ConfigMapWatch | None:
    name, namespace = settings.routes_configmap, settings.namespace
    if not name:
        return None
    from medinfer_common.kube_api import read_changes  # only where it is used: it takes half a second and 8 MB

    return ConfigMapWatch(name, ROUTES_KEY, lambda: read_changes(name, namespace, USER_AGENT))


def _make_source(settings: Settings, watch: ConfigMapWatch | None) -> RoutesSource:
    kept = settings.runtime_dir and settings.runtime_dir / ROUTES_KEY
    return WatchedRoutes(watch, settings.routes_file, kept) if watch else RoutesFile(settings.routes_file)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
