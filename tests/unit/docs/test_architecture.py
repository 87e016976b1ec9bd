"""The table "To change X, open Y" in ARCHITECTURE.md leads to files that exist and contain the name."""

import re

import pytest

from tests.unit.docs.reasons import ROOT

PAGE = (ROOT / "ARCHITECTURE.md").read_text()
SECTION = re.search(r"^## To change X, open Y\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
ROWS = re.findall(r"^\| (.+?) \| `([^`]+)` \| `([^`]+)` \|$", SECTION[1] if SECTION else "", re.MULTILINE)


def test_the_table_answers_ten_questions() -> None:
    assert len(ROWS) == 10


@pytest.mark.parametrize(("change", "path", "name"), ROWS)
def test_the_file_exists_and_contains_the_name(change: str, path: str, name: str) -> None:
    assert re.search(rf"\b{re.escape(name)}\b", (ROOT / path).read_text()), f"to change {change}: {path} has no {name}"


@pytest.mark.parametrize("path", re.findall(r"`(\w+/\w+\.py|\w+\.py)`", PAGE))
def test_a_file_that_is_named_in_the_text_exists(path: str) -> None:
    folders = ("services/api/inference_api", "operators/agent/replica_agent", "operators/rollout/rollout_operator")
    assert [
        found for folder in folders for found in (ROOT / folder).rglob(path.rpartition("/")[2]) if path in str(found)
    ]
