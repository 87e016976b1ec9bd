"""Grafana's schema allows the boards, Prometheus reads their queries, and the chart installs what is checked in."""

import json
from pathlib import Path

import pytest

from ci.boards.board import ANNOTATIONS
from ci.boards.catalog import BOARDS, FOLDER
from ci.boards.filled import fill
from tests.harness.chart import dashcheck, promtool
from tests.harness.chart.helm import render

FILES = sorted(FOLDER.glob("*.json"))


def rules(exprs: list[str]) -> dict[str, object]:
    """Each query as a recording rule, which promtool parses."""
    recorded = [{"record": f"board:query:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    return {"groups": [{"name": "boards", "rules": recorded}]}


def test_grafanas_schema_allows_them() -> None:
    assert dashcheck.check(FILES) == ""


@pytest.mark.parametrize(
    ("there", "instead", "found"),
    [
        pytest.param('"unit": "s"', '"unitt": "s"', "unexpected field 'unitt'", id="option-of-a-field"),
        pytest.param('"expr": ', '"exprr": ', "unexpected field 'exprr'", id="query"),
        pytest.param('"textMode": "auto"', '"textMode": 1', "textMode", id="option-of-a-panel"),
        pytest.param('"w": 8', '"w": 80', "must be <= 24", id="place"),
        pytest.param('"refresh": "30s"', '"refreshed": "30s"', "unexpected field 'refreshed'", id="board"),
    ],
)
def test_a_board_that_is_wrong_would_be_found(there: str, instead: str, found: str, tmp_path: Path) -> None:
    text = (FOLDER / "patients.json").read_text()
    assert there in text
    (tmp_path / "wrong.json").write_text(text.replace(there, instead))
    assert found in dashcheck.check([tmp_path / "wrong.json"])


def test_prometheus_reads_every_query(tmp_path: Path) -> None:
    exprs = [query.expr for board in BOARDS for panel in board.panels for query in panel.queries]
    exprs += [expr for expr, _, _ in ANNOTATIONS.values()]
    assert promtool.lint(rules([fill(expr) for expr in exprs]), tmp_path) == ""


def test_a_query_that_is_wrong_would_be_found(tmp_path: Path) -> None:
    assert "parse error" in promtool.lint(rules(["sum by version (up)"]), tmp_path)


def test_the_chart_installs_them_for_grafanas_sidecar() -> None:
    settings = ["dashboards.enabled=true", "dashboards.annotations.grafana_folder=medinfer"]
    maps = [one for one in render(settings=settings) if one["metadata"]["name"].startswith("medinfer-dashboard-")]
    installed = {name: json.loads(board) for one in maps for name, board in one["data"].items()}
    assert installed == {f"medinfer-{file.name}": json.loads(file.read_text()) for file in FILES}
    for one in maps:
        assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert one["metadata"]["annotations"] == {"grafana_folder": "medinfer"}


def test_they_are_not_installed_unasked() -> None:
    assert not [one for one in render() if "dashboard" in one["metadata"]["name"]]
