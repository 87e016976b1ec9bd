"""Install, upgrade, roll back and uninstall with the real helm and API server; no pod runs."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import yaml
from rollout_operator.edge.objects import with_writer

from ci.stack.cluster_objects import now
from ci.stack.kubernetes import Client, Cluster
from tests.chart.conftest import create_restricted
from tests.harness.chart import helm
from tests.harness.chart.helm import CHART, HelmFailed, Json

CPU = CHART / "ci" / "cpu-values.yaml"
DOCUMENT = '{"schemaVersion": 1}'
DIGEST = "sha256:" + "2" * 64
VERSION_LINE = {"version": 2, "artifact": {"uri": "https://models.example/2.tar", "digest": DIGEST}}
KINDS = {
    "api/v1": ("configmaps", "services", "serviceaccounts", "pods"),
    "apis/apps/v1": ("deployments", "statefulsets"),
    "apis/autoscaling/v2": ("horizontalpodautoscalers",),
    "apis/networking.k8s.io/v1": ("networkpolicies", "ingresses"),
    "apis/policy/v1": ("poddisruptionbudgets",),
    "apis/rbac.authorization.k8s.io/v1": ("roles", "rolebindings"),
    "apis/serving.medinfer.io/v1alpha1": ("modelrollouts",),
}
numbers = count(1)


@dataclass
class Release:
    client: Client
    namespace: str
    kubeconfig: Path

    def helm(self, *arguments: str, timeout_seconds: float = 60) -> str:
        where = ("--namespace", self.namespace, "--kubeconfig", str(self.kubeconfig))
        return helm.run(*arguments, *where, timeout_seconds=timeout_seconds)

    def release_version(self, folder: Path, *flags: str) -> None:
        """Run the upgrade of NOTES.txt and the docs: the values file with another version, address and digest."""
        edited = folder / "medinfer-values.yaml"
        values = yaml.safe_load(CPU.read_text())
        edited.write_text(yaml.safe_dump(values | {"rollout": values["rollout"] | VERSION_LINE}))
        self.helm("upgrade", "medinfer", str(CHART), "-f", str(edited), *flags)

    def path(self, api: str, kind: str, name: str = "") -> str:
        return f"/{api}/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else "")

    def objects(self) -> dict[tuple[str, str], Json]:
        """Return the release's objects by kind and name."""
        return {
            (kind, one["metadata"]["name"]): one
            for api, kinds in KINDS.items()
            for kind in kinds
            for one in self.client.get(self.path(api, kind))["items"]
        }

    def config_map(self, name: str) -> Json:
        return self.client.get(self.path("api/v1", "configmaps", name))

    @property
    def operator(self) -> Client:
        return self.client.as_user(f"system:serviceaccount:{self.namespace}:medinfer-rollout-operator")

    def rollout(self) -> Json:
        return self.client.get(self.path("apis/serving.medinfer.io/v1alpha1", "modelrollouts", "resnet-medical"))


@pytest.fixture
def release(cluster: Cluster) -> Iterator[Release]:
    """Install with cpu-values.yaml; write plan and routes as the operator and scale the API to five pods."""
    namespace = f"release-{next(numbers)}"
    create_restricted(cluster, namespace)
    release = Release(cluster.client, namespace, cluster.kubeconfig("admin", namespace))
    release.helm("install", "medinfer", str(CHART), "--values", str(CPU))
    for name, key in (("medinfer-triton-plan", "plan.json"), ("medinfer-api-routes", "routes.json")):
        before = release.config_map(name)
        assert "data" not in before
        written = with_writer(before | {"data": {key: DOCUMENT}}, "operator-0")
        release.operator.replace(release.path("api/v1", "configmaps", name), written)
    cluster.client.merge(release.path("apis/apps/v1", "deployments", "medinfer-api"), {"spec": {"replicas": 5}})
    yield release


def test_a_release_of_a_version_changes_the_rollout_and_nothing_else(release: Release, tmp_path: Path) -> None:
    before = release.objects()
    release.release_version(tmp_path)
    after = release.objects()
    changed = [key for key, one in after.items() if revision(one) != revision(before[key])]
    assert changed == [("modelrollouts", "resnet-medical")]
    assert after.keys() == before.keys()
    assert release.rollout()["spec"]["version"] == 2
    assert release.config_map("medinfer-triton-plan")["data"] == {"plan.json": DOCUMENT}
    assert release.config_map("medinfer-api-routes")["data"] == {"routes.json": DOCUMENT}


