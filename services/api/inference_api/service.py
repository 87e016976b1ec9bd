"""The parts of one worker, which run between `Service.start` and `Service.stop`. build.py wires them."""

import asyncio
import gc
import logging
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from medinfer_common.config_map_watch import ConfigMapWatch
from starlette.types import ASGIApp

from inference_api.access import access_file
from inference_api.access.access_file import AccessFile
from inference_api.access.authentication import Authentication
from inference_api.access.authenticator import Authenticator
from inference_api.audit.audit import Audit
from inference_api.prediction import self_test, warmup
from inference_api.prediction.admission import Admission
from inference_api.prediction.dispatch import Dispatcher
from inference_api.prediction.memory_budget import MemoryBudget
from inference_api.prediction.predict import Predict
from inference_api.prediction.recovery import recover
from inference_api.prediction.shadow import CONSUMERS, Shadow
from inference_api.prediction.uploads import Decoder
from inference_api.process import file_descriptors, reports
from inference_api.process.allowed_hosts import AllowedHosts
from inference_api.process.background import every
from inference_api.process.connection_limits import ConnectionLimits, Guard
from inference_api.process.image_load import ImageLoad
from inference_api.process.loop_lateness import LoopLateness, cpu_wait_seconds
from inference_api.process.measurements import Measurements
from inference_api.process.open_connections import OpenConnections
from inference_api.process.sampled_log import SampledLog
from inference_api.process.scaling import scaling_report
from inference_api.process.slot import Slot
from inference_api.process.trusted_proxies import TrustedProxies
from inference_api.quota.settling import SETTLE_SECONDS, Settling
from inference_api.routing.counters import Json
from inference_api.routing.follower import POLL_SECONDS, Follower
from inference_api.routing.traffic import Traffic
from inference_api.settings import Settings
from inference_api.tracing.tracer import Tracer
from inference_api.transport.agents import Agents
from inference_api.transport.triton import Triton

PUBLISH_SECONDS = 0.1
RECOVER_SECONDS = 0.5
DICOM_AFTER_SECONDS = 3.0  # the first requests of a new pod do not share the processor with the import

log = logging.getLogger(__name__)


