import json
from pathlib import Path

import pytest
from replica_agent.attempts import Attempts, retry_after_seconds
from replica_agent.state import Failure, Reason


@pytest.mark.parametrize(("count", "seconds"), [(1, 1), (2, 2), (3, 4), (7, 60), (1000, 60)])
def test_back_off(count: int, seconds: float) -> None:
    assert retry_after_seconds(count) == seconds


def test_an_open_attempt_and_a_final_failure_outlive_the_process(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path / "attempts.json")
    attempts.begin("loading")
    attempts.begin("bad")
    attempts.fail("bad", Reason.TRITON_DIED, "why", None)
    reborn = Attempts(tmp_path / "attempts.json")
    assert reborn.open == {"loading"}
    assert reborn.failures == {"bad": Failure(Reason.TRITON_DIED, "why", None)}


def test_a_failure_that_time_mends_does_not(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path / "attempts.json")
    for now, retry_at in ((100, 101), (101, 103), (103, 107)):
        attempts.fail("a", Reason.FETCH_FAILED, "why", float(now))
        assert attempts.failures["a"].retry_at_seconds == retry_at
    assert Attempts(tmp_path / "attempts.json").failures == {}
    attempts.succeed("a")
    attempts.fail("a", Reason.FETCH_FAILED, "why", 200.0)
    assert attempts.failures["a"].retry_at_seconds == 201


@pytest.mark.parametrize("end", [Attempts.succeed, Attempts.abandon])
def test_an_attempt_that_ended_well_or_was_broken_off_leaves_nothing(tmp_path: Path, end: object) -> None:
    attempts = Attempts(tmp_path / "attempts.json")
    attempts.begin("a")
    assert callable(end)
    end(attempts, "a")
    assert Attempts(tmp_path / "attempts.json").open == frozenset()


def test_deaths_are_counted_until_a_try_ends_well(tmp_path: Path) -> None:
    """Across restarts of the agent, which may have died with Triton, and whatever else went wrong in between."""
    attempts = Attempts(tmp_path / "attempts.json")
    attempts.begin("a")
    attempts.die("a")
    attempts.begin("a")
    attempts.fail("a", Reason.LOAD_TIMEOUT, "why", 1.0)
    reborn = Attempts(tmp_path / "attempts.json")
    assert (reborn.open, reborn.deaths) == (frozenset(), {"a": 1})
    reborn.forget_others(["a"])
    assert reborn.deaths == {"a": 1}
    reborn.succeed("a")
    reborn.die("b")
    reborn.forget_others(["c"])
    assert Attempts(tmp_path / "attempts.json").deaths == {}


def test_what_the_plan_no_longer_names_is_forgotten(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path / "attempts.json")
    attempts.begin("open")
    attempts.fail("failed", Reason.LOAD_FAILED, "why", None)
    attempts.fail("kept", Reason.LOAD_FAILED, "why", None)
    attempts.forget_others(["kept", "never tried"])
    reborn = Attempts(tmp_path / "attempts.json")
    assert (reborn.open, list(reborn.failures)) == (frozenset(), ["kept"])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="a-list"),
        pytest.param('{"open": [], "failures": {}, "deaths": {"a": "b"}}', id="deaths"),
        pytest.param('{"open": 3, "failures": {}}', id="wrong-type"),
        pytest.param('{"open": [], "failures": {"a": {"reason": "Unheard", "message": "", "count": 1}}}', id="reason"),
    ],
)
def test_a_damaged_file_is_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "attempts.json").write_text(text)
    attempts = Attempts(tmp_path / "attempts.json")
    assert (attempts.open, attempts.failures, attempts.deaths) == (frozenset(), {}, {})
    attempts.begin("a")
    assert json.loads((tmp_path / "attempts.json").read_text())["open"] == ["a"]
