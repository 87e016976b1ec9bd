"""Requests per second of medinfer, the reference and LitServe, each at its better number of processes."""

from collections import defaultdict
from statistics import median

from ci.bench.bundles import extract_model
from ci.bench.results import Check, Plot, Section, Table
from ci.bench.servers import (
    LITSERVE,
    LITSERVE_BATCHED,
    OURS,
    REFERENCE,
    LitServe,
    Reference,
    Server,
    ours,
    replica,
    serving,
)
from ci.bench.stand import Stand
from ci.load.k6 import ClosedResult
from ci.stack.documents import Json, build_routes
from ci.stack.replica import Replica
from ci.stack.say import say

SERVERS = (OURS, REFERENCE, LITSERVE, LITSERVE_BATCHED)
PROCESSES = (1, 2)
RUNS = 3
SECONDS = 8
AT_LEAST = {10: 1.25, 50: 1.15}  # users -> medinfer / LitServe

Results = dict[tuple[str, int, int], list[ClosedResult]]  # (server, processes, users) -> runs


def measure(stand: Stand) -> Section:
    results = run_all(stand)
    rates = {key: median(run.requests_per_second for run in runs) for key, runs in results.items()}
    best = {
        (name, users): max(PROCESSES, key=lambda processes: rates[name, processes, users])
        for name in SERVERS
        for users in AT_LEAST
    }
    served = {key: rates[key[0], processes, key[1]] for key, processes in best.items()}
    ratios = {
        users: served[OURS, users] / max(served[LITSERVE, users], served[LITSERVE_BATCHED, users]) for users in AT_LEAST
    }
    failed = sum(run.failed for runs in results.values() for run in runs)
    return Section(
        title="Side by side",
        text=f"Requests/s, median of {stand.count(RUNS)} interleaved runs of {stand.seconds(SECONDS):g} s, the nearly "
        "free model. medinfer and the reference ask Triton; LitServe runs ONNX Runtime in its own process, which saves "
        "it that hop, with and without its dynamic batching. Each at its better number of processes (in bold).",
        tables=[rate_table(rates, best), ratio_table(served)],
        checks=[
            *(
                Check(f"requests/s, medinfer / the faster LitServe, {users} users", ratios[users], limit)
                for users, limit in AT_LEAST.items()
            ),
            Check("failed requests, side by side", failed, at_most=0),
        ],
        plots=[
            Plot(
                "side-by-side",
                "requests/s, each at its better number of processes",
                "bars",
                [f"{users} users" for users in AT_LEAST],
                "",
                "requests/s",
                {name: [served[name, users] for users in AT_LEAST] for name in SERVERS},
            )
        ],
    )


def run_all(stand: Stand) -> Results:
    bundle, results = stand.tiny[0], defaultdict(list)
    with replica(bundle, stand.folder) as triton:
        routes = build_routes([(triton.name, triton.url, [1])], bundle)
        for run in range(stand.count(RUNS)):
            for processes in PROCESSES:
                for server in servers(stand, triton, routes, processes):
                    say(f" run {run + 1} of {stand.count(RUNS)}, {server.name}, processes: {processes}")
                    with serving(server, stand.image):
                        for users in AT_LEAST:
                            result = stand.closed(server.name, [server.url], users, SECONDS)
                            results[server.name, processes, users].append(result)
    return results


def servers(stand: Stand, triton: Replica, routes: Json, processes: int) -> list[Server]:
    model = extract_model(stand.tiny[0], stand.folder)
    return [
        ours(routes, stand.folder, processes),
        Reference(triton.url, stand.folder, processes),
        LitServe(model, stand.folder, processes),
        LitServe(model, stand.folder, processes, max_batch_size=16),
    ]


def rate_table(rates: dict[tuple[str, int, int], float], best: dict[tuple[str, int], int]) -> Table:
    def cell(name: str, processes: int, users: int) -> str:
        text = f"{rates[name, processes, users]:.0f}"
        return f"**{text}**" if best[name, users] == processes else text

    columns = [(processes, users) for users in AT_LEAST for processes in PROCESSES]
    header = [
        "server",
        *(f"{users} users, {processes} process{'es' * (processes > 1)}" for processes, users in columns),
    ]
    return Table(header, [[name, *(cell(name, *column) for column in columns)] for name in SERVERS])


def ratio_table(served: dict[tuple[str, int], float]) -> Table:
    header = ["medinfer against", *(f"{users} users" for users in AT_LEAST)]
    others = [name for name in SERVERS if name != OURS]
    rows = [[name, *(f"{served[OURS, users] / served[name, users]:.2f}" for users in AT_LEAST)] for name in others]
    return Table(header, rows)
