"""docs/contracts.md names every metric, problem and setting of the API, and no others."""

import re

from inference_api.process.metrics import Metrics
from inference_api.settings import Settings

from tests.unit.docs.reasons import OF_THE_FRAMEWORK, ROOT, kinds_of_problems

PAGE = (ROOT / "docs" / "contracts.md").read_text()
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
METRICS = {
    metric.name.removeprefix("inference_api_") + ("_total" if metric.type == "counter" else "")
    for metric in Metrics(lambda: ({}, [])).collect()
}


def cells(table: str, column: int) -> set[str]:
    """The words in backticks of this column."""
    rows = [row.split(" | ") for row in re.findall(r"^\| (.+) \|$", table, re.MULTILINE)]
    return {word for row in rows for word in re.findall(r"`([\w-]+)`", row[column])}


def test_metrics() -> None:
    assert cells(SECTIONS["Metrics of the API"], 0) == METRICS


def test_problems() -> None:
    table = SECTIONS["Problems of the API"]
    assert sorted((kinds_of_problems() | OF_THE_FRAMEWORK) - cells(table, 1)) == []


def test_settings() -> None:
    table = SECTIONS["Environment"].partition("\nAgent")[0]
    assert cells(table, 0) == {name.upper() for name in Settings.model_fields}
