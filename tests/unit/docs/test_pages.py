"""The pages for people lead to what is there."""

import re
from pathlib import Path

import pytest
import yaml
from kubectl_modelrollout.arguments import build_parser

from tests.unit.docs.reasons import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PARTS = "api|bundles|image|networkPolicy|rollout|serviceMonitor|tests|triton"
FOLDERS = ("charts/", "docs/", "manifests/", "operators/", "services/", "tests/")


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
def test_links_and_paths_exist(page: Path) -> None:
    text = page.read_text()
    links = [target for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in target]
    paths = [path for path in re.findall(r"`([\w./-]+)`", text) if path.startswith(FOLDERS)]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing + [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
def test_values_that_are_named_exist(page: Path) -> None:
    values = yaml.safe_load((ROOT / "charts" / "medinfer" / "values.yaml").read_text())
    named = re.findall(rf"`((?:{PARTS})(?:\.\w+)+)\b", page.read_text())
    assert [name for name in named if not is_value(values, name)] == []


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
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
