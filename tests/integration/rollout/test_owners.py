"""An edit by `kubectl modelrollout --apply` does not stand in the way of the next release, however that is made."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from rollout_operator.documents.codec import dump

from ci.stack.kubernetes import Json
from tests.harness.chart import helm
from tests.harness.kubectl import Kubectl
from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.plugin import done
from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.specs import digest, uri

pytestmark = pytest.mark.integration

NAME = "resnet-medical"
MANAGER = "kubectl-modelrollout"
PAUSED = release(cluster(), approvals=()).run_until("Paused")
APPROVE = ("approve", "--gate", "clinical-signoff", "--by", "Dr. Roentgen", "--apply")
ABORT = ("abort", "--apply")

Release = Callable[[Json], None]


def with_helm(program: str, *flags: str) -> Callable[[Namespace, Path], Release]:
    def make(namespace: Namespace, folder: Path) -> Release:
        (folder / "templates").mkdir()
        (folder / "Chart.yaml").write_text("{apiVersion: v2, name: releases, version: 1.0.0}")
        (folder / "templates" / "rollout.yaml").write_text("{{ .Values.rollout | toYaml }}")
        where = ("--namespace", namespace.name, "--kubeconfig", str(namespace.kubeconfig("admin")))

        def write(body: Json) -> None:
            (folder / "values.yaml").write_text(yaml.safe_dump({"rollout": body}))
            helm.run("upgrade", "--install", "releases", str(folder), *where, *flags, program=program)

        return write

    return make


def with_kubectl(*flags: str) -> Callable[[Namespace, Path], Release]:
    def make(namespace: Namespace, folder: Path) -> Release:
        kubectl = Kubectl(namespace.kubeconfig("admin"))
        return lambda body: print(kubectl.run("apply", *flags, "-f", "-", document=json.dumps(body)))

    return make


WAYS = {
    "helm-4": with_helm("helm"),
    "helm-3": with_helm("helm3"),
    "server-side": with_kubectl("--server-side"),
    "client-side": with_kubectl(),
    "kustomize-controller": with_kubectl("--server-side", "--field-manager=kustomize-controller"),
}
# What people write before they release version 3.
EDITS = {
    "abort": (ABORT,),
    "approve": (APPROVE,),
    "approve-then-abort": (APPROVE, ABORT),
    "abort-then-revert": (ABORT, 1),
    "abort-then-the-same-again": (ABORT, 2),
}


def rollout(version: int) -> Json:
    spec = dump(PAUSED.spec) | {"version": version, "artifact": {"uri": uri(version), "digest": digest(version)}}
    kind = {"apiVersion": "serving.medinfer.io/v1alpha1", "kind": "ModelRollout", "metadata": {"name": NAME}}
    return kind | {"spec": spec | {"approvals": []}}


# What is left out is in another row: a field manager has any name, and an approval alone is there with each helm.
LEFT_OUT = {
    "server-side": {"approve"},
    "client-side": {"approve"},
    "kustomize-controller": {"approve", "abort-then-revert", "abort-then-the-same-again"},
}
CASES = [(way, edits) for way in WAYS for edits in EDITS if edits not in LEFT_OUT.get(way, ())]


@pytest.mark.parametrize(("way", "edits"), CASES)
def test_the_next_release_is_taken(way: str, edits: str, namespace: Namespace, tmp_path: Path) -> None:
    write = WAYS[way](namespace, tmp_path)
    write(rollout(1))
    write(rollout(2))
    generation = namespace.rollout(NAME)["metadata"]["generation"]
    namespace.set_rollout_status(NAME, PAUSED.status | {"observedGeneration": generation})
    for edit in EDITS[edits]:
        if isinstance(edit, int):
            write(rollout(edit))
            assert namespace.rollout(NAME)["spec"]["version"] == (1 if way == "helm-3" else edit)
        else:
            done(namespace, *edit)
            assert MANAGER not in managers(namespace)
    before = namespace.rollout(NAME)["spec"]["approvals"]
    write(rollout(3))
    spec = namespace.rollout(NAME)["spec"]
    assert (spec["version"], spec["artifact"]) == (3, {"uri": uri(3), "digest": digest(3)})
    # helm 3 compares with what it last released, not with the cluster: what did not change there it leaves as it is.
    assert spec["approvals"] == (before if way == "helm-3" else [])


def managers(namespace: Namespace) -> set[str]:
    return {entry["manager"] for entry in namespace.rollout(NAME)["metadata"]["managedFields"]}
