"""actionlint accepts the workflows, and they have limited time and rights.

They are here because, like the chart, they are checked by a Go program that `make test-chart` builds.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.stack.folders import ROOT
from tests.harness import actionlint

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
CI = ROOT / ".github" / "workflows" / "ci.yaml"
workflows = pytest.mark.parametrize("workflow", [pytest.param(path, id=path.name) for path in WORKFLOWS])


@workflows
def test_actionlint_finds_nothing(workflow: Path) -> None:
    assert actionlint.check(workflow.read_text()) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "finding"),
    [
        pytest.param("runs-on: ubuntu-24.04", "runs-on: ubuntu-4", 'label "ubuntu-4" is unknown', id="unknown host"),
        pytest.param("needs: test", "needs: tests", 'needs job "tests" which does not exist', id="unknown job"),
        pytest.param("timeout-minutes:", "timeout-minute:", 'unexpected key "timeout-minute"', id="unknown key"),
        pytest.param("matrix.host", "matrix.hosts", 'property "hosts" is not defined', id="unknown property"),
        pytest.param("contents: read", "contents: reed", '"reed" is invalid as permission', id="unknown right"),
    ],
)
def test_actionlint_would_find(right: str, wrong: str, finding: str) -> None:
    text = CI.read_text()
    assert right in text
    assert finding in actionlint.check(text.replace(right, wrong))


@workflows
def test_every_job_ends(workflow: Path) -> None:
    assert [name for name, job in read(workflow)["jobs"].items() if "timeout-minutes" not in job] == []


@workflows
def test_the_token_may_read_and_a_release_may_publish(workflow: Path) -> None:
    assert read(workflow)["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in read(workflow)["jobs"].items() if "permissions" in job}
    publishes = {"contents": "read", "packages": "write", "id-token": "write"}
    assert more == ({"release": publishes} if workflow.name == "release.yaml" else {})


@workflows
def test_actions_are_pinned_to_a_release_or_a_commit(workflow: Path) -> None:
    used = re.findall(r"uses: (\S+)", workflow.read_text())
    assert used
    assert [action for action in used if not re.search(r"@(v\d[\d.]*|[0-9a-f]{40})$", action)] == []


@workflows
def test_every_make_target_exists(workflow: Path) -> None:
    targets = re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    lines = re.findall(r"run: make (.+)", workflow.read_text())
    called = {name for line in lines for name in line.split() if "=" not in name and name[0].isalpha()}
    assert called
    assert called - set(targets) == set()


def read(workflow: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(workflow.read_text())
    return content
