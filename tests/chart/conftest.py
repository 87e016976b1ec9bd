"""A real API server with the CRDs that the chart uses, and a namespace that enforces Pod Security "restricted"."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from ci.stack import component
from ci.stack.component import Component
from ci.stack.control_plane import ControlPlane, binary
from ci.stack.kubernetes import Cluster
from tests.harness.chart import kubeconform
from tests.harness.chart.helm import SHAPES, render
from tests.harness.chart.nodes import Nodes
from tests.harness.chart.placing import Placing
from tests.harness.kubectl import Kubectl

NAMESPACE, TRUST = "restricted", "trust"  # the second has the approvers of everything-values.yaml
# Of others, for what the chart creates only if a value says so.
CRDS = (
    "servicemonitors.yaml",
    "prometheusrules.yaml",
    "httproutes.yaml",
    "referencegrants.yaml",
    "certificates.yaml",
    "scaledobjects.yaml",
)
numbers = count(1)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as plane, Cluster(plane) as cluster:
        cluster.install_crd()
        for name in CRDS:
            cluster.install_crd(binary(name))
        for name in (NAMESPACE, TRUST):
            create_restricted(cluster, name)
        # What the shapes in ci/ name and admission asks for.
        cluster.client.create(
            "/apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": "clinical"}, "value": 1000}
        )
        cluster.client.create(
            "/apis/node.k8s.io/v1/runtimeclasses", {"metadata": {"name": "nvidia"}, "handler": "nvidia"}
        )
        local = {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}
        cluster.client.create("/apis/storage.k8s.io/v1/storageclasses", {"metadata": {"name": "by-hand"}} | local)
        yield cluster


@pytest.fixture(scope="session")
def scheduler(cluster: Cluster) -> Iterator[Component]:
    with component.scheduler(cluster.plane) as scheduler:
        yield scheduler


@pytest.fixture
def nodes(cluster: Cluster, scheduler: Component) -> Iterator[Nodes]:
    nodes = Nodes(cluster.client)
    yield nodes
    nodes.remove()


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    """Return a new namespace for each test."""
    name = f"scheduling-{next(numbers)}"
    create_restricted(cluster, name)
    return name


@pytest.fixture
def placing(cluster: Cluster, namespace: str) -> Iterator[Placing]:
    placing = Placing(cluster.client, namespace)
    yield placing
    placing.delete()


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    return Kubectl(cluster.kubeconfig("admin", NAMESPACE))


@pytest.fixture(scope="session")
def schemas(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a schema file for each kind in the chart, for kubeconform."""
    folder = tmp_path_factory.mktemp("schemas")
    kinds = {(one["apiVersion"], one["kind"]) for shape in SHAPES for one in render(shape)}
    kubeconform.write_schemas(cluster.client.get("/openapi/v2"), kinds, folder)
    return folder


def create_restricted(cluster: Cluster, name: str) -> None:
    pod_security = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    cluster.client.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": pod_security}})
