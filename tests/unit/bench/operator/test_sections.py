"""From what was measured to numbers, limits and tables."""

from dataclasses import replace
from math import inf

import pytest

from ci.bench.operator import active, idle
from ci.bench.operator.costs import Cost
from ci.bench.operator.documents import Entry
from ci.bench.operator.metrics import Visits

COST = Cost(40.0, Visits(400, 4.0, {0.1: 200, 0.2: 200, 2.0: 0, inf: 0}), 7.5, 0.05, 0.08, 90.0, 0)
RELEASE = active.Release(100, 41.0, 0.1, 1.5, COST)
REST = idle.Rest(100, COST)
EDITS = idle.Edits(1000, (0.1, 0.3))


def journal(*weights: tuple[float, int]) -> list[Entry]:
    """Routes with these weights, at these times, from the routes before the release on."""
    return [Entry(1.0, "routes", weight=0, step="s"), *(Entry(at, "routes", weight=w, step="s") for at, w in weights)]


@pytest.mark.parametrize(
    ("entries", "seconds"),
    [
        pytest.param(journal((10.0, 5), (17.0, 50), (23.0, 0)), 1.0, id="the-slower-of-two"),
        pytest.param(journal((10.0, 5), (16.0, 50), (18.0, 50), (26.0, 0)), 2.5, id="the-same-weight-is-no-step"),
        pytest.param([*journal((10.0, 5), (17.0, 0)), Entry(12.0, "plan", canary=2)], 1.0, id="plans-do-not-count"),
    ],
)
def test_the_slowest_step_is_what_passes_beyond_the_pause(entries: list[Entry], seconds: float) -> None:
    assert active.slowest_step(entries) == seconds


def test_the_first_action_is_a_plan_after_the_edit() -> None:
    plans = [
        Entry(1.0, "plan", canary=1),
        Entry(5.5, "plan", stable=1, canary=2),
        Entry(6.0, "plan", canary=2),
    ]
    assert active.first_action(plans, 2, 5.0) == 0.5
    assert active.first_action(plans, 3, 5.0) is None


@pytest.mark.parametrize(
    ("release", "broken"),
    [
        pytest.param(RELEASE, [], id="good"),
        pytest.param(replace(RELEASE, first_action_seconds=2.1), ["first action s"], id="late"),
        pytest.param(replace(RELEASE, step_seconds=2.1), ["step decided s"], id="slow"),
        pytest.param(
            replace(RELEASE, cost=replace(COST, visits=Visits(1, 3.0, {2.0: 0, inf: 1}))),
            ["visits above 2 s"],
            id="one-slow-reconcile",
        ),
        pytest.param(replace(RELEASE, cost=replace(COST, errors=1)), ["visits that ended early"], id="an-error"),
    ],
)
def test_the_limits_of_a_release(release: active.Release, broken: list[str]) -> None:
    found = [check.name for check in active.checks(release) if not check.passed]
    assert found == [f"{name}, 100 replicas x 20 API pods" for name in broken]


@pytest.mark.parametrize(
    ("cost", "broken"),
    [
        pytest.param(COST, [], id="good"),
        pytest.param(replace(COST, cores=0.11), ["cores"], id="busy"),
        pytest.param(replace(COST, seconds=60.0), ["s between two looks"], id="late"),
        pytest.param(replace(COST, peak_mib=251.0), ["MiB"], id="big"),
        pytest.param(replace(COST, errors=1), ["visits that ended early"], id="an-error"),
    ],
)
def test_the_limits_of_rollouts_at_rest(cost: Cost, broken: list[str]) -> None:
    found = [check.name for check in idle.checks(replace(REST, cost=cost)) if not check.passed]
    assert found == [f"{name}, 100 rollouts at rest" for name in broken]


def test_limits_hold_where_the_bar_is_and_tables_show_everything() -> None:
    many, rests = [RELEASE, replace(RELEASE, replicas=500)], [REST, replace(REST, rollouts=1000)]
    at_rest = (", 100 rollouts", "cores, 1000 rollouts", "first action s, 1000 rollouts")
    for section, bars in ((active.section(many), ("100 replicas",)), (idle.section(rests, EDITS), at_rest)):
        assert all(any(bar in check.name for bar in bars) for check in section.checks)
        assert len(section.tables[0].rows) == 2
        assert all(len(row) == len(section.tables[0].header) for row in section.tables[0].rows)
        assert all(len(values) == len(plot.x) for plot in section.plots for values in plot.series.values())


def test_how_often_a_rollout_is_looked_at() -> None:
    assert REST.look_seconds == 10.0


def test_the_slowest_of_the_edits_counts() -> None:
    (check,) = [one for one in idle.section([REST], EDITS).checks if one.name.startswith("first action")]
    assert (check.value, check.passed) == (0.3, True)
