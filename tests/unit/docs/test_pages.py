"""Links, paths, values, make targets and plug-in commands in the docs exist."""

import re
from pathlib import Path

import pytest
import yaml
from kubectl_modelrollout.arguments import build_parser

from tests.unit.docs.reasons import ROOT

PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "charts" / "medinfer" / "README.md",
    ROOT / "model_repository" / "README.md",
]
VALUES = yaml.safe_load((ROOT / "charts" / "medinfer" / "values.yaml").read_text())
FOLDERS = ("charts/", "ci/", "docs/", "manifests/", "model_repository/", "operators/", "services/", "tests/")
pages = pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])


@pages
def test_links_and_paths_exist(page: Path) -> None:
    text = page.read_text()
    links = [target for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in target]
    paths = [path for path in re.findall(r"`([\w./-]+)`", text) if path.startswith(FOLDERS)]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing + [path for path in paths if not (ROOT / path).exists()] == []


@pages
def test_values_that_are_named_exist(page: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(VALUES)})(?:\.\w+)+)\b", page.read_text())
    assert [name for name in named if not is_value(VALUES, name)] == []


@pages
def test_targets_of_make_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([a-z][a-z0-9-]*)", page.read_text(), re.MULTILINE)) - set(targets) == set()


@pages
def test_commands_of_the_plug_in_are_taken(page: Path) -> None:
    commands = re.findall(r"kubectl modelrollout ([a-z][^`\n#]*)", page.read_text())
    taken = [vars(build_parser().parse_args(command.split()))["verb"] for command in commands]
    assert taken == [command.split()[0] for command in commands]


def is_value(values: object, name: str) -> bool:
    for key in name.split("."):
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True
