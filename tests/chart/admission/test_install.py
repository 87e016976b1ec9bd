"""Who may do everything in one namespace and nothing else installs the chart without its policies."""

import pytest

from ci.stack.kubernetes import Cluster, binding
from tests.chart.admission.conftest import numbers
from tests.chart.conftest import create_restricted
from tests.harness.chart import helm
from tests.harness.chart.admitted import VALUES
from tests.harness.chart.helm import CHART, HelmFailed


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    """Return a namespace whose owner is the user of this name."""
    name = f"admission-{next(numbers)}"
    create_restricted(cluster, name)
    owner = binding(name, "cluster-admin")
    owner["roleRef"]["kind"] = "ClusterRole"
    cluster.client.create(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{name}/rolebindings", owner)
    return name


def test_the_owner_of_a_namespace_installs_without_policies(cluster: Cluster, namespace: str) -> None:
    kubeconfig = cluster.plane.kubeconfig(namespace, namespace=namespace)

    def install(*settings: str) -> str:
        where = ("--namespace", namespace, "--kubeconfig", str(kubeconfig), "--skip-crds")
        return helm.run("install", "medinfer", str(CHART), *where, *helm.options(VALUES, settings))

    reach = "networkPolicy.apiServerCidr=10.0.0.1/32"
    with pytest.raises(HelmFailed, match=r"validatingadmissionpolicies.* is forbidden"):
        install(reach)
    assert "admission.enabled is false" in install(reach, "admission.enabled=false")
