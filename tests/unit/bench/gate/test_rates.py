"""Whether the gate was right, and how much a known slowdown takes."""

import ast

import pytest

from ci.bench.gate import history, injection
from ci.bench.gate.injection import Injection
from ci.bench.gate.rates import Run, ratio_of, to_markdown
from ci.bench.gate.scenarios import api
from ci.bench.gate.sitting import PARTS
from ci.bench.gate.verdict import Comparison
from ci.stack.folders import ROOT

REQUEST = "api request, million instructions"


@pytest.mark.parametrize(
    ("injected", "alarms", "is_right"),
    [
        pytest.param("", [], True, id="nothing-and-no-alarm"),
        pytest.param("", [REQUEST], False, id="a-false-alarm"),
        pytest.param("api request", [REQUEST], True, id="found"),
        pytest.param("api request", [], False, id="missed"),
        pytest.param("api request", ["api start, CPU ms"], False, id="another-was-named"),
    ],
)
def test_an_alarm_is_right_when_it_names_what_was_slowed(injected: str, alarms: list[str], is_right: bool) -> None:
    assert Run(injected, alarms, 1.1, 60).is_right is is_right


def test_every_measure_that_decides_is_slowed_once() -> None:
    assert {(one.part, one.piece) for one in injection.ALL} == {
        (part, piece) for part, module in PARTS.items() for piece in ("start", *module.TIMED)
    }


@pytest.mark.parametrize("one", injection.ALL, ids=lambda one: f"{one.part}-{one.piece}".replace(" ", "-"))
def test_what_is_appended_is_code_of_a_file_that_is_there(one: Injection) -> None:
    kept = round(0.1 * injection.MEMORY_MIB * 2**20 / 2000)
    assert ("range(0)" if one.piece == api.MEMORY else "range(123)") in one.text(123)
    assert (f"bytes({kept})" in one.text(123)) is (one.piece == api.MEMORY)
    ast.parse((ROOT / one.file).read_text() + one.text(123))


def test_the_loops_are_those_that_take_a_tenth() -> None:
    assert injection.loops_for(clean=50.0, tried=51.0, trial=100) == 500
    with pytest.raises(ValueError, match="cost nothing"):
        injection.loops_for(clean=50.0, tried=50.0, trial=100)


def test_the_page_counts_both_kinds_of_runs() -> None:
    runs = [Run("", [], 1.002, 60), Run("", [REQUEST], 1.06, 61), Run("api request", [REQUEST], 1.1, 90)]
    page = to_markdown(runs, ["api"], "0" * 40)
    assert "False alarms: 1 of 2 runs. Slowdowns found: 1 of 1." in page
    assert "| nothing | 2 | 1 | 1.002 to 1.060 | 61 |" in page
    assert "| api request, a tenth more | 1 | 1 | 1.100 to 1.100 | 90 |" in page


def test_the_ratio_is_that_of_what_was_slowed() -> None:
    seen = {
        REQUEST: Comparison(10, 11, 0.004),
        "api request, CPU ms": Comparison(1, 2, 0.5),
        "api start, CPU ms": Comparison(10, 13, 0.5),
        "api start, wall ms": Comparison(1, 9, 0.5),
    }
    assert ratio_of(seen, "api request") == 1.1
    assert ratio_of(seen, "") == 2


def test_the_history_is_relative_to_the_first_commit_that_has_a_number() -> None:
    known = {"old": {"api start": 100.0}, "new": {"api start": 110.0, "api request": 3.0}}
    drawn = history.plot(known)
    assert drawn.x == ["old", "new"] and drawn.series["api start"] == [1.0, 1.1]
    assert str(drawn.series["api request"]) == "[nan, 1.0]"
    assert "| api request | - | 3.00 |" in history.to_markdown(known)
