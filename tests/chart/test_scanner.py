"""kube-score reports nothing critical except what is explained here."""

from pathlib import Path

import pytest

from tests.harness.chart.helm import SHAPES, render_text
from tests.harness.chart.kube_score import critical

EXPLAINED = {
    # Throttling shows as latency of patients' requests, and memory is bounded.
    "CPU limit is not set",
    # Releases have tags of their own, or digests: a node that has the image starts a pod while the registry is away.
    "ImagePullPolicy is not set to Always",
    # Every emptyDir has a size limit, and the root file system is read-only.
    "Ephemeral Storage request is not set",
    "Ephemeral Storage limit is not set",
}
EXPLAINED_OF_ONE = {
    # No traffic goes to it; ready only says that a new one may take the old one's place.
    ("Deployment/medinfer-rollout-operator", "Container has the same readiness and liveness probe"),
    # A drain may take all of it: everything serves on without it.
    ("Deployment/medinfer-rollout-operator", "No matching PodDisruptionBudget was found"),
}
WITHOUT_POLICIES = "The pod does not have a matching NetworkPolicy"


@pytest.mark.parametrize("shape", [pytest.param(path, id=path.stem) for path in SHAPES])
def test_nothing_critical_is_unexplained(shape: Path) -> None:
    found = {(where, what) for where, what in critical(render_text(shape)) if what not in EXPLAINED}
    if shape.stem == "minimal-values":  # which turns them off
        found = {(where, what) for where, what in found if what != WITHOUT_POLICIES}
    assert found - EXPLAINED_OF_ONE == set()


def test_it_would_find_something() -> None:
    found = critical(render_text(SHAPES[0]).replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"))
    assert "The pod has a container with a writable root filesystem" in {what for _, what in found}
