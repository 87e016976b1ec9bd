"""One rollout through a whole release, on more and more replicas."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import time

from ci.bench.operator.addresses import Part
from ci.bench.operator.costs import Cost, plot_costs
from ci.bench.operator.documents import Entry
from ci.bench.operator.metrics import Reading
from ci.bench.operator.objects import PAUSE_SECONDS
from ci.bench.operator.stage import Stage
from ci.bench.results import Check, Plot, Section, Table
from ci.stack.kubernetes import Cluster
from ci.stack.say import say_row

SIZES = (20, 100, 500)  # replicas
BAR = 100  # of them: where the limits hold
API_PODS = 20
CONCURRENT_SHARE = 0.1  # of the replicas load at one time
WARM_SECONDS = 2.0
FIRST_ACTION_SECONDS, DECISION_SECONDS = 2.0, 2.0
TIMEOUT_SECONDS = 180
DECISIONS_PER_PAUSE = 2  # one that begins the pause, one that ends it


@dataclass(frozen=True)
class Release:
    """`first_action_seconds`: from the edit to the plan with the canary. `step_seconds`: the slowest decision."""

    replicas: int
    seconds: float
    first_action_seconds: float
    step_seconds: float
    cost: Cost


def measure(cluster: Cluster, folder: Path, sizes: tuple[int, ...] = SIZES) -> list[Release]:
    return [measure_release(cluster, folder / f"active-{replicas}", replicas) for replicas in sizes]


def measure_release(cluster: Cluster, folder: Path, replicas: int) -> Release:
    part = Part(0, replicas, API_PODS)
    with Stage(cluster, [part], WARM_SECONDS, folder) as stage:
        stage.create([part], max(1, round(replicas * CONCURRENT_SHARE)))
        stage.window().wait_until(lambda seen: is_healthy(seen, part, 1), "version 1 is live", TIMEOUT_SECONDS)
        window, edited = stage.window(), time()
        stage.edit(part, 2)
        seconds = window.wait_until(lambda seen: is_healthy(seen, part, 2), "version 2 is live", TIMEOUT_SECONDS)
        cost, journal = window.close(), stage.journal()
    first = first_action(journal, 2, edited)
    assert first is not None, "version 2 is live without a plan that named it"
    release = Release(replicas, seconds, first, slowest_step(journal), cost)
    say_row(HEADER, row(release))
    return release


def is_healthy(seen: Reading, part: Part, version: int) -> bool:
    healthy = seen.value("medinfer_rollout_phase", rollout=part.name, phase="Healthy")
    return bool(healthy) and seen.value("medinfer_rollout_version", rollout=part.name, role="stable") == version


def first_action(journal: list[Entry], version: int, edited: float) -> float | None:
    """Seconds from the edit until the plan names the version; None if it does not."""
    return next((one.time - edited for one in journal if one.canary == version and one.time >= edited), None)


def slowest_step(journal: list[Entry]) -> float:
    """Seconds that a decision took, reconciles in between included: the time between two weights, without the pause."""
    begins = [two.time for one, two in pairwise(traffic(journal)) if one.weight != two.weight]
    return max((after - before - PAUSE_SECONDS) / DECISIONS_PER_PAUSE for before, after in pairwise(begins))


def traffic(journal: list[Entry]) -> list[Entry]:
    """The routes in order; their steps have names."""
    return [one for one in journal if one.step]


HEADER = (
    "replicas",
    "release s",
    "first action s",
    "step decided s",
    "reconcile ms",
    "reconcile p99 ms",
    "API server requests/s",
    "cores",
    "MiB",
)


def section(releases: list[Release]) -> Section:
    return Section(
        title="One release on many replicas",
        text=f"{API_PODS} API pods; a tenth of the replicas load at one time and are warm after {WARM_SECONDS:g} s; "
        f"shadow, 5 %, {PAUSE_SECONDS} s pause, 50 %, {PAUSE_SECONDS} s pause, 100 %. First action: from the edit of "
        "the spec to a plan that names the version. Step decided: what passes between two weights beyond the pause, "
        "for each of the two decisions in it; the operator looks every second. Visit: one look with its decision and "
        "its writes.",
        tables=[Table(HEADER, [row(one) for one in releases])],
        checks=[check for one in releases if one.replicas == BAR for check in checks(one)],
        plots=[
            plot("reconcile", "reconcile ms", releases, {"mean": "visit_ms", "p99": "visit_p99_ms"}),
            plot("cores", "cores", releases, {"operator": "cores", "API server": "api_server_cores"}),
        ],
    )


def checks(one: Release) -> list[Check]:
    name = f"{one.replicas} replicas x {API_PODS} API pods"
    return [
        Check(f"first action s, {name}", one.first_action_seconds, at_most=FIRST_ACTION_SECONDS),
        Check(f"step decided s, {name}", one.step_seconds, at_most=DECISION_SECONDS),
        Check(f"visits above 2 s, {name}", one.cost.visits.slower_than(DECISION_SECONDS), at_most=0),
        Check(f"visits that ended early, {name}", one.cost.errors, at_most=0),
    ]


def row(one: Release) -> tuple[str, ...]:
    return (
        f"{one.replicas}",
        f"{one.seconds:.1f}",
        f"{one.first_action_seconds:.2f}",
        f"{one.step_seconds:.2f}",
        f"{one.cost.visit_ms:.0f}",
        f"{one.cost.visit_p99_ms:.0f}",
        f"{one.cost.requests_per_second:.1f}",
        f"{one.cost.cores:.3f}",
        f"{one.cost.peak_mib:.0f}",
    )


def plot(name: str, label: str, releases: list[Release], lines: dict[str, str]) -> Plot:
    costs = {one.replicas: one.cost for one in releases}
    return plot_costs(f"release-{name}", f"{label} by replicas, one release", "replicas", label, costs, lines)
