"""One control plane for all tests, a namespace of its own for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.stack.control_plane import ControlPlane
from ci.stack.kubernetes import Cluster
from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.rollouts import RolloutStack


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane


@pytest.fixture(scope="session")
def cluster(control_plane: ControlPlane) -> Iterator[Cluster]:
    with Cluster(control_plane) as cluster:
        cluster.install_crd()
        yield cluster


@pytest.fixture
def namespace(cluster: Cluster) -> Namespace:
    """Empty ConfigMaps, a StatefulSet and a Deployment of no pods; the API server is up, whatever was before."""
    cluster.plane.start_api_server()
    return Namespace(cluster)


@pytest.fixture
def stack(namespace: Namespace, bundles: Path, tmp_path: Path) -> Iterator[RolloutStack]:
    """Nothing runs yet: see RolloutStack.start."""
    stack = RolloutStack(namespace, bundles, tmp_path)
    try:
        yield stack
    finally:
        stack.stop()
