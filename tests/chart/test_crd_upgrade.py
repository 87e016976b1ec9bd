"""docs/upgrading.md's first step replaces the CRD of an older chart by the newer one and keeps ModelRollouts."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ci.stack.control_plane import ControlPlane
from ci.stack.kubernetes import CRD, Cluster
from tests.harness import upgrading
from tests.harness.chart import helm
from tests.harness.chart.helm import CHART, Json
from tests.harness.kubectl import Kubectl

CPU = CHART / "ci" / "cpu-values.yaml"
NEWER_FIELD = "suspend"
ROLLOUT = "/apis/serving.medinfer.io/v1alpha1/namespaces/default/modelrollouts/resnet-medical"
STATUS = {"phase": "Healthy", "message": "version 1 is live", "observedGeneration": 1}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Return a cluster of its own, without the CRD."""
    with ControlPlane(tmp_path / "control-plane") as plane, Cluster(plane) as cluster:
        yield cluster


def test_the_crd_of_an_older_chart_is_upgraded(cluster: Cluster, tmp_path: Path) -> None:
    config = cluster.kubeconfig("admin", "default")
    helm.run("install", "medinfer", str(older_chart(tmp_path)), "--values", str(CPU), "--kubeconfig", str(config))
    operator = cluster.client.as_user("system:serviceaccount:default:medinfer-rollout-operator")
    operator.merge(f"{ROLLOUT}/status", {"status": STATUS})
    assert NEWER_FIELD not in suspended(cluster)["spec"], "the older CRD does not know it"

    for _, *arguments in upgrading.commands("1."):
        Kubectl(config).run(*arguments)

    after = suspended(cluster)
    assert after["spec"][NEWER_FIELD] is True
    assert after["status"] == after["status"] | STATUS


def older_chart(folder: Path) -> Path:
    """Return a copy of the chart whose CRD and schema lack NEWER_FIELD."""
    chart = folder / "medinfer"
    shutil.copytree(CHART, chart)
    crd = yaml.safe_load(CRD.read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["properties"]["spec"]["properties"][NEWER_FIELD]
    (chart / "crds" / CRD.name).write_text(yaml.safe_dump(crd))
    template = chart / "templates" / "rollout" / "modelrollout.yaml"
    template.write_text(template.read_text().replace('"enabled"', f'"enabled" "{NEWER_FIELD}"'))
    return chart


def suspended(cluster: Cluster) -> Json:
    """Try to set `suspend`, and return the ModelRollout."""
    patch = ["patch", "modelrollout", "resnet-medical", "--type=merge", "--patch"]
    Kubectl(cluster.kubeconfig("admin", "default")).run(*patch, json.dumps({"spec": {NEWER_FIELD: True}}))
    return cluster.client.get(ROLLOUT)
