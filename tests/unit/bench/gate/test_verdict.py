"""When the gate raises an alarm: tables of samples."""

import pytest

from ci.bench.gate import verdict
from ci.bench.gate.verdict import Comparison, Measure

SAME = [100.0, 101.0, 99.0, 100.5, 99.5]
FASTER, SLOWER, ALIKE = Comparison(100, 80, 1.0), Comparison(100, 110, 0.004), Comparison(100, 101, 0.3)


@pytest.mark.parametrize(
    ("base", "this", "p"),
    [
        pytest.param([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 1 / 252, id="all-above"),
        pytest.param([6, 7, 8, 9, 10], [1, 2, 3, 4, 5], 1.0, id="all-below"),
        pytest.param([1, 2, 3, 4, 6], [5, 7, 8, 9, 10], 2 / 252, id="one-pair-crossed"),
        pytest.param([1, 1, 1], [1, 1, 1], 1.0, id="all-equal"),
        pytest.param([1, 2], [2, 3], 2 / 6, id="a-tie"),
        pytest.param([1], [2], 0.5, id="one-of-each-proves-nothing"),
        pytest.param([1, 2, 3, 4], [5, 6, 7, 8], 1 / 70, id="four-of-each-are-too-few"),
    ],
)
def test_p_is_the_exact_one(base: list[float], this: list[float], p: float) -> None:
    assert verdict.p_greater(base, this) == pytest.approx(p)


@pytest.mark.parametrize(("base", "this"), [([], [1.0]), ([1.0], []), ([1.0] * 13, [1.0])])
def test_p_needs_samples_and_not_too_many(base: list[float], this: list[float]) -> None:
    with pytest.raises(ValueError, match="between 1 and 12 samples of each side"):
        verdict.p_greater(base, this)


@pytest.mark.parametrize(
    ("this", "is_worse"),
    [
        pytest.param(SAME, False, id="the-same"),
        pytest.param([one * 1.1 for one in SAME], True, id="ten-percent"),
        pytest.param([one * 1.04 for one in SAME], False, id="surely-but-little"),
        pytest.param([one * 0.8 for one in SAME], False, id="better"),
        pytest.param([90, 95, 120, 130, 140], False, id="much-but-by-chance"),
        pytest.param([*[one * 1.2 for one in SAME[:4]], 99.7], False, id="two-that-crossed-may-be-chance"),
    ],
)
def test_worse_is_more_than_a_little_and_no_chance(this: list[float], is_worse: bool) -> None:
    assert verdict.compare({"m": SAME}, {"m": this})["m"].is_worse is is_worse


def test_only_what_both_sides_have_is_compared() -> None:
    assert set(verdict.compare({"both": [1], "gone": [1], "failed": [1]}, {"both": [1], "new": [1], "failed": []})) == {
        "both"
    }


@pytest.mark.parametrize(
    ("runs", "alarms"),
    [
        pytest.param([{"m": SLOWER}], [], id="once-is-no-alarm"),
        pytest.param([{"m": SLOWER}, {"m": SLOWER}], ["m"], id="twice"),
        pytest.param([{"m": SLOWER}, {"m": ALIKE}], [], id="the-second-disagrees"),
        pytest.param([{"m": SLOWER}, {"n": SLOWER}], [], id="another-one"),
        pytest.param([{"m": SLOWER, "n": SLOWER}, {"m": SLOWER, "n": FASTER}], ["m"], id="one-of-two"),
        pytest.param([{"wall": SLOWER}, {"wall": SLOWER}], [], id="information-never-alarms"),
    ],
)
def test_an_alarm_needs_two_runs_that_agree(runs: list[dict[str, Comparison]], alarms: list[str]) -> None:
    assert verdict.alarms(runs, {"m", "n"}) == alarms


def test_one_process_of_each_side_shows_where_to_look_again() -> None:
    base, this = {"a": [100.0], "b": [100.0], "wall": [100.0]}, {"a": [101.9], "b": [102.1], "wall": [200.0]}
    assert verdict.suspects(base, this, {"a", "b"}) == {"b"}


@pytest.mark.parametrize("count", [1, 5, 10])
def test_sides_take_turns(count: int) -> None:
    turns = verdict.abba(count)
    assert turns.count("base") == turns.count("this") == count
    assert turns[:4] == ["base", "this", "this", "base"][: 2 * count]


def test_a_measure_is_named_with_its_unit() -> None:
    assert str(Measure("api request", "CPU ms")) == "api request, CPU ms"
