"""How long the API and the agent take from exec to their first answer, over whole starts."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import rmtree
from statistics import median

import httpx

from ci.bench.results import Section, Table
from ci.bench.servers import cpu_seconds, replica
from ci.bench.stand import Stand
from ci.stack.api import Api
from ci.stack.documents import build_plan, build_routes
from ci.stack.http import client
from ci.stack.processes import Process
from ci.stack.replica import Replica
from ci.stack.say import say

STARTS = 9
REPLICA_ADDRESS = "127.0.0.23"
API_ADDRESS, AGENT_ADDRESS = "127.0.0.24", "127.0.0.25"
PAUSE_SECONDS = 0.01


@dataclass(frozen=True)
class Start:
    """From exec to the first 200: wall-clock time and CPU time of the process and its children, in seconds."""

    wall_seconds: float
    cpu_seconds: float


def measure(stand: Stand) -> Section:
    with api_stand(stand) as start_api:
        apis = starts(stand, "API", start_api)
    agents = starts(stand, "agent", lambda: start_agent(stand))
    return Section(
        title="Start-up",
        text=f"From exec to the first 200, medians of {stand.count(STARTS)} starts: the API's /ready beside a replica "
        "that is warm, and the agent's /health in a folder without a plan.",
        tables=[Table(("process", "wall s", "CPU s"), [row("API, one worker", apis), row("agent", agents)])],
        checks=[],
    )


def row(name: str, some: list[Start]) -> tuple[str, ...]:
    wall, cpu = median(one.wall_seconds for one in some), median(one.cpu_seconds for one in some)
    return name, f"{wall:.2f}", f"{cpu:.2f}"


def starts(stand: Stand, name: str, start: Callable[[], Start]) -> list[Start]:
    some = [start() for _ in range(stand.count(STARTS))]
    say(f"  {name}: " + ", ".join(f"{one.wall_seconds:.2f}" for one in some))
    return some


@contextmanager
def api_stand(stand: Stand) -> Iterator[Callable[[], Start]]:
    folder, bundle = stand.folder / "startup", stand.tiny[0]
    rmtree(folder, ignore_errors=True)
    with replica(bundle, folder, REPLICA_ADDRESS) as triton:
        routes = build_routes([(triton.name, triton.url, [1])], bundle)

        def start() -> Start:
            api = Api("api", f"{API_ADDRESS}:8002", folder)
            api.follow(routes)
            return time_start(api, f"{api.url}/ready")

        yield start


def start_agent(stand: Stand) -> Start:
    folder = stand.folder / "startup-agent"
    rmtree(folder, ignore_errors=True)
    agent = Replica("startup", AGENT_ADDRESS, folder, {"TRITON_COMMAND": ""})
    agent.follow(build_plan(stand.tiny[0]))
    return time_start(agent, f"{agent.agent_url}/health")


def time_start(process: Process, url: str) -> Start:
    """Starts it, asks `url` every 10 ms until it answers 200, and ends it."""
    began = time.monotonic()
    process.start()
    try:
        while not _answers(url):
            assert process.is_running() and time.monotonic() - began < 60, f"{process.name} did not start"
            time.sleep(PAUSE_SECONDS)
        return Start(time.monotonic() - began, cpu_seconds(process.pid))
    finally:
        process.kill()


def _answers(url: str) -> bool:
    try:
        return client.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False
