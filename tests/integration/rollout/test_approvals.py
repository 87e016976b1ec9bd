"""An approval from a person's SSH key through kubectl and the real API server to the operator's decision."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rollout_operator.approvals.approvers import KEY

from ci.stack import cluster_objects
from ci.stack.kubernetes import ROLES, Refused, binding
from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.plugin import done
from tests.integration.rollout.test_kubectl import NAME, put
from tests.unit.rollout.approvals.test_sshsig import make_key
from tests.unit.rollout.healthy_cluster import cluster, release

pytestmark = pytest.mark.integration

LIST = "gate-approvers"
OPERATOR = """
import json, sys
from rollout_operator.decide.opening import find_opening
from rollout_operator.documents.spec import parse_spec
from rollout_operator.edge.approvers import read_approvers
from rollout_operator.edge.cluster import Cluster

spec = parse_spec(json.load(sys.stdin))
approvers = read_approvers(Cluster(spec.namespace), *sys.argv[1:])
print(find_opening(spec, spec.steps[1], approvers, 0, 2**40))
"""


def test_a_signature_opens_the_gate_of_one_rollout(namespace: Namespace, tmp_path: Path) -> None:
    trust = namespace.cluster.create_namespace()
    key = make_key(tmp_path, ["-t", "ed25519"])

    def opening(seen: Namespace) -> str:
        """With the operator's rights; in a process of its own, as the client reads KUBECONFIG when it is imported."""
        environment = os.environ | {"KUBECONFIG": str(seen.kubeconfig("operator"))}
        command = [sys.executable, "-c", OPERATOR, LIST, trust]
        body = json.dumps(seen.rollout(NAME))
        return subprocess.run(
            command, env=environment, input=body, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    def name_approvers(gates: list[str]) -> None:
        entry = {"name": "jane", "keys": [key.with_suffix(".pub").read_text()], "gates": gates}
        body = cluster_objects.config_map(LIST, {KEY: yaml.safe_dump({"approvers": [entry]})})
        kind = {"apiVersion": "v1", "kind": "ConfigMap"}
        namespace.client.apply(f"/api/v1/namespaces/{trust}/configmaps/{LIST}", kind | body)

    put(namespace, release(cluster(), approvals=()).run_until("Paused"))
    name_approvers(["clinical-signoff"])
    assert "forbidden" in opening(namespace), "the Role of the operator's own namespace does not reach it"
    role = yaml.safe_load((ROLES / "approvers.yaml").read_text())
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{trust}"
    namespace.client.create(f"{rbac}/roles", role)
    list_reader = binding("operator", role["metadata"]["name"]) | {"metadata": {"name": "list-reader"}}
    namespace.client.create(f"{rbac}/rolebindings", list_reader)
    assert "a signed approval" in opening(namespace)
    done(namespace, "approve", "--gate", "clinical-signoff", "--by", "jane", "--sign", str(key), "--apply")
    assert "by='jane', key='SHA256:" in opening(namespace)

    other = Namespace(namespace.cluster)
    put(other, release(cluster(), approvals=()).run_until("Paused"))
    other.patch_rollout(NAME, {"spec": {"approvals": namespace.rollout(NAME)["spec"]["approvals"]}})
    assert "it was made for other bytes" in opening(other), "copied into another namespace"

    name_approvers(["ethics"])
    assert "jane may not open this gate, only ethics" in opening(namespace), "followed without a restart"


def test_a_signature_of_any_length_is_not_stored(namespace: Namespace) -> None:
    made = release(cluster(), approvals=())
    put(namespace, made.run(1))
    line = {"gate": "g", "version": 2, "digest": made.spec.wanted.digest, "by": "jane", "signature": "x" * 4097}
    with pytest.raises(Refused, match="signature: Too long"):
        namespace.patch_rollout(NAME, {"spec": {"approvals": [line]}})
