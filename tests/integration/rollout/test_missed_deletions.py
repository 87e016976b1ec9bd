"""Deletions that no watch shows: the API server forgot the version at which a watch broke, so that it begins anew."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.stack.cluster_objects import API, TRITON
from ci.stack.kubernetes import Json
from ci.stack.operator import Operator
from tests.harness.rollout.namespace import Namespace

pytestmark = pytest.mark.integration

NOBODY = [f"127.0.9.{number}" for number in range(1, 5)]  # pods whose processes do not run
OPERATOR_ADDRESS = "127.0.9.99"
OLDER, YOUNGER = "resnet-medical-a", "resnet-medical-b"


@pytest.fixture
def operator(namespace: Namespace, tmp_path: Path) -> Iterator[Operator]:
    operator = Operator("operator", OPERATOR_ADDRESS, namespace.name, namespace.kubeconfig("operator"), tmp_path)
    with operator:
        yield operator


def rollout(name: str) -> Json:
    spec = {
        "tritonRef": {"name": TRITON},
        "apiRef": {"name": API},
        "model": "resnet_medical",
        "version": 1,
        "artifact": {"uri": "file:///bundles/1.tar", "digest": "sha256:" + "1" * 64},
        "strategy": {"steps": [{"setWeight": 100}]},
    }
    return {
        "apiVersion": "serving.medinfer.io/v1alpha1",
        "kind": "ModelRollout",
        "metadata": {"name": name},
        "spec": spec,
    }


def reason(body: Json) -> str:
    found = [one["reason"] for one in body.get("status", {}).get("conditions", []) if one["type"] == "Ready"]
    return str(found[0]) if found else ""


def replicas(body: Json) -> list[str]:
    return [state["name"] for state in body.get("status", {}).get("replicaStates", [])]


def test_pods_and_rollouts_that_went_unseen_are_gone(namespace: Namespace, operator: Operator) -> None:
    for number in (0, 1):
        namespace.pods.add_triton(f"triton-{number}", NOBODY[number])
        namespace.pods.add_api(f"api-{number}", NOBODY[2 + number])
    for name in (OLDER, YOUNGER):
        namespace.apply_rollout(rollout(name))
    namespace.wait_for_rollout(OLDER, lambda body: len(replicas(body)) == 2, "sees both replicas")
    namespace.wait_for_rollout(YOUNGER, lambda body: reason(body) == "Conflict", "leaves it to the older one")

    plane = namespace.cluster.plane
    operator.signal(signal.SIGSTOP)
    plane.kill_api_server()
    plane.start_api_server()
    namespace.delete_rollout(OLDER)
    for name in ("triton-1", "api-1"):
        namespace.pods.delete(name)
    plane.kill_api_server()
    plane.start_api_server()
    operator.signal(signal.SIGCONT)

    namespace.wait_for_rollout(YOUNGER, lambda body: replicas(body) == ["triton-0"], "sees the replica that is left")
    body = namespace.wait_for_rollout(YOUNGER, lambda body: reason(body) not in ("", "Conflict"), "governs")
    assert "api-1" not in body["status"]["message"]
