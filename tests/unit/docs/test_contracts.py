"""docs/contracts.md names every metric of each part, every problem and setting of the API, and no others."""

import re

import pytest
from inference_api.process.metrics import Metrics
from inference_api.settings import Settings
from prometheus_client.registry import Collector
from rollout_operator.metrics import Metrics as OperatorMetrics

from tests.unit.docs.alerts import agent_registry
from tests.unit.docs.reasons import OF_THE_FRAMEWORK, ROOT, kinds_of_problems

PAGE = (ROOT / "docs" / "contracts.md").read_text()
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
COLLECTED = [
    pytest.param("Metrics of the API", "inference_api_", Metrics(lambda: ({}, [])), id="api"),
    pytest.param("Metrics of the agent", "medinfer_agent_", agent_registry(), id="agent"),
    pytest.param("Metrics of the operator", "medinfer_", OperatorMetrics().registry, id="operator"),
]


def cells(table: str, column: int) -> set[str]:
    """The words in backticks of this column."""
    rows = [row.split(" | ") for row in re.findall(r"^\| (.+) \|$", table, re.MULTILINE)]
    return {word for row in rows for word in re.findall(r"`([\w-]+)`", row[column])}


@pytest.mark.parametrize(("section", "prefix", "collector"), COLLECTED)
def test_metrics(section: str, prefix: str, collector: Collector) -> None:
    collected = {
        metric.name.removeprefix(prefix) + ("_total" if metric.type == "counter" else "")
        for metric in collector.collect()
    }
    assert cells(SECTIONS[section], 0) == collected


def test_problems() -> None:
    table = SECTIONS["Problems of the API"]
    assert sorted((kinds_of_problems() | OF_THE_FRAMEWORK) - cells(table, 1)) == []


def test_settings() -> None:
    table = SECTIONS["Environment"].partition("\nAgent")[0]
    assert cells(table, 0) == {name.upper() for name in Settings.model_fields}
