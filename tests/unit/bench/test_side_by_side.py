"""medinfer next to what it is compared with: who is in the tables, and which limits hold."""

from itertools import product

import pytest

from ci.bench.packages import locked
from ci.bench.results import Check
from ci.bench.sections import side_by_side
from ci.bench.sections.side_by_side import AT_LEAST, PROCESSES, SERVERS, Results
from ci.bench.servers import BENTOML, BENTOML_BATCHED, BENTOML_PROJECT, LITSERVE, LITSERVE_BATCHED, OURS
from ci.load.k6 import ClosedResult
from ci.stack.folders import ROOT


def results(rates: dict[tuple[str, int], float]) -> Results:
    """One run each, the same for any number of users: `rates` by server and processes; 100 requests/s else."""
    return {
        (name, processes, users): [ClosedResult(users, 800, 0, 0, rates.get((name, processes), 100), 1, 1, 1)]
        for name, processes, users in product(SERVERS, PROCESSES, AT_LEAST)
    }


def ratios(checks: list[Check], product_name: str) -> list[tuple[float, bool]]:
    return [(check.value, check.passed) for check in checks if product_name in check.name]


@pytest.mark.parametrize(
    ("name", "plain", "batched"),
    [
        pytest.param("LitServe", LITSERVE, LITSERVE_BATCHED, id="LitServe"),
        pytest.param("BentoML", BENTOML, BENTOML_BATCHED, id="BentoML"),
    ],
)
@pytest.mark.parametrize("fast", [pytest.param(0, id="plain"), pytest.param(1, id="batching")])
def test_medinfer_is_held_against_the_faster_way_of_each_product(
    name: str, plain: str, batched: str, fast: int
) -> None:
    """At its better number of processes. The limits are 1.25 with 10 users and 1.15 with 50."""
    rates = {(OURS, 1): 240.0, (OURS, 2): 300.0, ((plain, batched)[fast], 1): 250.0}
    checks = list(side_by_side.summarize(results(rates), "").checks)
    other = {"LitServe": "BentoML", "BentoML": "LitServe"}[name]
    assert ratios(checks, name) == [(1.2, False), (1.2, True)]
    assert ratios(checks, other) == [(3.0, True), (3.0, True)]


def test_every_server_is_in_the_tables_and_the_plot() -> None:
    section = side_by_side.summarize(results({}), "")
    rates, against = section.tables
    assert [row[0] for row in rates.rows] == [OURS, *(row[0] for row in against.rows)] == list(SERVERS)
    assert list(section.plots[0].series) == list(SERVERS)


@pytest.mark.parametrize("package", ["httptools", "numpy", "onnxruntime", "pillow", "uvloop"])
def test_bentoml_decodes_and_infers_with_what_the_others_have(package: str) -> None:
    """It has a uv.lock of its own. After a change of the other one: `uv lock` in ci/bench/compared/bento."""
    assert locked(BENTOML_PROJECT)[package] == locked(ROOT)[package]
