"""Wires the agent: environment in, processes and routes out."""

import asyncio
import contextlib
import logging
import secrets
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn
from medinfer_common import json_logs
from medinfer_common.config_map_watch import ConfigMapWatch

from replica_agent.agent import Agent
from replica_agent.attempts import Attempts
from replica_agent.bundles import Bundles
from replica_agent.fetch import Fetcher
from replica_agent.files import empty_folder
from replica_agent.plan_source import Follower, PlanFile, PlanSource, WatchedPlan
from replica_agent.replica import Replica
from replica_agent.repository import Repository
from replica_agent.server import build_app
from replica_agent.settings import PREFIX, InvalidSettings, Settings, read_settings
from replica_agent.supervise import supervise, triton_arguments
from replica_agent.triton import Triton

PLAN_KEY = "plan.json"
USER_AGENT = "medinfer-agent"
QUIET_LOGGERS = ("botocore", "aiobotocore", "s3fs", "fsspec")
KEEP_SECONDS = 75  # an idle connection: longer than the operator does, who then need not connect for each look

log = logging.getLogger(__name__)


def main() -> int:
    """The exit status: 2 when the environment is wrong or the address is taken."""
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
    """Before anything starts: an agent that nobody can ask must not hold a Triton. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family)


async def run(settings: Settings, listener: socket.socket) -> None:
    """Until SIGTERM or SIGINT; then the agent stops asking, Triton stops in an orderly way, and nothing is left."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    triton = Triton(settings.triton_address)
    replica = build_replica(settings, triton)
    follower = Follower(plan_source(settings), settings.data_dir / "plan.json")
    agent = Agent(settings.replica, replica, follower, Attempts(settings.data_dir / "attempts.json"))
    agent.metrics.follow(lambda: agent.snapshot.versions, lambda: agent.snapshot.triton_restarts)
    app = build_app(settings.replica, secrets.token_hex(8), lambda: agent.snapshot, replica.bundles, agent.metrics)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_keep_alive=KEEP_SECONDS)
    server = _Server(config)
    loops = {"agent": agent.run(), "connection": triton.watch(agent.wake), "server": server.serve([listener])}
    if settings.triton_command:
        arguments = triton_arguments(settings, settings.data_dir / "repository")
        loops["triton"] = supervise([*settings.triton_command, *arguments])
    tasks = [asyncio.create_task(loop, name=name) for name, loop in loops.items()]
    try:
        await _first_of(asyncio.create_task(stop.wait(), name="signal"), *tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await triton.close()


def plan_source(settings: Settings) -> PlanSource:
    file = PlanFile(settings.plan_file)
    if not settings.plan_configmap:
        return file
    from medinfer_common.kube_api import read_changes  # only where it is used: it takes half a second and 8 MB

    name, namespace = settings.plan_configmap, settings.namespace
    watch = ConfigMapWatch(name, PLAN_KEY, lambda: read_changes(name, namespace, USER_AGENT))
    watch.start()
    return WatchedPlan(watch, file)


def build_replica(settings: Settings, triton: Triton) -> Replica:
    staging = settings.data_dir / "staging"
    empty_folder(staging)
    bundles = Bundles(settings.data_dir / "bundles")
    repository = Repository(settings.data_dir / "repository", staging, settings.instance_kind)
    fetcher = Fetcher(bundles, settings.data_dir, settings.replica, settings.min_free_disk_bytes)
    return Replica(settings, triton, repository, bundles, fetcher)


async def _first_of(*tasks: asyncio.Task[object]) -> None:
    """Returns when the signal came; raises what ended a loop, none of which ends by itself."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        log.info("stopping", extra={"because": task.get_name()})
        task.result()


class _Server(uvicorn.Server):
    """Leaves the signals to `run`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
