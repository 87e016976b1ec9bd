"""More and more rollouts at rest, under one operator; and how soon it acts when one of them is edited."""

from dataclasses import dataclass
from pathlib import Path
from time import time

from ci.bench.operator.active import first_action
from ci.bench.operator.addresses import Part
from ci.bench.operator.costs import Cost, plot_costs
from ci.bench.operator.metrics import Reading
from ci.bench.operator.stage import Stage
from ci.bench.results import Check, Plot, Section, Table
from ci.stack.kubernetes import Cluster
from ci.stack.say import say, say_row
from ci.stack.waiting import wait_until

SIZES = (100, 300, 1000)  # rollouts
BAR = 100  # of them: where the limits hold
REPLICAS, API_PODS = 2, 1  # of each
CORES, MIB = 0.1, 250
MANY, MANY_CORES = 1000, 0.25
LOOK_SECONDS = 10  # between two reconciles of a rollout at rest
LATE_SECONDS = 12  # later means that the operator does not keep up, and its numbers are too low
WARM_SECONDS = 0.5
SECONDS = 30.0
TIMEOUT_SECONDS = 240
EDITED = 10  # one after the other, at the end
FIRST_ACTION_SECONDS = 2.0


@dataclass(frozen=True)
class Rest:
    rollouts: int
    cost: Cost

    @property
    def look_seconds(self) -> float:
        """Between two reconciles of one rollout."""
        return self.rollouts * self.cost.seconds / max(1, self.cost.visits.count)


@dataclass(frozen=True)
class Edits:
    """Of so many rollouts at rest some were edited: seconds from each edit to the plan that names its version."""

    rollouts: int
    seconds: tuple[float, ...]


def measure(
    cluster: Cluster, folder: Path, seconds: float = SECONDS, sizes: tuple[int, ...] = SIZES
) -> tuple[list[Rest], Edits]:
    """Rollouts are added to those that are there."""
    parts = [Part(number, REPLICAS, API_PODS) for number in range(max(sizes))]
    found: list[Rest] = []
    with Stage(cluster, parts, WARM_SECONDS, folder / "idle") as stage:
        for before, size in zip((0, *sizes), sizes, strict=False):
            stage.create(parts[before:size], 1)
            wait_until_healthy(stage, size)
            stage.window().last(LOOK_SECONDS)  # what was begun to get there ends
            window = stage.window()
            window.last(seconds)
            found.append(Rest(size, window.close()))
            say_row(HEADER, row(found[-1]))
        edits = Edits(max(sizes), tuple(edit(stage, part) for part in parts[-EDITED:]))
        say(f"edited, acted on after s: {', '.join(f'{one:.2f}' for one in sorted(edits.seconds))}")
    return found, edits


def edit(stage: Stage, part: Part) -> float:
    """Seconds until its plan names version 2."""
    edited = time()
    stage.edit(part, 2)

    def acted() -> float | None:
        return first_action([one for one in stage.journal() if one.name == part.plan], 2, edited)

    # The journal has the times: reading it more often would only take CPU from the operator.
    return wait_until(acted, f"the plan of {part.name} names version 2", TIMEOUT_SECONDS, poll_seconds=1)


def wait_until_healthy(stage: Stage, rollouts: int) -> None:
    what = f"{rollouts} rollouts are Healthy"
    stage.window().wait_until(lambda seen: healthy(seen) == rollouts, what, TIMEOUT_SECONDS)


def healthy(seen: Reading) -> int:
    return sum(dict(labels)["phase"] == "Healthy" for labels in seen.named("medinfer_rollout_phase"))


HEADER = (
    "rollouts",
    "cores",
    "MiB",
    "looked at every s",
    "reconcile ms",
    "reconcile p99 ms",
    "API server requests/s",
    "API server cores",
)


def section(rests: list[Rest], edits: Edits) -> Section:
    return Section(
        title="Many rollouts at rest",
        text=f"Each with a StatefulSet of {REPLICAS} replicas, a Deployment of {API_PODS} API pod, a plan and routes, "
        f"promoted, and looked at every {LOOK_SECONDS} s. First action: {len(edits.seconds)} of them were edited, one "
        "after the other; from the edit of the spec to a plan that names the version, the slowest.",
        tables=[Table(HEADER, [row(one) for one in rests])],
        checks=[
            *(check for one in rests if one.rollouts == BAR for check in checks(one)),
            *(_cores(one, MANY_CORES) for one in rests if one.rollouts == MANY),
            Check(
                f"first action s, {edits.rollouts} rollouts at rest", max(edits.seconds), at_most=FIRST_ACTION_SECONDS
            ),
        ],
        plots=[
            plot("cores", "cores", rests, {"operator": "cores", "API server": "api_server_cores"}),
            plot("memory", "MiB", rests, {"operator": "peak_mib"}),
        ],
    )


def checks(one: Rest) -> list[Check]:
    return [
        _cores(one, CORES),
        Check(f"s between two looks, {one.rollouts} rollouts at rest", one.look_seconds, at_most=LATE_SECONDS),
        Check(f"MiB, {one.rollouts} rollouts at rest", one.cost.peak_mib, at_most=MIB),
        Check(f"visits that ended early, {one.rollouts} rollouts at rest", one.cost.errors, at_most=0),
    ]


def _cores(one: Rest, at_most: float) -> Check:
    return Check(f"cores, {one.rollouts} rollouts at rest", one.cost.cores, at_most=at_most)


def row(one: Rest) -> tuple[str, ...]:
    return (
        f"{one.rollouts}",
        f"{one.cost.cores:.3f}",
        f"{one.cost.peak_mib:.0f}",
        f"{one.look_seconds:.1f}",
        f"{one.cost.visit_ms:.0f}",
        f"{one.cost.visit_p99_ms:.0f}",
        f"{one.cost.requests_per_second:.0f}",
        f"{one.cost.api_server_cores:.2f}",
    )


def plot(name: str, label: str, rests: list[Rest], lines: dict[str, str]) -> Plot:
    costs = {one.rollouts: one.cost for one in rests}
    return plot_costs(f"idle-{name}", f"{label} by rollouts at rest", "rollouts", label, costs, lines)
