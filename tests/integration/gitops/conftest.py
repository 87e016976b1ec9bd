"""One control plane with the CRDs of Flux and Argo CD and our own."""

from collections.abc import Iterator

import pytest

from ci.stack.control_plane import ControlPlane, binary
from ci.stack.kubernetes import Cluster
from tests.harness.flux import CRDS


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as plane, Cluster(plane) as cluster:
        cluster.install_crd()
        for kind in (*CRDS, "applications"):
            cluster.install_crd(binary(f"{kind}.yaml"))
        yield cluster
