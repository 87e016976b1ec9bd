"""What Prometheus texts say of a stretch of time."""

from math import inf

import pytest

from ci.bench.operator.metrics import RECONCILE, REQUESTS, Reading, Visits, requests, visits

HISTOGRAM = f"# TYPE {RECONCILE} histogram\n"


def reading(fast: int, slow: int, sum_seconds: float) -> Reading:
    """So many visits below half a second and above 2 s."""
    lines = {"0.5": fast, "2.0": fast, "+Inf": fast + slow}
    buckets = "".join(f'{RECONCILE}_bucket{{le="{bound}"}} {count}\n' for bound, count in lines.items())
    return Reading(f"{HISTOGRAM}{buckets}{RECONCILE}_count {fast + slow}\n{RECONCILE}_sum {sum_seconds}\n")


def test_visits_are_those_of_the_time_between() -> None:
    found = visits(reading(10, 1, 9.0), reading(14, 2, 13.0))
    assert found == Visits(5, 4.0, {0.5: 4, 2.0: 0, inf: 1})
    assert (found.mean_seconds, found.slower_than(2.0), found.slower_than(0.5)) == (0.8, 1, 1)


@pytest.mark.parametrize(
    ("buckets", "share", "seconds"),
    [
        pytest.param({0.5: 4, 1.0: 0, inf: 0}, 0.5, 0.25, id="linear-in-the-first"),
        pytest.param({0.5: 2, 1.0: 2, inf: 0}, 1.0, 1.0, id="the-end-of-a-bucket"),
        pytest.param({0.5: 1, 1.0: 0, inf: 1}, 1.0, 1.0, id="at-least-the-last-bound"),
        pytest.param({0.5: 0, 1.0: 0, inf: 0}, 0.99, 0.0, id="no-visits"),
    ],
)
def test_a_quantile_of_visits(buckets: dict[float, int], share: float, seconds: float) -> None:
    assert Visits(sum(buckets.values()), 0.0, buckets).quantile_seconds(share) == seconds


def test_no_visits_have_no_mean() -> None:
    assert Visits(0, 0.0, {}).mean_seconds == 0.0


def test_only_a_bound_can_be_counted_from() -> None:
    with pytest.raises(AssertionError, match=r"0\.3 is no bound of the histogram: \[0\.5, inf\]"):
        Visits(0, 0.0, {0.5: 0, inf: 0}).slower_than(0.3)


def counter(**found: int) -> Reading:
    labels = {
        "reads": 'verb="GET",resource="configmaps",scope="resource",code="200"',
        "refused": 'verb="GET",resource="configmaps",scope="resource",code="404"',
        "watches": 'verb="WATCH",resource="pods",scope="namespace",code="200"',
        "own": 'verb="GET",resource="nodes",scope="cluster",code="200"',
    }
    lines = "".join(f"{REQUESTS}{{{labels[name]}}} {count}\n" for name, count in found.items())
    return Reading(f"# TYPE {REQUESTS} counter\n{lines}")


def test_requests_are_those_of_the_operator() -> None:
    before, after = counter(reads=3, watches=1, own=5), counter(reads=10, refused=2, watches=9, own=50)
    assert requests(before, after) == {"GET configmaps": 9}
