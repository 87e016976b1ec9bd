"""APIs that run at once and are loaded in turn, in short bursts: what else the machine does meets all of them."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from ci.bench.results import Check
from ci.bench.servers import cpu_seconds, replica, serving
from ci.bench.stand import Stand
from ci.stack.api import Api
from ci.stack.documents import build_routes

SITTINGS, ROUNDS = 6, 3  # new processes for each sitting: where a process's memory lies makes 2 % of its CPU
BURST_SECONDS = 2.0
FIRST_HOST = 90  # of 127.0.0.0/24
NONE: Mapping[str, Mapping[str, str]] = {}
SETTLE_SECONDS = 5.0  # the API imports pydicom in a thread some seconds after it is ready


@dataclass(frozen=True)
class Loaded:
    """An API that runs, and the headers that its clients send."""

    api: Api
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Burst:
    """`cpu_ms`: user and system time for each request."""

    requests_per_second: float
    cpu_ms: float
    failed: int


def run_all(
    stand: Stand, loaded: Sequence[Loaded], users: Sequence[int], rounds: int
) -> dict[tuple[str, int], list[Burst]]:
    """(name, users) -> one burst for each round; who is first changes with every round."""
    time.sleep(SETTLE_SECONDS)
    bursts: dict[tuple[str, int], list[Burst]] = defaultdict(list)
    for number in range(rounds):
        for count in users:
            first = number % len(loaded)
            for one in (*loaded[first:], *loaded[:first]):
                bursts[one.api.name, count].append(run(stand, one, count))
    return bursts


def run_beside(
    stand: Stand,
    environments: Mapping[str, Mapping[str, str]],
    users: int,
    headers: Mapping[str, Mapping[str, str]] = NONE,
) -> dict[str, list[Burst]]:
    """Name -> bursts of an API with these settings, and these headers of its clients; all have one Triton.

    The first has a twin, which shows how far two that are the same differ.
    """
    first = next(iter(environments))
    environments = {first: environments[first], twin_of(first): environments[first], **environments}
    measured: dict[str, list[Burst]] = {name: [] for name in environments}
    with replica(stand.tiny[0], stand.folder) as triton:
        routes = build_routes([(triton.name, triton.url, [1])], stand.tiny[0])
        for _ in range(stand.count(SITTINGS)):
            for name, bursts in _sit(stand, routes, environments, users, headers).items():
                measured[name] += bursts
    return measured


def twin_of(name: str) -> str:
    """What the API is called that has the same settings."""
    return f"{name}, again"


def _sit(
    stand: Stand,
    routes: dict[str, Any],
    environments: Mapping[str, Mapping[str, str]],
    users: int,
    headers: Mapping[str, Mapping[str, str]],
) -> dict[str, list[Burst]]:
    """Bursts of APIs that are started for them, and end."""
    loaded = []
    with ExitStack() as running:
        for number, (name, environment) in enumerate(environments.items(), FIRST_HOST):
            api = Api(name, f"127.0.0.{number}:8002", stand.folder, environment=dict(environment))
            api.follow(routes)
            loaded.append(Loaded(api, headers.get(name, {})))
            running.enter_context(serving(api, stand.image, headers=loaded[-1].headers))
        measured = run_all(stand, loaded, [users], ROUNDS)
    return {name: measured[name, users] for name in environments}


def run(stand: Stand, loaded: Loaded, users: int) -> Burst:
    api = loaded.api
    before = cpu_seconds(api.pid)
    result = stand.closed(api.name, [api.url], users, BURST_SECONDS, loaded.headers)
    return Burst(result.requests_per_second, (cpu_seconds(api.pid) - before) * 1000 / result.requests, result.failed)


def compare(
    measured: Mapping[str, Sequence[Burst]], base: str, at_most: Mapping[str, float], what: str
) -> tuple[list[tuple[str, str, str]], list[Check]]:
    """Rows of (name, CPU ms per request, ratio to `base`), and a check of each ratio and of what failed in `what`."""
    rows, checks = [], []
    for name, some in measured.items():
        to_base = ratio(some, measured[base], lambda burst: burst.cpu_ms)
        rows.append((name, f"{median(burst.cpu_ms for burst in some):.3f}", f"{to_base:.3f}"))
        if name not in (base, twin_of(base)):
            checks.append(Check(f"CPU per request, {what}: {name} / {base}", to_base, at_most=at_most[name]))
    failed = sum(burst.failed for some in measured.values() for burst in some)
    return rows, [*checks, Check(f"failed requests, {what}", failed, at_most=0)]


def ratio(some: Sequence[Burst], others: Sequence[Burst], value: Callable[[Burst], float]) -> float:
    """The median of those of the same round."""
    return median(value(one) / value(other) for one, other in zip(some, others, strict=True))