def test_an_upgrade_of_the_chart_replaces_no_pod_and_keeps_the_autoscalers_number(
    release: Release, tmp_path: Path
) -> None:
    before = release.objects()
    newer = newer_chart(tmp_path)
    release.helm("upgrade", "medinfer", str(newer), "--reuse-values")
    after = release.objects()
    workloads = [key for key in before if key[0] in ("deployments", "statefulsets")]
    assert workloads
    for key in workloads:
        assert after[key]["spec"] == before[key]["spec"]
        assert after[key]["metadata"]["labels"]["helm.sh/chart"] == "medinfer-9.9.9"
    assert after[("deployments", "medinfer-api")]["spec"]["replicas"] == 5
    assert after[("configmaps", "medinfer-triton-plan")]["data"] == {"plan.json": DOCUMENT}
    assert after[("configmaps", "medinfer-api-routes")]["metadata"]["annotations"]["serving.medinfer.io/writer"]


def test_a_rollback_of_the_release_leaves_plan_and_routes(release: Release, tmp_path: Path) -> None:
    release.release_version(tmp_path)
    release.helm("rollback", "medinfer", "1")
    assert release.rollout()["spec"]["version"] == 1
    assert release.config_map("medinfer-triton-plan")["data"] == {"plan.json": DOCUMENT}


def test_waiting_with_rollback_takes_the_version_back(release: Release, tmp_path: Path) -> None:
    """The reason for the warning in NOTES: helm 4 waits for the ModelRollout and at the timeout restores the version.

    That aborts the canary. Everything but the rollout is as ready as it can be.
    """
    for key, one in release.objects().items():
        if status := ready_status(key[0], one):
            client = release.operator if key[0] == "modelrollouts" else release.client
            client.merge(f"{release.path(api_of(key[0]), *key)}/status", {"status": status})
    wait = ("--wait", "--rollback-on-failure", "--timeout", "10s")
    with pytest.raises(HelmFailed) as failed:
        release.release_version(tmp_path, *wait)
    assert f"resource ModelRollout/{release.namespace}/resnet-medical not ready" in str(failed.value)
    assert "Deployment" not in str(failed.value)
    assert release.rollout()["spec"]["version"] == 1


def test_uninstall_leaves_nothing(release: Release) -> None:
    release.helm("uninstall", "medinfer")
    assert [key for key in release.objects() if key[1] not in ("default", "kube-root-ca.crt")] == []


def test_a_second_release_in_the_namespace_is_refused(release: Release) -> None:
    with pytest.raises(HelmFailed, match=f"namespace {release.namespace} already has release medinfer"):
        release.helm("install", "other", str(CHART), "--values", str(CPU))


def ready_status(kind: str, one: Json) -> Json | None:
    """Return the status that its controller writes when all pods are ready, or None."""
    seen, wanted = {"observedGeneration": one["metadata"].get("generation")}, one.get("spec", {}).get("replicas", 1)
    if kind == "modelrollouts":
        return seen | {"conditions": [condition("Ready", "Promoted")]}
    counts = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "updatedReplicas"), wanted)
    if kind == "deployments":
        ready = [condition("Available", "MinimumReplicasAvailable"), condition("Progressing", "NewReplicaSetAvailable")]
        return seen | counts | {"conditions": ready}
    revisions = {"currentRevision": "r", "updateRevision": "r", "currentReplicas": wanted}
    return seen | counts | revisions if kind == "statefulsets" else None


def condition(kind: str, reason: str) -> Json:
    return {"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": now()}


def api_of(kind: str) -> str:
    return next(api for api, kinds in KINDS.items() if kind in kinds)


def newer_chart(folder: Path) -> Path:
    shutil.copytree(CHART, folder / "medinfer")
    chart = folder / "medinfer" / "Chart.yaml"
    chart.write_text(yaml.safe_dump(yaml.safe_load(chart.read_text()) | {"version": "9.9.9"}))
    return folder / "medinfer"


def revision(one: Json) -> str:
    return str(one["metadata"]["resourceVersion"])
