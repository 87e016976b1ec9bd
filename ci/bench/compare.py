"""Requests per second and CPU per request of another checkout's API and of this one's.

`python -m ci.bench.compare CHECKOUT` runs both at once on one Triton replica and loads them in turn, in short bursts:
what else the machine does meets both. It prints the median of the ratios of neighbouring bursts.
"""

import argparse
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ci.bench import report
from ci.bench.results import Table
from ci.bench.servers import cpu_seconds, replica, serving
from ci.bench.stand import Stand
from ci.bench.startup import run_checkout
from ci.stack.api import Api
from ci.stack.documents import build_routes
from ci.stack.folders import ROOT

OTHER_BIND, THIS_BIND = "127.0.0.26:8002", "127.0.0.27:8002"
USERS = (10, 50)
ROUNDS = 12
BURST_SECONDS = 2.0
SETTLE_SECONDS = 5.0  # the API imports pydicom in a thread some seconds after it is ready
HEADER = ("users", "requests/s, this / other", "CPU per request, this / other", "other, CPU ms", "this, CPU ms")


@dataclass(frozen=True)
class Burst:
    requests_per_second: float
    cpu_ms: float


def compare(stand: Stand, checkout: Path, application: str) -> Table:
    bundle = stand.tiny[0]
    other, this = Api("other", OTHER_BIND, stand.folder), Api("this", THIS_BIND, stand.folder)
    run_checkout(other, checkout, application)
    with replica(bundle, stand.folder) as triton:
        this.follow(build_routes([(triton.name, triton.url, [1])], bundle))
        with serving(other, stand.image), serving(this, stand.image):
            time.sleep(SETTLE_SECONDS)
            return to_table(run_all(stand, other, this))


def run_all(stand: Stand, other: Api, this: Api) -> dict[tuple[str, int], list[Burst]]:
    """(name, users) -> its bursts; who is first changes with every round."""
    bursts: dict[tuple[str, int], list[Burst]] = defaultdict(list)
    for round_number in range(stand.count(ROUNDS)):
        for users in USERS:
            for api in (other, this) if round_number % 2 else (this, other):
                bursts[api.name, users].append(run_burst(stand, api, users))
    return bursts


def run_burst(stand: Stand, api: Api, users: int) -> Burst:
    before = cpu_seconds(api.pid)
    result = stand.closed(api.name, [api.url], users, BURST_SECONDS)
    assert result.failed == 0, f"{api.name}: {result.failed} requests failed"
    return Burst(result.requests_per_second, (cpu_seconds(api.pid) - before) * 1000 / result.requests)


def to_table(bursts: dict[tuple[str, int], list[Burst]]) -> Table:
    rows = []
    for users in USERS:
        other, this = bursts["other", users], bursts["this", users]
        rates = median(b.requests_per_second / a.requests_per_second for a, b in zip(other, this, strict=True))
        cpu = median(b.cpu_ms / a.cpu_ms for a, b in zip(other, this, strict=True))
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
