"""Every decision names its alternatives, and the index lists it."""

import re
from pathlib import Path

import pytest

from tests.unit.docs.reasons import ROOT

FOLDER = ROOT / "docs" / "decisions"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))
PARTS = ["Status", "Context", "Decision", "Alternatives considered", "Consequences"]
pages = pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])


@pages
def test_it_has_five_parts(page: Path) -> None:
    assert re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE) == PARTS


@pages
def test_it_weighs_alternatives_and_says_why_not(page: Path) -> None:
    weighed = page.read_text().split("## Alternatives considered")[1].split("## ")[0]
    alternatives = re.findall(r"^- \*\*(.+?)\*\* (\S.+)", weighed, re.MULTILINE)
    assert len(alternatives) >= 2 and len(alternatives) == weighed.count("\n- ")


@pages
def test_its_number_is_its_own(page: Path) -> None:
    assert page.read_text().startswith(f"# {page.name[:3]}: ")
    assert [one for one in PAGES if one.name[:3] == page.name[:3]] == [page]


def test_the_index_lists_them_all() -> None:
    listed = re.findall(r"\]\(([0-9].+?\.md)\)", (FOLDER / "README.md").read_text())
    assert listed == [page.name for page in PAGES]
