"""CPU time per request: it depends little on what else the machine does, so releases are compared by it."""

import json
from dataclasses import dataclass
from statistics import median

from ci.bench import kinds, stages
from ci.bench.results import Check, Plot, Section, Table
from ci.bench.servers import OURS, REFERENCE, Reference, cpu_seconds, ours, replica, serving
from ci.bench.stand import Stand
from ci.stack.documents import build_routes

USERS = 10
RUNS = 3
SECONDS = 8
AT_MOST = 0.6


@dataclass(frozen=True)
class Spent:
    """CPU milliseconds per request in the API's processes and in Triton's."""

    api_ms: float
    triton_ms: float
    failed: int


def measure(stand: Stand) -> Section:
    runs, split = run_all(stand)
    by_kind, none_failed = kinds.measure(stand)
    api = {name: median(run.api_ms for run in some) for name, some in runs.items()}
    triton = {name: median(run.triton_ms for run in some) for name, some in runs.items()}
    rest = max(0.0, api[OURS] - sum(split.values()))
    return Section(
        title="CPU per request",
        text=f"User and system time of one gunicorn worker and its master over a k6 run with {USERS} users, divided by "
        f"the requests; median of {stand.count(RUNS)} interleaved runs. The split is measured in one process, stage by "
        "stage; the rest is HTTP: parsing the request, the multipart body, the answer, and the exchange with Triton."
        "\n\n" + kinds.describe(stand),
        tables=[
            Table(
                ("CPU ms per request", "API process", "Triton"),
                [(n, f"{api[n]:.2f}", f"{triton[n]:.2f}") for n in runs],
            ),
            Table(
                ("stage", "CPU ms"),
                [(stage, f"{spent:.3f}") for stage, spent in (split | {"HTTP (the rest)": rest}).items()],
            ),
            by_kind,
        ],
        checks=[
            Check("CPU per request, medinfer / reference", api[OURS] / api[REFERENCE], at_most=AT_MOST),
            Check("failed requests, CPU runs", sum(run.failed for some in runs.values() for run in some), at_most=0),
            none_failed,
        ],
        plots=[plot(split | {"HTTP (the rest)": rest}, api[REFERENCE])],
    )


def plot(split: dict[str, float], reference_ms: float) -> Plot:
    series = {stage: (spent, 0.0) for stage, spent in split.items()} | {"reference, whole": (0.0, reference_ms)}
    return Plot("cpu", "CPU per request of one API worker", "stack", (OURS, REFERENCE), "", "ms", series)


def run_all(stand: Stand) -> tuple[dict[str, list[Spent]], dict[str, float]]:
    bundle, runs = stand.tiny[0], {OURS: list[Spent](), REFERENCE: list[Spent]()}
    with replica(bundle, stand.folder) as triton:
        routes = build_routes([(triton.name, triton.url, [1])], bundle)
        servers = ours(routes, stand.folder), Reference(triton.url, stand.folder)
        for _ in range(stand.count(RUNS)):
            for server in servers:
                with serving(server, stand.image):
                    before = cpu_seconds(server.pid), cpu_seconds(triton.pid)
                    result = stand.closed(server.name, [server.url], USERS, SECONDS)
                    after = cpu_seconds(server.pid), cpu_seconds(triton.pid)
                    api_ms, triton_ms = ((b - a) * 1000 / result.requests for a, b in zip(before, after, strict=True))
                    runs[server.name].append(Spent(api_ms, triton_ms, result.failed))
        split = stages.measure(stand.image, json.dumps(routes).encode(), stand.count(stages.REQUESTS))
    return runs, split
