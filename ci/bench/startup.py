"""How long the API and the agent take from exec to their first answer, over whole starts.

`python -m ci.bench.startup CHECKOUT` starts the API of another checkout and this one's in turn, and compares them.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from statistics import median

import httpx

from ci.bench import report
from ci.bench.results import Section, Table
from ci.bench.servers import cpu_seconds, replica
from ci.bench.stand import Stand
from ci.stack.api import Api
from ci.stack.documents import build_plan, build_routes
from ci.stack.folders import ROOT
from ci.stack.http import client
from ci.stack.processes import Process
from ci.stack.replica import Replica
from ci.stack.say import say

STARTS = 9
REPLICA_ADDRESS = "127.0.0.23"
API_ADDRESS, AGENT_ADDRESS = "127.0.0.24", "127.0.0.25"
PAUSE_SECONDS = 0.01
HEADER = ("process", "wall s", "CPU s")

Time = Callable[[], "Start"]


@dataclass(frozen=True)
class Start:
    """From exec to the first 200: wall-clock time, and CPU time of the process and its children, in seconds."""

    wall_seconds: float
    cpu_seconds: float


def measure(stand: Stand) -> Section:
    """One API worker and one agent, started and killed several times each."""
    with warm_replica(stand) as routes:
        apis = starts(stand, {"API, one worker": lambda: time_api(routes)})
    agents = starts(stand, {"agent": lambda: time_agent(stand)})
    return Section(
        title="Start-up",
        text=f"From exec to the first 200, medians of {stand.count(STARTS)} starts: the API's /ready with a replica "
        "that is warm, and the agent's /health while there is no Triton. To compare the API with another checkout's, "
        "started in turn: `python -m ci.bench.startup CHECKOUT`.",
        tables=[Table(HEADER, [*rows(apis), *rows(agents)])],
        checks=[],
    )


def rows(measured: dict[str, list[Start]]) -> list[Sequence[str]]:
    return [
        (name, f"{median(s.wall_seconds for s in some):.2f}", f"{median(s.cpu_seconds for s in some):.2f}")
        for name, some in measured.items()
    ]


def starts(stand: Stand, kinds: dict[str, Time]) -> dict[str, list[Start]]:
    """Name -> its starts. The kinds take turns, so that what else the machine does meets all of them."""
    measured: dict[str, list[Start]] = {name: [] for name in kinds}
    for _ in range(stand.count(STARTS)):
        for name, start in kinds.items():
            measured[name].append(start())
    for name, some in measured.items():
        say(f"  {name}: " + ", ".join(f"{one.wall_seconds:.2f}" for one in some))
    return measured


@contextmanager
def warm_replica(stand: Stand) -> Iterator[Path]:
    """Gives the file of routes to it."""
    folder, bundle = stand.folder / "startup", stand.tiny[0]
    rmtree(folder, ignore_errors=True)
    with replica(bundle, folder, REPLICA_ADDRESS) as triton:
        api = Api("api", f"{API_ADDRESS}:8002", folder)
        api.follow(build_routes([(triton.name, triton.url, [1])], bundle))
        yield api.routes_file


def time_api(routes: Path, checkout: Path = ROOT, application: str = "") -> Start:
    """The API of this checkout or another one, with that one's environment."""
    api = Api("api", f"{API_ADDRESS}:8002", routes.parent)
    if checkout != ROOT:
        run_checkout(api, checkout, application)
    return time_start(api, f"{api.inner_url}/ready")


def run_checkout(api: Api, checkout: Path, application: str) -> None:
    """Before it starts: gunicorn, its settings and the API are those of another checkout."""
    settings = checkout / "services" / "api" / "gunicorn.conf.py"
    api.command = [str(checkout / ".venv/bin/python"), "-m", "gunicorn", "-c", str(settings), application]
    if not (checkout / "services/api/inference_api/inner.py").exists():
        api.inner_url = api.url  # it is from before the API had an inner port


def time_agent(stand: Stand) -> Start:
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ci.bench.startup")
    parser.add_argument("checkout", type=Path, help="another checkout of this repository, after `make setup`")
    parser.add_argument("--application", default="inference_api.main:create()", help="what gunicorn runs there")
    arguments = parser.parse_args()
    stand, other = Stand(ROOT / ".bench"), arguments.checkout.resolve()
    with warm_replica(stand) as routes:
        kinds = {
            "the other checkout": lambda: time_api(routes, other, arguments.application),
            "this one": lambda: time_api(routes),
        }
        print(report.table_to_markdown(Table(HEADER, rows(starts(stand, kinds)))))


if __name__ == "__main__":
    main()