@dataclass
class Service:
    """The parts of one worker; `start` and `stop` are the application's lifespan.

    `endpoints` maps a path to what answers a POST there. `slot` is None before the start. `audit` is None where
    no stream is kept, `tracer` where nothing is traced, `authenticator` and `access_file` where everybody may ask.
    """

    settings: Settings
    traffic: Traffic
    audit: Audit | None
    tracer: Tracer | None
    agents: Agents
    triton: Triton
    memory: MemoryBudget
    admission: Admission
    decoder: Decoder
    dispatcher: Dispatcher
    shadow: Shadow
    follower: Follower
    watch: ConfigMapWatch | None
    endpoints: dict[str, Predict]
    authentication: Authentication
    authenticator: Authenticator | None
    access_file: AccessFile | None
    settling: Settling | None
    measurements: Measurements
    connections: OpenConnections = field(default_factory=OpenConnections)
    lateness: LoopLateness = field(default_factory=lambda: LoopLateness(cpu_wait_seconds))
    image_load: ImageLoad = field(default_factory=lambda: ImageLoad(time.monotonic))
    slot: Slot | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _is_warm: bool = False
    _own_folder: Path | None = None
    _dicom_timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Takes a slot, warms the decoders, reads the routes once and starts the background work."""
        self.slot = Slot.take(self.settings.runtime_dir or self._make_folder())
        if self.audit is not None:
            self.audit.start()
        if self.tracer is not None:
            self.tracer.start()
        warmup.warm()
        await self._follow()
        if self.access_file is None:
            log.warning("authentication is off: everybody may ask; set MEDINFER_API_ACCESS_FILE to ask for keys")
        else:
            await self.access_file.poll()
            self._follow_quotas()
        if self.settling is not None:
            await self.settling.step()
        if self.watch:
            self.watch.start()
        loops = (
            every(POLL_SECONDS, self._follow),
            every(PUBLISH_SECONDS, self._publish),
            every(0, self.lateness.measure),
            every(RECOVER_SECONDS, lambda: recover(self.traffic.replicas, self.agents)),
            *(every(0, self.shadow.run) for _ in range(CONSUMERS)),
        )
        self._tasks = [asyncio.create_task(loop) for loop in loops]
        if self.access_file is not None and self.authenticator is not None:
            access = (self.access_file.poll, self.authenticator.refresh)
            self._tasks += [asyncio.create_task(every(access_file.POLL_SECONDS, step)) for step in access]
        if self.settling is not None:
            self._tasks.append(asyncio.create_task(every(SETTLE_SECONDS, self.settling.step)))
        gc.collect()
        gc.freeze()  # all that exists now stays, so that no collection in the middle of a request visits it

    async def stop(self) -> None:
        """Ends the background work and keeps on the scoreboard what this worker counted."""
        if self._dicom_timer is not None:
            self._dicom_timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.settling is not None:
            await self.settling.close()
        if self.watch:
            self.watch.stop()
        self.decoder.close()
        self.triton.keep_only(())
        if self.audit is not None:
            await self.audit.stop()
        if self.tracer is not None:
            await self.tracer.stop()
        if self.slot is not None:
            self._publish_now(self.slot)
            self.slot.give_up()
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)

    def guard(self) -> Guard:
        """The limits of this worker's connections, which count what they refuse."""
        settings = self.settings
        limits = ConnectionLimits(
            file_descriptors.max_connections(
                settings.max_connections, file_descriptors.raise_limit(), settings.max_in_flight
            ),
            settings.max_head_bytes,
            settings.first_byte_timeout_seconds,
            settings.head_timeout_seconds,
        )
        return Guard(limits, self.traffic.note_refusal, self.traffic.note_closed, SampledLog(log, time.monotonic))

    def guarded(self, app: ASGIApp) -> ASGIApp:
        """The application for requests to the allowed hosts alone, with the client's address behind trusted proxies.

        For all requests where no host is named, with the peer's address where no proxy is.
        """
        hosts, proxies = self.settings.allowed_hosts, self.settings.trusted_proxies
        allowed = AllowedHosts(app, hosts, self.traffic.note_refusal) if hosts else app
        return TrustedProxies(allowed, proxies) if proxies else allowed

    def traced(self, endpoint: ASGIApp, route: str) -> ASGIApp:
        """The endpoint, with a trace of each request where traces are sent somewhere."""
        return self.tracer.around(endpoint, route) if self.tracer else endpoint

    @property
    def draining(self) -> bool:
        """Whether the pod is about to end."""
        return self.slot is not None and self.slot.draining

    async def not_ready(self) -> str | None:
        """Why this worker should get no requests now; None when it is ready."""
        routes = self.traffic.routes
        if self.draining:
            return "this pod is about to end"
        if routes is None:
            return f"there are no routes yet: {(self.traffic.rejected or {}).get('reason')}"
        if self.authenticator is not None and self.authenticator.access is None:
            return f"there is no access document yet: {self.authenticator.rejected}"
        if not await self.triton.any_ready(routes.replicas, routes.model, routes.stable.version.number):
            return f"no replica answers for stable version {routes.stable.version.number}"
        if not self._is_warm:
            deadline = asyncio.get_running_loop().time() + self.settings.deadline_seconds
            self._is_warm = await self_test.run(self.decoder, self.dispatcher, routes, deadline)
        if not self._is_warm:
            return "no replica has answered the self-test yet"
        self._import_dicom_later()
        return None

    def report(self) -> Json:
        """The answer of GET /routes."""
        slot = self._taken_slot()
        ended, live = self.read_snapshots()
        return reports.routes_report(slot.start_id, slot.draining, self.traffic.routes, ended, live)

    def status(self) -> Json:
        """The answer of GET /status: what every client may know."""
        return reports.status_report(self.traffic.routes, self.draining)

    def scaling(self) -> Json | None:
        """The answer of GET /scaling; None before the first routes."""
        _, live = self.read_snapshots()
        return scaling_report(self.traffic.routes, live) if self.traffic.routes else None

    def read_snapshots(self) -> tuple[Json, list[Json | None]]:
        """What ended workers of this pod counted, and the snapshot of each live one; this worker's is taken now."""
        slot = self._taken_slot()
        self._publish_now(slot)
        return slot.read()

    def _import_dicom_later(self) -> None:
        if self._dicom_timer is None:
            timer = asyncio.get_running_loop().call_later(DICOM_AFTER_SECONDS, self.decoder.import_dicom)
            self._dicom_timer = timer

    async def _follow(self) -> None:
        if await self.follower.poll():
            assert self.traffic.routes is not None
            self.triton.keep_only(self.traffic.routes.replicas)
            await self._publish()

    async def _publish(self) -> None:
        self._publish_now(self._taken_slot())

    def _publish_now(self, slot: Slot) -> None:
        access = self.authenticator.snapshot() if self.authenticator else None
        self._follow_quotas()
        is_degraded = self.settling is not None and self.settling.is_degraded
        self.image_load.note(self.traffic.images_in_flight, self.traffic.images_in_work)
        snapshot = self.traffic.snapshot() | {
            "imageLoad": self.image_load.document(),
            "openConnections": len(self.connections),
            "access": access,
            "quota": {"refused": self.admission.limiter.snapshot(), "isDegraded": is_degraded},
            "readers": len(self.admission.readers),
            "measured": self.measurements.document(),
            "memory": {"usedBytes": self.memory.used_bytes, "budgetBytes": self.memory.total_bytes},
        }
        snapshot["totals"]["loopLateness"] = self.lateness.document()
        slot.publish(snapshot)

    def _follow_quotas(self) -> None:
        if self.authenticator and self.authenticator.access:
            self.admission.limiter.follow(self.authenticator.access.clients)

    def _taken_slot(self) -> Slot:
        assert self.slot is not None, "the service has not started"
        return self.slot

    def _make_folder(self) -> Path:
        self._own_folder = Path(tempfile.mkdtemp(prefix="medinfer-api-"))
        return self._own_folder
