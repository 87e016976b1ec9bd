"""From the previous version of medinfer to this one and back, by docs/upgrading.md: old parts beside new ones.

One release for all, under load: the last test promotes the canary that the previous version began.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import upgrading
from tests.harness.release import previous
from tests.harness.release.gate import GatedCanary
from tests.harness.release.node import needs_the_local_cluster
from tests.harness.release.release import NAME, Release, run

pytestmark = [needs_the_local_cluster, pytest.mark.timeout(900)]

# Everything is replaced at once, on two cores: what fails shall fail for the upgrade, not for want of a CPU.
RATE_PER_SECOND = 20
AFTER = 100
COMPONENTS = ("api", "triton", "operator")


@pytest.fixture(scope="module")
def canary(bundles: None, images: list[bytes]) -> Iterator[GatedCanary]:
    """Of the previous version, with the CRD that its chart brings; version 1 of the model is live."""
    release = Release("e2e-upgrade")
    release.rate_per_second = RATE_PER_SECOND
    previous.use(release)
    with previous.without_crd():
        try:
            yield GatedCanary(release, images)
        finally:
            release.remove()


def test_at_rest(canary: GatedCanary, tmp_path: Path) -> None:
    with canary.load(tmp_path) as load:
        upgrade(canary.release, 1)
        canary.release.wait_for_phase("Healthy", 1)
        load.wait_until_answered(AFTER)
        result = load.finish()
    assert result.failed == 0, result
    assert result.by_version().keys() == {1}


def test_going_back(canary: GatedCanary, tmp_path: Path) -> None:
    """The CRD stays."""
    with canary.load(tmp_path) as load:
        run("helm", "rollback", NAME, "--namespace", canary.release.namespace)
        canary.release.wait_for_rollouts()
        canary.release.wait_for_phase("Healthy", 1)
        load.wait_until_answered(AFTER)
        result = load.finish()
    assert result.failed == 0, result


def test_in_the_middle_of_a_canary(canary: GatedCanary, tmp_path: Path) -> None:
    previous.use(canary.release)
    canary.begin()
    with canary.load(tmp_path) as load:
        upgrade(canary.release, 2)
        canary.wait()
        load.wait_until_answered(AFTER)
        canary.approve()
        load.mark("promoted")
        load.wait_until_answered(AFTER)
        result = load.finish()
    assert result.failed == 0, result
    assert result.between("promoted").by_version().keys() == {2}


def upgrade(release: Release, version: int) -> None:
    """Each command of the page. helm's has this release's values, for a file of values."""
    assert of_the_previous(release) == set(COMPONENTS)
    for command in [*upgrading.commands("1."), *upgrading.commands("3.")]:
        if command[0] == "helm":
            assert command[:4] == ["helm", "upgrade", NAME, "charts/medinfer"]
            release.use_this_chart()
            release.upgrade(version)
        else:
            run(*(release.namespace if word == upgrading.NAMESPACE else word for word in command), timeout_seconds=600)
    assert not of_the_previous(release)


def of_the_previous(release: Release) -> set[str]:
    """Components that have a pod with an image of the previous version."""
    pods = {component: release.pods(component) for component in COMPONENTS}
    return {component for component, found in pods.items() if previous.SUFFIX in json.dumps(found)}
