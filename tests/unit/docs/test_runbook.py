"""docs/runbook.md has an entry for every reason, alert and error that the parts report, and no others."""

import re

import pytest
from rollout_operator.documents.status import Phase

from tests.unit.docs import alerts
from tests.unit.docs.reasons import OF_THE_FRAMEWORK, ROOT, errors_of_visits, kinds_of_problems, reasons_of_rollouts

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
ENTRIES = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
NAMES = reasons_of_rollouts() | alerts.names()


def test_reasons_are_found() -> None:
    assert {"AwaitingApproval", "AnalysisFailed", "FetchFailed", "Adopted", "Loading", "Serving"} <= NAMES
    assert {"model-failed", "not-ready", "internal"} <= kinds_of_problems()


def test_every_reason_and_alert_has_an_entry() -> None:
    assert sorted(NAMES - ENTRIES.keys()) == []


def test_every_entry_is_about_something_that_is_said() -> None:
    assert sorted(ENTRIES.keys() - NAMES) == []


def test_no_entry_is_there_twice() -> None:
    headings = re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE)
    assert len(headings) == len(set(headings))


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_an_entry_says_what_it_means_how_to_look_and_what_to_do(name: str) -> None:
    assert re.findall(r"^- (\w+): \S", ENTRIES[name], re.MULTILINE) == ["Means", "Look", "Do"]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        pytest.param("Phases", {str(phase) for phase in Phase}, id="phases"),
        pytest.param("Problems of the API", kinds_of_problems() | OF_THE_FRAMEWORK, id="problems"),
        pytest.param("Errors of the operator", errors_of_visits(), id="errors"),
    ],
)
def test_a_table_names_all_and_nothing_else(section: str, words: set[str]) -> None:
    assert set(re.findall(r"^\| `([\w-]+)` \|", SECTIONS[section], re.MULTILINE)) == words
