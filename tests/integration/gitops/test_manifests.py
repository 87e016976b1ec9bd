"""Every manifest for Flux and Argo CD, as a real API server with their CRDs takes it; and what they must agree on."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.stack.folders import ROOT
from ci.stack.kubernetes import Cluster
from tests.harness.chart import helm
from tests.harness.kubectl import Kubectl, KubectlFailed

pytestmark = pytest.mark.integration

GITOPS = ROOT / "manifests" / "gitops"
ARGOCD = GITOPS / "argocd"
HEALTH = "resource.customizations.health.serving.medinfer.io_ModelRollout"
MANIFESTS = sorted(path for path in GITOPS.glob("*/*.yaml") if path.name != "kustomization.yaml")


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    for name in ("argocd", "flux-system", "medinfer"):
        cluster.client.create("/api/v1/namespaces", {"metadata": {"name": name}})
    return Kubectl(cluster.kubeconfig("admin", "default"))


def read(path: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((GITOPS / path).read_text())
    return document


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_api_server_takes_it(kubectl: Kubectl, path: Path) -> None:
    said = kubectl.dry_run(path.read_text())
    assert said.endswith("(server dry run)\n")
    assert "Warning" not in said


def test_a_mistyped_field_is_refused(kubectl: Kubectl) -> None:
    text = (GITOPS / "flux" / "rollout.yaml").read_text().replace("  wait: true", "  await: true")
    with pytest.raises(KubectlFailed, match=r"\.spec\.await: field not declared in schema"):
        kubectl.dry_run(text)


def test_the_health_check_joins_the_settings_of_argo_cd(kubectl: Kubectl, cluster: Cluster) -> None:
    settings = "/api/v1/namespaces/argocd/configmaps/argocd-cm"
    cluster.client.create(settings.rpartition("/")[0], {"metadata": {"name": "argocd-cm"}, "data": {"url": "theirs"}})
    kubectl.run("apply", "--server-side", "--force-conflicts", "-k", str(ARGOCD))
    data = cluster.client.get(settings)["data"]
    assert data == {"url": "theirs", HEALTH: (ARGOCD / "health.lua").read_text()}


def test_the_rollout_names_what_the_chart_of_the_stack_makes() -> None:
    values = read("stack/helmrelease.yaml")["spec"]["values"]
    assert values == read("argocd/stack.yaml")["spec"]["source"]["helm"]["valuesObject"]
    objects = helm.render(settings=("rollout.enabled=false", "image.repository=registry.example.org/medinfer"))
    spec = read("rollout/modelrollout.yaml")["spec"]
    assert spec["tritonRef"]["name"] in helm.of_kind(objects, "StatefulSet")
    assert spec["apiRef"]["name"] in helm.of_kind(objects, "Deployment")
    assert not helm.of_kind(objects, "ModelRollout")


def test_the_paths_are_there() -> None:
    for path in ("flux/stack.yaml", "flux/rollout.yaml"):
        assert (ROOT / read(path)["spec"]["path"]).is_dir()
    assert (ROOT / read("argocd/rollout.yaml")["spec"]["source"]["path"]).is_dir()
    charts = [read("argocd/stack.yaml")["spec"]["source"]["path"]]
    charts.append(read("stack/helmrelease.yaml")["spec"]["chart"]["spec"]["chart"])
    assert all((ROOT / chart / "Chart.yaml").exists() for chart in charts)


def test_flux_waits_longer_than_the_steps_last() -> None:
    steps = read("rollout/modelrollout.yaml")["spec"]["strategy"]["steps"]
    paused = sum(step["pause"]["seconds"] for step in steps if "pause" in step)
    flux = read("flux/rollout.yaml")["spec"]
    assert flux["wait"] is True
    assert int(flux["timeout"].removesuffix("h")) * 3600 > 2 * paused + 300
