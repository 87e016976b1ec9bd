"""Is the canary good enough? Tables of counts and verdicts."""

import pytest
from rollout_operator.decide.analysis import Measured, assess, assess_alone
from rollout_operator.decide.rates import assess_rate, wilson
from rollout_operator.documents.assessment import Verdict
from rollout_operator.documents.counters import Shadow, StepCounters, VersionCounters, quantile_seconds, total
from rollout_operator.documents.spec import AnalysisSpec
from rollout_operator.documents.step_kinds import ShadowStep, Step

BOUNDS = (0.01, 0.02, 0.04)
SPEC = AnalysisSpec(min_samples=100)
FAST, SLOW = (0, 1, 0, 0), (0, 0, 1, 0)


def version(requests: int, errors: int = 0, shape: tuple[int, ...] = FAST) -> VersionCounters:
    return VersionCounters(requests, errors, tuple(part * (requests - errors) for part in shape))


def at_weight(stable: VersionCounters, canary: VersionCounters, baseline: float | None = None) -> Measured:
    return Measured(1, 2, Step(set_weight=5), StepCounters({"1": stable, "2": canary}, Shadow(), BOUNDS), baseline)


def in_shadow(shadow: Shadow) -> Measured:
    return Measured(1, 2, Step(shadow=ShadowStep(50, 200)), StepCounters({"1": version(500)}, shadow, BOUNDS))


def agreeing(*rows: tuple[int, ...]) -> Shadow:
    return Shadow(sum(map(sum, rows)), sum(row[i] for i, row in enumerate(rows)), 0, rows)


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        pytest.param(at_weight(version(200), version(200)), Verdict.PASSED, id="no-errors-on-enough-passes"),
        pytest.param(at_weight(version(200), version(99)), Verdict.INCONCLUSIVE, id="too-few-of-the-canary"),
        pytest.param(at_weight(version(99), version(200)), Verdict.INCONCLUSIVE, id="too-few-of-stable"),
        pytest.param(at_weight(version(0), version(0)), Verdict.INCONCLUSIVE, id="no-traffic-is-no-success"),
        pytest.param(at_weight(version(200), version(10, 4)), Verdict.FAILED, id="clearly-bad-needs-no-minimum"),
        pytest.param(at_weight(version(200), version(50, 1)), Verdict.INCONCLUSIVE, id="one-of-fifty-says-little"),
        pytest.param(
            at_weight(version(200), version(200, 3)), Verdict.INCONCLUSIVE, id="above-the-limit-within-chance"
        ),
        pytest.param(at_weight(version(200), version(200, 2)), Verdict.PASSED, id="at-the-limit-passes"),
        pytest.param(at_weight(version(200), version(1000, 30)), Verdict.FAILED, id="above-the-limit-beyond-chance"),
        pytest.param(at_weight(version(200), version(200, 0, SLOW)), Verdict.FAILED, id="twice-as-slow"),
        pytest.param(at_weight(version(200, 0, SLOW), version(200)), Verdict.PASSED, id="faster-than-stable"),
        pytest.param(
            at_weight(version(200), VersionCounters(200, 0, ())), Verdict.INCONCLUSIVE, id="latency-that-nobody-counted"
        ),
        pytest.param(at_weight(version(200), version(200), 0.012), Verdict.FAILED, id="stable-became-slower"),
        pytest.param(at_weight(version(200), version(200), 0.019), Verdict.PASSED, id="stable-as-fast-as-before"),
        pytest.param(Measured(1, 2, Step(set_weight=5), None), Verdict.ERROR, id="nobody-could-be-asked"),
        pytest.param(
            in_shadow(agreeing((50, 0, 0, 0), (0, 50, 0, 0), (0, 0, 50, 0), (0, 0, 0, 50))),
            Verdict.PASSED,
            id="all-shadows-agree",
        ),
        pytest.param(in_shadow(agreeing((50, 0, 0, 0))), Verdict.INCONCLUSIVE, id="too-few-shadows"),
        pytest.param(
            in_shadow(agreeing((0, 60, 0, 0), (0, 0, 60, 0), (0, 0, 0, 60), (60, 0, 0, 0))),
            Verdict.FAILED,
            id="permuted-labels",
        ),
        pytest.param(
            in_shadow(agreeing((970, 0, 0, 0), (10, 10, 0, 0))), Verdict.FAILED, id="one-class-disagrees-by-half"
        ),
        pytest.param(
            in_shadow(agreeing((970, 0, 0, 0), (9, 10, 0, 0))), Verdict.PASSED, id="a-class-below-20-is-not-judged"
        ),
        pytest.param(in_shadow(Shadow(200, 200, 20)), Verdict.FAILED, id="shadows-that-are-not-answered"),
    ],
)
def test_assess(measured: Measured, verdict: Verdict) -> None:
    found = assess(SPEC, measured)
    assert found.verdict is verdict, found.message


