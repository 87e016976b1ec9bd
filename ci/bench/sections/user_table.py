"""The starting system's table: 10, 20, 50 and 100 virtual users."""

from contextlib import ExitStack
from pathlib import Path

from ci.bench.results import Check, Plot, Section, Table
from ci.bench.servers import ours, replica, serving
from ci.bench.stand import Stand
from ci.load.k6 import ClosedResult
from ci.stack.documents import build_routes

USERS = (10, 20, 50, 100)
SECONDS = 30
HEADER = ("users", "average ms", "p95 ms", "requests/s", "requests", "failed")


def measure(stand: Stand) -> Section:
    results = {
        "tiny model": measure_model(stand, "tiny", stand.tiny[0]),
        "ResNet50 on the CPU": measure_model(stand, "ResNet50", stand.resnet50[0]),
    }
    return Section(
        title="Virtual users",
        text=f"One API worker, one Triton replica, {stand.seconds(SECONDS):g} s each. First the model whose inference "
        "costs nearly nothing, so that the serving layer is measured, then the real ResNet50 without a GPU.",
        tables=[Table((name, *HEADER[1:]), [row(result) for result in some]) for name, some in results.items()],
        checks=[
            Check(f"failed requests, {name}", sum(result.failed for result in some), at_most=0)
            for name, some in results.items()
        ],
        plots=[
            plot("throughput", "requests/s", results, "requests_per_second"),
            plot("latency", "p95 ms", results, "p95_ms"),
        ],
    )


def measure_model(stand: Stand, name: str, bundle: Path) -> list[ClosedResult]:
    with ExitStack() as stack:
        triton = stack.enter_context(replica(bundle, stand.folder))
        routes = build_routes([(triton.name, triton.url, [1])], bundle)
        api = stack.enter_context(serving(ours(routes, stand.folder), stand.image, warm_requests=50))
        return [stand.closed(name, [api.url], users, SECONDS) for users in USERS]


def row(result: ClosedResult) -> tuple[str, ...]:
    return (
        f"{result.users}",
        f"{result.average_ms:.1f}",
        f"{result.p95_ms:.1f}",
        f"{result.requests_per_second:.0f}",
        f"{result.requests}",
        f"{result.failed}",
    )


def plot(name: str, y_label: str, results: dict[str, list[ClosedResult]], value: str) -> Plot:
    series = {model: [float(getattr(result, value)) for result in some] for model, some in results.items()}
    return Plot(
        f"users-{name}", f"{y_label} by virtual users", "lines", [str(u) for u in USERS], "users", y_label, series
    )
