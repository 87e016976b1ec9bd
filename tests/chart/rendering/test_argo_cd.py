"""What Argo CD applied is Synced to it, by its own comparison: also where the API server fills in defaults."""

import json
from pathlib import Path

import pytest
import yaml

from ci.stack.kubernetes import Cluster
from tests.harness.chart import argodiff, helm
from tests.harness.chart.helm import CHART, Json
from tests.harness.kubectl import Kubectl

EVERYTHING, GPU = CHART / "ci" / "everything-values.yaml", CHART / "ci" / "gpu-values.yaml"
# How it applies and compares: by default, and with syncOptions: [ServerSideApply=true], as in manifests/gitops/argocd.
WAYS = {
    "client-side": ((), ()),
    "server-side": (("--server-side", "--force-conflicts", "--field-manager=argocd-controller"), ("-server-side",)),
}


@pytest.mark.parametrize(
    ("way", "shape"),
    [
        pytest.param("client-side", EVERYTHING, id="by-default"),
        pytest.param("server-side", EVERYTHING, id="server-side"),
        pytest.param("server-side", GPU, id="with-keda"),
    ],
)
def test_it_is_in_sync(way: str, shape: Path, cluster: Cluster, namespace: str) -> None:
    applying, comparing = WAYS[way]
    kubeconfig = cluster.kubeconfig("admin", namespace)
    pairs = applied(Kubectl(kubeconfig), rendered(shape, namespace), *applying)
    assert argodiff.differences(pairs, kubeconfig, *comparing) == set()
    edited = [(config | {"spec": {"replicas": 7}}, live) for config, live in pairs if config["kind"] == "StatefulSet"]
    found = argodiff.differences(edited, kubeconfig, *comparing)
    assert "StatefulSet/medinfer-triton spec.replicas" in found


def rendered(shape: Path, namespace: str) -> str:
    """By the helm 3 and the flags of its repo-server, without hooks, which are no part of what it compares.

    The list of approvers is here too: what is applied stays, and others use the namespace that the shape names.
    """
    flags = ("--namespace", namespace, "--kube-version", helm.KUBERNETES, "--values", str(shape), "--skip-tests")
    here = ("--set", f"operator.approvers.namespace={namespace}")
    return helm.run("template", str(CHART), "--name-template", "medinfer", *flags, *here, program="helm3")


def applied(kubectl: Kubectl, text: str, *flags: str) -> list[tuple[Json, Json]]:
    """Each object with what the API server has of it afterwards."""
    configs = [one for one in yaml.safe_load_all(text) if one]
    kubectl.run("apply", *flags, "-f", "-", document=text)
    lives = json.loads(kubectl.run("get", "-f", "-", "-o", "json", "--show-managed-fields", document=text))["items"]
    assert [one["metadata"]["name"] for one in lives] == [one["metadata"]["name"] for one in configs]
    return list(zip(configs, lives, strict=True))
