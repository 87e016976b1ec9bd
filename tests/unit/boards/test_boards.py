"""The boards that are checked in are the generated ones, ask for what exists, and show every metric of ours."""

import re

import pytest

from ci.boards.board import ANNOTATIONS, Board
from ci.boards.catalog import BOARDS, PROMISES, path, promises_text, text
from ci.boards.panel import Panel
from tests.unit.boards.known import DCGM, KUBELET, TRITON, TRITON_WITH_A_GPU, UNSHOWN
from tests.unit.docs.alerts import matchers_in, names, series
from tests.unit.docs.test_alerts import VALUES

EVERY_BOARD = [pytest.param(board, id=board.name) for board in BOARDS]
EVERY_PANEL = [pytest.param(panel, id=f"{board.name}: {panel.title}") for board in BOARDS for panel in board.panels]
OTHERS = TRITON | TRITON_WITH_A_GPU | DCGM | KUBELET
KEPT = {label: values for label, values in VALUES.items() if label != "namespace"}
LOOKED_FOR = KEPT | {"result": VALUES["result"] | {"agreed", "disagreed", "failed", "dropped"}}
ANNOTATION_QUERIES = [expr for expr, _, _ in ANNOTATIONS.values()]


def metrics_in(expr: str) -> set[str]:
    """What stands before a selector: each query of a board selects at least a namespace."""
    return set(re.findall(r"([A-Za-z_:][\w:]*)\{", expr))


def asked() -> set[str]:
    queries = [query.expr for board in BOARDS for panel in board.panels for query in panel.queries]
    return {metric for expr in (*queries, *ANNOTATION_QUERIES) for metric in metrics_in(expr)}


def without_suffix(name: str) -> str:
    return re.sub(r"_(bucket|sum|count)$", "", name)


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_the_file_is_the_generated_one(board: Board) -> None:
    assert path(board).read_text() == text(board), "run: make boards"


def test_the_rules_are_the_generated_ones() -> None:
    assert PROMISES.read_text() == promises_text(), "run: make boards"


def test_there_is_no_other_file() -> None:
    assert set(path(BOARDS[0]).parent.iterdir()) == set(map(path, BOARDS))


@pytest.mark.parametrize("panel", EVERY_PANEL)
def test_every_panel_says_what_it_shows(panel: Panel) -> None:
    assert panel.unit
    assert panel.queries
    assert panel.description.endswith(".")


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_titles_differ(board: Board) -> None:
    titles = [panel.title for panel in board.panels]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("panel", EVERY_PANEL)
def test_every_query_asks_for_what_exists(panel: Panel) -> None:
    for query in panel.queries:
        assert metrics_in(query.expr)
        assert metrics_in(query.expr) - series() - OTHERS == set()


@pytest.mark.parametrize("panel", EVERY_PANEL)
def test_every_value_that_is_looked_for_exists(panel: Panel) -> None:
    found = {one for query in panel.queries for one in matchers_in(query.expr) if one[0] in LOOKED_FOR}
    assert {(label, value) for label, value in found if value not in LOOKED_FOR[label]} == set()


@pytest.mark.parametrize("expr", ANNOTATION_QUERIES)
def test_every_annotation_asks_for_what_exists(expr: str) -> None:
    assert metrics_in(expr)
    assert metrics_in(expr) - series() == set()


def test_every_metric_of_ours_is_shown() -> None:
    shown, ours = {without_suffix(name) for name in asked()}, {without_suffix(name) for name in series()}
    assert ours - shown == UNSHOWN.keys()


def test_no_metric_of_others_is_known_in_vain() -> None:
    assert OTHERS - asked() == set()


def test_every_alert_is_explained_by_a_panel() -> None:
    linked = {alert for board in BOARDS for panel in board.panels for alert in panel.alerts}
    assert linked == names()


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_no_panel_covers_another(board: Board) -> None:
    taken = set()
    for panel in board.document()["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, panel["title"]
                taken.add((x, y))
    assert max(x for x, _ in taken) < 24


def test_a_metric_that_is_gone_would_be_found() -> None:
    """Of a peer's board: Triton no longer has it."""
    assert metrics_in('sum (rate(nv_inference_load_ratio_bucket{namespace=~"$namespace"}[5m]))') - OTHERS - series()
