"""A namespace that has the chart's policies, an operator under the name that they know, and a person who approves."""

from collections.abc import Sequence
from functools import partial

import yaml

from ci.stack.cluster_objects import PLAN
from ci.stack.kubernetes import ROLES, Refused, binding
from ci.stack.waiting import wait_until
from tests.harness.chart import helm
from tests.harness.rollout.namespace import Namespace

PLURALS = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}
APPROVER = "Dr. Roentgen"
# The tests' administrator writes what git says.
SETTINGS = ("admission.controllers={admin}", "triton.agent.allowedPrefixes={file:/}")


def guard(namespace: Namespace, settings: Sequence[str] = SETTINGS) -> None:
    """Returns when the policies are in force. `settings`: of the chart, as of --set."""
    operator = f"system:serviceaccount:{namespace.name}:medinfer-rollout-operator"
    namespace.users["operator"] = operator
    _allow(namespace, operator, "operator")
    _allow(namespace, APPROVER, "approve")
    for one in helm.render(settings=settings, namespace=namespace.name):
        if one["kind"] in PLURALS:
            plural = PLURALS[one["kind"]]
            namespace.client.apply(f"/apis/{one['apiVersion']}/{plural}/{one['metadata']['name']}", one)
    wait_until(partial(_is_guarded, namespace), "the policies are in force")


def _allow(namespace: Namespace, user: str, role: str) -> None:
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace.name}"
    body = yaml.safe_load((ROLES / f"{role}.yaml").read_text())
    namespace.client.apply(f"{rbac}/roles/{body['metadata']['name']}", body)
    named = binding(user, body["metadata"]["name"]) | {"metadata": {"name": f"guarded-{role}"}}
    namespace.client.create(f"{rbac}/rolebindings", named)


def _is_guarded(namespace: Namespace) -> bool:
    try:
        path = f"/api/v1/namespaces/{namespace.name}/configmaps/{PLAN}"
        namespace.client.as_user("", is_dry=True).merge(path, {"data": {"forged": ""}})
    except Refused as refused:
        return "Only the rollout operator" in str(refused)
    return False
