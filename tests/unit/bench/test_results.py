"""The benchmark's verdicts, and the page it writes."""

from pathlib import Path

import pytest

from ci.bench.report import to_markdown
from ci.bench.results import Check, Plot, Section, Table


@pytest.mark.parametrize(
    "check, passed",
    [
        pytest.param(Check("ratio", 1.25, at_least=1.25), True, id="exactly-enough"),
        pytest.param(Check("ratio", 1.24, at_least=1.25), False, id="too-little"),
        pytest.param(Check("failed", 0, at_most=0), True, id="none-failed"),
        pytest.param(Check("failed", 1, at_most=0), False, id="one-failed"),
    ],
)
def test_a_check_keeps_its_limit(check: Check, passed: bool) -> None:
    assert check.passed is passed


def test_the_page_shows_limits_tables_and_plots() -> None:
    section = Section(
        title="Speed",
        text="How fast.",
        tables=[Table(("users", "requests/s"), [("10", "300")])],
        checks=[Check("ratio", 1.2, at_least=1.25)],
        plots=[Plot("speed", "Requests by users", "lines", ["10"], "users", "requests/s", {"medinfer": [300.0]})],
    )
    page = to_markdown(section, "python -m ci.bench speed", Path("plots"))
    assert "| ratio | 1.2 | at least 1.25 | **no** |" in page
    assert "| users | requests/s |\n| --- | ---: |\n| 10 | 300 |" in page
    assert "![Requests by users](plots/speed.png)" in page
