"""Requests per second of medinfer, the reference, LitServe and BentoML, each at its better number of processes."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from statistics import median

from ci.bench.bundles import extract_model
from ci.bench.packages import sync
from ci.bench.results import Check, Plot, Section, Table
from ci.bench.servers import (
    BENTOML,
    BENTOML_BATCHED,
    BENTOML_PROJECT,
    LITSERVE,
    LITSERVE_BATCHED,
    OURS,
    REFERENCE,
    BentoML,
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

# Without and with batching: medinfer is held against the faster.
PRODUCTS = {"LitServe": (LITSERVE, LITSERVE_BATCHED), "BentoML": (BENTOML, BENTOML_BATCHED)}
SERVERS = (OURS, REFERENCE, *chain(*PRODUCTS.values()))
PROCESSES = (1, 2)
RUNS = 3
SECONDS = 8
MAX_BATCH_SIZE = 16
AT_LEAST = {10: 1.25, 50: 1.15}  # users -> medinfer / a product

Results = dict[tuple[str, int, int], list[ClosedResult]]  # (server, processes, users) -> runs
Served = dict[tuple[str, int], float]  # (server, users) -> requests/s at its better number of processes


def measure(stand: Stand) -> Section:
    return summarize(
        run_all(stand),
        f"Requests/s, median of {stand.count(RUNS)} interleaved runs of {stand.seconds(SECONDS):g} s, the nearly "
        "free model. medinfer and the reference ask Triton; LitServe and BentoML run ONNX Runtime in their own "
        "processes, which saves them that hop, each without and with its own batching. Each at its better number of "
        "processes (in bold).",
    )


def summarize(results: Results, text: str) -> Section:
    rates = {key: median(run.requests_per_second for run in runs) for key, runs in results.items()}
    best = {
        (name, users): max(PROCESSES, key=lambda processes: rates[name, processes, users])
        for name in SERVERS
        for users in AT_LEAST
    }
    served = {key: rates[key[0], processes, key[1]] for key, processes in best.items()}
    failed = sum(run.failed for runs in results.values() for run in runs)
    return Section(
        title="Side by side",
        text=text,
        tables=[rate_table(rates, best), ratio_table(served)],
        checks=[*ratio_checks(served), Check("failed requests, side by side", failed, at_most=0)],
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


def ratio_checks(served: Served) -> Iterator[Check]:
    for product, ways in PRODUCTS.items():
        for users, limit in AT_LEAST.items():
            ratio = served[OURS, users] / max(served[way, users] for way in ways)
            yield Check(f"requests/s, medinfer / the faster {product}, {users} users", ratio, limit)


def run_all(stand: Stand) -> Results:
    """Raises NotInstalled, when BentoML cannot be, and ProcessEnded."""
    bundle, results = stand.tiny[0], defaultdict(list)
    sync(BENTOML_PROJECT, bentoml_packages(stand))
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


def bentoml_packages(stand: Stand) -> Path:
    return stand.folder / "bentoml"


def servers(stand: Stand, triton: Replica, routes: Json, processes: int) -> list[Server]:
    model, bentoml = extract_model(stand.tiny[0], stand.folder), bentoml_packages(stand)
    return [
        ours(routes, stand.folder, processes),
        Reference(triton.url, stand.folder, processes),
        LitServe(model, stand.folder, processes),
        LitServe(model, stand.folder, processes, MAX_BATCH_SIZE),
        BentoML(bentoml, model, stand.folder, processes),
        BentoML(bentoml, model, stand.folder, processes, MAX_BATCH_SIZE),
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


def ratio_table(served: Served) -> Table:
    header = ["medinfer against", *(f"{users} users" for users in AT_LEAST)]
    others = [name for name in SERVERS if name != OURS]
    rows = [[name, *(f"{served[OURS, users] / served[name, users]:.2f}" for users in AT_LEAST)] for name in others]
    return Table(header, rows)
