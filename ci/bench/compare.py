"""Requests per second and CPU per request of another checkout's API and of this one's.

`python -m ci.bench.compare CHECKOUT` runs both at once on one Triton replica and loads them in turn, in short bursts:
what else the machine does meets both. It prints the median of the ratios of neighbouring bursts.
"""

import argparse
from pathlib import Path
from statistics import median

from ci.bench import bursts, report
from ci.bench.bursts import Burst, Loaded
from ci.bench.results import Table
from ci.bench.servers import replica, serving
from ci.bench.stand import Stand
from ci.bench.startup import run_checkout
from ci.stack.api import Api
from ci.stack.documents import build_routes
from ci.stack.folders import ROOT

OTHER_BIND, THIS_BIND = "127.0.0.26:8002", "127.0.0.27:8002"
USERS, ROUNDS = (10, 50), 12
HEADER = ("users", "requests/s, this / other", "CPU per request, this / other", "other, CPU ms", "this, CPU ms")


def compare(stand: Stand, checkout: Path, application: str) -> Table:
    bundle = stand.tiny[0]
    other, this = Api("other", OTHER_BIND, stand.folder), Api("this", THIS_BIND, stand.folder)
    run_checkout(other, checkout, application)
    with replica(bundle, stand.folder) as triton:
        this.follow(build_routes([(triton.name, triton.url, [1])], bundle))
        with serving(other, stand.image), serving(this, stand.image):
            return to_table(bursts.run_all(stand, [Loaded(other), Loaded(this)], USERS, stand.count(ROUNDS)))


def to_table(measured: dict[tuple[str, int], list[Burst]]) -> Table:
    assert not any(burst.failed for some in measured.values() for burst in some), "requests failed"
    rows = []
    for users in USERS:
        other, this = measured["other", users], measured["this", users]
        rates = bursts.ratio(this, other, lambda burst: burst.requests_per_second)
        cpu = bursts.ratio(this, other, lambda burst: burst.cpu_ms)
        spent = (f"{median(burst.cpu_ms for burst in some):.2f}" for some in (other, this))
        rows.append((str(users), f"{rates:.3f}", f"{cpu:.3f}", *spent))
    return Table(HEADER, rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ci.bench.compare", description="Compare two checkouts' APIs")
    parser.add_argument("checkout", type=Path, help="another checkout of this repository, after `make setup`")
    parser.add_argument("--application", default="inference_api.main:create()", help="what gunicorn runs there")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the number of bursts and their length")
    arguments = parser.parse_args()
    stand = Stand(ROOT / ".bench", arguments.scale)
    print(report.table_to_markdown(compare(stand, arguments.checkout.resolve(), arguments.application)))


if __name__ == "__main__":
    main()
