"""What version 1's patients feel while the same replica loads, warms and drops version 2."""

from contextlib import ExitStack

from ci.bench.results import Check, Section, Table
from ci.bench.servers import ours, replica, serving
from ci.bench.stand import Stand
from ci.load.answers import expected_answers
from ci.load.images import grey_jpeg
from ci.load.load import Load, Result
from ci.stack.documents import FULL, Json, build_plan, build_routes
from ci.stack.replica import Replica
from ci.stack.waiting import wait_until

SHARE_OF_CAPACITY = 0.25
QUIET_SECONDS = 20
MEDIAN_AT_MOST, P95_AT_MOST = 1.5, 3.0
ADDRESSES = {"triton-0": "127.0.0.21", "triton-1": "127.0.0.22"}
BINDS = {"api-0": "127.0.0.31:8002", "api-1": "127.0.0.32:8002"}


def measure(stand: Stand) -> Section:
    stable, canary = stand.tiny
    with ExitStack() as stack:
        replicas = [stack.enter_context(replica(stable, stand.folder, ADDRESSES[name], name)) for name in ADDRESSES]
        routes = build_routes([(each.name, each.url, [1]) for each in replicas], stable)
        servers = [ours(routes, stand.folder, bind=bind, name=name) for name, bind in BINDS.items()]
        urls = [stack.enter_context(serving(server, stand.image)).url for server in servers]
        capacity = stand.closed("capacity of two APIs and two Tritons", urls, 50, 10).requests_per_second
        rate = capacity * SHARE_OF_CAPACITY
        images = [grey_jpeg(seed) for seed in range(8)]
        expected = {1: expected_answers(stable, images)}
        load = Load(urls, images, expected, stand.folder / "load", rate_per_second=rate)
        with load:
            load.wait_until_answered(100)
            load.mark("quiet")
            load.wait_until_answered(round(rate * stand.seconds(QUIET_SECONDS)))
            load.mark("loading")
            for count in (1, 2):
                some = list(ADDRESSES)[:count]
                roll_out(replicas, build_plan(stable, canary, canary_replicas=some, warmup=FULL), count)
            load.mark("dropping")
            drop(replicas, build_plan(stable, warmup=FULL))
            load.mark("done")
            result = load.finish(at_least=1000)
    return section(result, rate)


def roll_out(replicas: list[Replica], plan: Json, count: int) -> None:
    for each in replicas:
        each.follow(plan)
    for each in replicas[:count]:
        each.wait_until_ready(f"{each.agent_url}/versions/2", 120)


def drop(replicas: list[Replica], plan: Json) -> None:
    for each in replicas:
        each.follow(plan)
    for each in replicas:
        wait_until_gone(each)


def wait_until_gone(each: Replica) -> None:
    wait_until(lambda: not each.version_state(2), f"version 2 is gone from {each.name}", 60)


def section(result: Result, rate: float) -> Section:
    quiet, busy = result.between("quiet", "loading"), result.between("loading", "done")
    rows = [
        (name, str(part.sent), str(part.failed), f"{part.p50_ms(1):.1f}", f"{part.p95_ms(1):.1f}")
        for name, part in (("quiet", quiet), ("loading, warming, dropping", busy))
    ]
    return Section(
        title="While another version loads",
        text=f"Open loop at {rate:.0f} requests/s, a quarter of the measured capacity, half on fresh connections, "
        "over two APIs and two Tritons. Version 2 is loaded and warmed on one replica after the other, then dropped.",
        tables=[Table(("version 1", "requests", "failed", "median ms", "p95 ms"), rows)],
        checks=[
            Check("median while loading / quiet", busy.p50_ms(1) / quiet.p50_ms(1), at_most=MEDIAN_AT_MOST),
            Check("p95 while loading / quiet", busy.p95_ms(1) / quiet.p95_ms(1), at_most=P95_AT_MOST),
            Check("failed requests, while loading", result.failed, at_most=0),
        ],
    )
