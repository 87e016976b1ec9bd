"""How many gunicorn workers are worth having on this machine."""

from ci.bench.results import Check, Plot, Section, Table
from ci.bench.sections.user_table import HEADER, row
from ci.bench.servers import ours, replica, serving
from ci.bench.stand import Stand
from ci.stack.documents import build_routes

WORKERS = (1, 2, 4)
USERS = 50
SECONDS = 20


def measure(stand: Stand) -> Section:
    bundle, results = stand.tiny[0], []
    with replica(bundle, stand.folder) as triton:
        routes = build_routes([(triton.name, triton.url, [1])], bundle)
        for workers in WORKERS:
            with serving(ours(routes, stand.folder, workers), stand.image) as api:
                results.append(stand.closed(f"{workers} workers", [api.url], USERS, SECONDS))
    rows = [(str(workers), *row(result)[1:]) for workers, result in zip(WORKERS, results, strict=True)]
    rates = [result.requests_per_second for result in results]
    return Section(
        title="Workers",
        text=f"{USERS} virtual users, {stand.seconds(SECONDS):g} s each, the tiny model, one Triton replica. "
        "k6 and Triton share the cores with the API.",
        tables=[Table(("workers", *HEADER[1:]), rows)],
        checks=[Check("failed requests, worker study", sum(result.failed for result in results), at_most=0)],
        plots=[
            Plot(
                "workers",
                "requests/s by workers",
                "bars",
                [str(w) for w in WORKERS],
                "workers",
                "requests/s",
                {"medinfer": rates},
            )
        ],
    )