def test_a_class_that_is_not_judged_says_so() -> None:
    found = assess(SPEC, in_shadow(agreeing((970, 0, 0, 0), (9, 10, 0, 0))))
    by_name = {one.name: one for one in found.measurements}
    assert by_name["disagreementOfClass1"].verdict is Verdict.NOT_JUDGED
    assert "not judged" in by_name["disagreementOfClass1"].message


def test_a_message_names_the_numbers_and_the_limit() -> None:
    found = assess(SPEC, at_weight(version(200), version(1000, 30)))
    assert found.message == "errorRate 3.00% (30 of 1000), at most 1.00% allowed"


@pytest.mark.parametrize(
    ("counters", "verdict"),
    [
        pytest.param(StepCounters({"2": version(500)}), Verdict.PASSED, id="good"),
        pytest.param(StepCounters({"2": version(500, 50)}), Verdict.FAILED, id="failing"),
        pytest.param(None, Verdict.ERROR, id="nobody-answers"),
    ],
)
def test_a_promoted_version_is_judged_by_its_errors_alone(counters: StepCounters | None, verdict: Verdict) -> None:
    assert assess_alone(SPEC, 2, counters).verdict is verdict


@pytest.mark.parametrize(
    ("events", "samples", "bounds"),
    [
        pytest.param(0, 0, (0.0, 1.0), id="nothing-known"),
        pytest.param(0, 10, (0.0, 0.2775), id="none-of-ten"),
        pytest.param(10, 10, (0.7225, 1.0), id="ten-of-ten"),
        pytest.param(1, 10, (0.0179, 0.4042), id="one-of-ten"),
        pytest.param(50, 100, (0.4038, 0.5962), id="half"),
    ],
)
def test_wilson_against_published_values(events: int, samples: int, bounds: tuple[float, float]) -> None:
    """Values as tables of the Wilson score interval give them."""
    assert wilson(events, samples) == pytest.approx(bounds, abs=1e-4)


def test_a_rate_never_fails_inside_its_confidence_interval() -> None:
    for samples in range(1, 300, 7):
        for events in range(samples + 1):
            verdict = assess_rate("x", events, samples, 0.1, 1).verdict
            assert (verdict is Verdict.FAILED) == (wilson(events, samples)[0] > 0.1)
            assert verdict is not Verdict.PASSED or events / samples <= 0.1


@pytest.mark.parametrize(
    ("buckets", "share", "expected"),
    [
        pytest.param((), 0.95, None, id="no-answers"),
        pytest.param((0, 0, 0, 0), 0.95, None, id="no-answers-counted"),
        pytest.param((100, 0, 0, 0), 0.95, 0.0095, id="all-in-the-first"),
        pytest.param((0, 100, 0, 0), 0.5, 0.015, id="middle-of-a-bucket"),
        pytest.param((0, 0, 0, 100), 0.95, 0.04, id="beyond-the-last-bound"),
        pytest.param((50, 0, 50, 0), 0.95, 0.038, id="over-an-empty-bucket"),
    ],
)
def test_quantiles(buckets: tuple[int, ...], share: float, expected: float | None) -> None:
    found = quantile_seconds(VersionCounters(latency_buckets=buckets), BOUNDS, share)
    assert found == (pytest.approx(expected) if expected is not None else None)


def test_pods_are_added_up_and_foreign_buckets_left_out() -> None:
    one = StepCounters({"1": version(10)}, agreeing((3, 1)), BOUNDS)
    foreign = StepCounters({"1": VersionCounters(5, 1, (9, 9))}, agreeing((1, 1)), (0.5,))
    added = total([one, foreign])
    assert added.of(1) == VersionCounters(15, 1, (0, 10, 0, 0))
    assert (added.shadow.samples, added.shadow.matrix) == (6, ((4, 2),))
