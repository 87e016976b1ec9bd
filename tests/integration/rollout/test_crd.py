"""The CRD, its samples and its rules, as the real API server has them."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.stack.control_plane import binary
from ci.stack.folders import ROOT
from ci.stack.kubernetes import Refused
from tests.harness.rollout.namespace import Namespace
from tests.unit.rollout.simulated_agent import Behaviour
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import digest, spec
from tests.unit.rollout.test_crd import BAD, RELEASE, SAMPLES, lay_over

pytestmark = pytest.mark.integration

COLUMNS = ["NAME", "STABLE", "CANARY", "WEIGHT", "STEP", "WARM", "PHASE", "READY", "AGE"]
NAME = RELEASE["metadata"]["name"]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in SAMPLES])
def test_samples_are_accepted(namespace: Namespace, path: Path) -> None:
    sample = yaml.safe_load(path.read_text())
    namespace.apply_rollout(sample)
    assert namespace.rollout(NAME)["spec"].items() >= {"version": sample["spec"]["version"]}.items()


@pytest.mark.parametrize("bad", [pytest.param(bad, id=bad["id"]) for bad in BAD])
def test_bad_specs_are_refused_with_the_mend(namespace: Namespace, bad: dict[str, Any]) -> None:
    if bad.get("update"):
        namespace.apply_rollout(RELEASE)
    with pytest.raises(Refused) as refused:
        namespace.apply_rollout(lay_over(RELEASE, bad["change"]))
    assert refused.value.status == 422
    assert bad["message"] in str(refused.value)


def test_a_field_that_does_not_exist_is_named(namespace: Namespace) -> None:
    with pytest.raises(Refused, match="stepz"):
        namespace.apply_rollout(lay_over(RELEASE, {"strategy.stepz": []}))


def test_statuses_of_a_rollout_are_stored_whole(namespace: Namespace) -> None:
    """A release and one that fails, each phase of them: the API server drops what its schema does not know."""
    namespace.apply_rollout(RELEASE)
    for status in statuses_of_two_releases():
        stored = namespace.set_rollout_status(NAME, status)["status"]
        assert stored == status


def statuses_of_two_releases() -> list[dict[str, Any]]:
    """The first of each phase, in a simulated cluster."""
    bundles = {digest(1): Behaviour(), digest(2): Behaviour(), digest(3): Behaviour(error_share=0.4)}
    cluster = Cluster(spec(1), bundles)
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for version in (1, 2, 3):
        cluster.spec = spec(version, generation=version)
        for _ in range(30):
            cluster.tick()
            found.setdefault((version, str(cluster.phase)), cluster.status)
    assert {"Shadowing", "Progressing", "Healthy", "RolledBack"} <= {phase for _, phase in found}
    return list(found.values())


def test_kubectl_shows_where_it_stands(namespace: Namespace) -> None:
    namespace.apply_rollout(RELEASE)
    status = {
        "phase": "Progressing",
        "step": "3/7",
        "warm": "2/2",
        "stable": {"version": 1, "digest": digest(1), "uri": "file:/1.tar"},
        "canary": {"version": 2, "digest": digest(2), "uri": "file:/2.tar", "weight": 5},
    }
    namespace.set_rollout_status(NAME, status)
    heading, line = kubectl(namespace, "get", "mro").splitlines()
    assert heading.split() == COLUMNS
    assert line.split()[:7] == [NAME, "1", "2", "5", "3/7", "2/2", "Progressing"]


def test_kubectl_explains_the_fields(namespace: Namespace) -> None:
    assert "sha256 of the bundle" in kubectl(namespace, "explain", "mro.spec.artifact.digest")


def kubectl(namespace: Namespace, *arguments: str) -> str:
    environment = {"KUBECONFIG": str(namespace.kubeconfig("admin")), "HOME": "/nonexistent"}
    command = [str(binary("kubectl")), *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True).stdout
