"""Queries are filled as Grafana fills them, and series are named by its templates."""

import re

import pytest

from ci.boards.answers import Window, legend
from ci.boards.catalog import BOARDS
from ci.boards.filled import fill


@pytest.mark.parametrize(
    ("template", "labels", "name"),
    [
        pytest.param("{{version}} p95", {"version": "2"}, "2 p95", id="label"),
        pytest.param("{{pod}} {{version}}", {"version": "2", "pod": "a"}, "a 2", id="two"),
        pytest.param("workers", {}, "workers", id="words"),
        pytest.param("", {"pod": "a", "result": "matched"}, "a, matched", id="no-template"),
    ],
)
def test_a_series_is_named(template: str, labels: dict[str, str], name: str) -> None:
    assert legend(template, labels) == name


def test_no_variable_is_left() -> None:
    exprs = [query.expr for board in BOARDS for panel in board.panels for query in panel.queries]
    assert [expr for expr in map(fill, exprs) if re.search(r"\$[A-Za-z_]", expr)] == []


def test_rates_and_ranges_are_those_of_the_window() -> None:
    assert fill("rate(a[$__rate_interval])", "10s") == "rate(a[10s])"
    assert Window(100, 190.4, 1).range == "90s"
