"""renovate.json finds what it shall update. Renovate itself is a Node program and was not run here."""

import re

import pytest

from ci.stack.folders import ROOT
from ci.statements import read
from tests.unit.ci import renovate
from tests.unit.ci.renovate import Json
from tests.unit.ci.test_pins import PINS, Pin

MANAGERS = renovate.managers()
[UV, BASE, TRITON] = MANAGERS
managers = pytest.mark.parametrize(
    "manager", [pytest.param(UV, id="uv"), pytest.param(BASE, id="base image"), pytest.param(TRITON, id="Triton image")]
)
# Renovate's own manager for Go modules updates it.
OF_GO = {"Kubernetes"}


@managers
def test_a_manager_says_what_it_updates(manager: Json) -> None:
    groups = {name for text in manager["matchStrings"] for name in renovate.expression(text).groupindex}
    assert "currentValue" in groups
    assert "depName" in groups or "depNameTemplate" in manager
    assert (manager["customType"], manager["datasourceTemplate"] in ("docker", "pypi")) == ("regex", True)


@managers
def test_a_path_is_a_regular_expression(manager: Json) -> None:
    """Without the slashes Renovate takes it for a glob."""
    assert [one for one in manager["managerFilePatterns"] if not re.fullmatch("/.+/", one)] == []


@managers
def test_every_pattern_finds_something(manager: Json) -> None:
    assert renovate.misses(manager) == []


@pytest.mark.parametrize(
    ("field", "pattern"),
    [
        pytest.param("managerFilePatterns", "/^makefile$/", id="a file that is not there"),
        pytest.param("matchStrings", "UV_RELEASE := (?<currentValue>.+)", id="a line that is not there"),
    ],
)
def test_a_pattern_that_finds_nothing_is_named(field: str, pattern: str) -> None:
    assert pattern in {text for pair in renovate.misses(UV | {field: [*UV[field], pattern]}) for text in pair}


@pytest.mark.parametrize("pin", [pytest.param(pin, id=pin.name) for pin in PINS if pin.name not in OF_GO])
def test_every_place_of_a_pin_is_updated_together(pin: Pin) -> None:
    """A place that is left out would fail tests/unit/ci/test_pins.py in the pull request that Renovate makes."""
    places = {str(one.path) for one in read(ROOT, [pin.source, *pin.copies])}
    assert places in [{match.path for match in renovate.matches(manager)} for manager in MANAGERS]


@managers
def test_a_manager_finds_one_version_of_one_dependency(manager: Json) -> None:
    [(name, version)] = {(match.dependency, match.version) for match in renovate.matches(manager)}
    assert name in {"uv", "python", "nvcr.io/nvidia/tritonserver"}
    if versioning := manager.get("versioningTemplate"):
        assert renovate.expression(versioning.removeprefix("regex:")).search(version)


@pytest.mark.parametrize("manager", [pytest.param(BASE, id="base image"), pytest.param(TRITON, id="Triton image")])
def test_an_image_is_pinned_by_its_digest(manager: Json) -> None:
    """Renovate writes the digest, as no registry could be asked where the tags were written."""
    [match] = {(one.dependency, one.version) for one in renovate.matches(manager)}
    template = str(manager["autoReplaceStringTemplate"])
    digest = f"sha256:{'0' * 64}"
    for field, value in {"depName": match[0], "newValue": match[1], "newDigest": digest}.items():
        template = template.replace(f"{{{{{{{field}}}}}}}", value)
    written = template.replace("{{#if newDigest}}", "").replace("{{/if}}", "")
    (pattern,) = manager["matchStrings"]
    found = renovate.expression(pattern).fullmatch(written)
    assert found and found["currentDigest"] == digest
    assert any(
        rule.get("pinDigests") and rule.get("matchDatasources") == ["docker"]
        for rule in renovate.read()["packageRules"]
    )


def test_rules_name_files_and_managers_that_are_there() -> None:
    content = renovate.read()
    for rule in content["packageRules"]:
        assert set(rule["matchManagers"]) <= set(content["enabledManagers"])
        assert all((ROOT / name).exists() for name in rule.get("matchFileNames", ()))
