"""The agent's process: environment in, exit status out; in between the endpoints, the agent's loop, and Triton.

/health answers before the loop runs, because in a pod Triton starts only when the agent answers. What depends on Triton
is answered with 503 until the loop runs, so nobody takes it for a report.
"""

import asyncio
import contextlib
import gc
import logging
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from medinfer_common import core_dumps, json_logs
from uvicorn.config import Config
from uvicorn.server import Server

from replica_agent.acceptance.sets import AcceptanceSets
from replica_agent.bundles import Bundles
from replica_agent.metrics import Metrics
from replica_agent.server import build_app
from replica_agent.settings import PREFIX, InvalidSettings, Settings, read_settings
from replica_agent.snapshot import Snapshot
from replica_agent.supervise import supervise, triton_arguments
from replica_agent.verification.signature_files import SignatureFiles

if TYPE_CHECKING:
    from replica_agent.wiring import Wiring

KEEP_SECONDS = 75  # an idle connection: longer than the operator's keep-alive, so that it reuses connections
QUIET_LOGGERS = ("botocore", "aiobotocore")

log = logging.getLogger(__name__)


def main() -> int:
    """The exit status: 2 when the environment is wrong or the address is taken."""
    core_dumps.switch_off()
    try:
        settings = read_settings()
    except InvalidSettings as error:
        print(f"replica_agent: {error}", file=sys.stderr)
        return 2
    try:
        listener = listen(settings.address, settings.port)
    except OSError as error:
        where = f"{settings.address}:{settings.port}"
        print(
            f"replica_agent: cannot listen on {where}: {error.strerror}; free it, or set {PREFIX}PORT", file=sys.stderr
        )
        return 2
    json_logs.configure("INFO", dict.fromkeys(QUIET_LOGGERS, "WARNING"))
    asyncio.run(run(settings, listener))
    return 0


def listen(address: str, port: int) -> socket.socket:
    """Listens before anything starts: an agent that nobody can ask must not hold a Triton. Raises OSError.

    On `::` for both families.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, dualstack_ipv6=address == "::")


async def run(settings: Settings, listener: socket.socket) -> None:
    """Runs until SIGTERM or SIGINT. Then the agent stops asking, Triton stops in order, and no process is left."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings.repository_dir.mkdir(parents=True, exist_ok=True)  # Triton ends at once without it
    work = _Work(settings)
    start_id = secrets.token_hex(8)
    kept = work.bundles, work.signatures, work.sets
    app = build_app(settings.replica, start_id, lambda: work.snapshot, *kept, work.metrics)
    config = Config(app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_keep_alive=KEEP_SECONDS)
    loops = {"server": _Server(config, work.may_start.set).serve([listener]), "agent": work.run()}
    if settings.triton_command:
        loops["triton"] = supervise([*settings.triton_command, *triton_arguments(settings, settings.repository_dir)])
    tasks = [asyncio.create_task(loop, name=name) for name, loop in loops.items()]
    try:
        await _first_of(asyncio.create_task(stop.wait(), name="signal"), *tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _first_of(*tasks: asyncio.Task[object]) -> None:
    """Returns after a signal; raises what ended a loop, none of which ends by itself."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        log.info("stopping", extra={"cause": task.get_name()})
        task.result()


class _Work:
    """The agent's loop. `may_start` is set when the endpoints answer: imports would take the processor from them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._read: Callable[[], Snapshot | None] | None = None
        self.may_start = asyncio.Event()
        self.bundles, self.metrics = Bundles(settings.data_dir / "bundles", settings.operator_domains), Metrics()
        self.signatures = SignatureFiles(settings.data_dir / "signatures")
        self.signatures.discard_others(lambda digest: self.bundles.path(digest) is not None)
        self.sets = AcceptanceSets(settings.data_dir / "acceptance")
        self.metrics.read_states(
            lambda: self.snapshot.versions if self.snapshot else (),
            lambda: self.snapshot.triton_restarts if self.snapshot else 0,
        )

    @property
    def snapshot(self) -> Snapshot | None:
        """The current one; None until the loop has asked Triton."""
        return self._read() if self._read else None

    async def run(self) -> None:
        """Runs until cancelled; raises what ended the loop."""
        await self.may_start.wait()
        wiring = await asyncio.to_thread(self._import)
        triton, agent = wiring.connect()
        self._read = lambda: agent.snapshot if agent.knows else None
        watches = triton.watch(agent.wake), triton.watch_vitals(agent.wake)
        tasks = [asyncio.create_task(one) for one in (*watches, agent.run())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await triton.close()
            await wiring.close()

    def _import(self) -> "Wiring":
        gc.disable()  # as in __main__: imports leave next to no garbage
        try:
            from replica_agent.wiring import Wiring
        finally:
            gc.enable()
        return Wiring(self._settings, self.bundles, self.signatures, self.sets, self.metrics)


class _Server(Server):
    """Leaves the signals to `run`, and calls `started` once it answers."""

    def __init__(self, config: Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
