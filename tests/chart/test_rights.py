"""The chart's Roles equal those of manifests/rbac, under which the integration tests run the parts."""

from pathlib import Path

import pytest
import yaml

from ci.stack.folders import ROOT
from tests.harness.chart.helm import SHAPES, of_kind, pod_templates, render

MANIFESTS = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "manifests" / "rbac").glob("*.yaml"))]
RULES = {role["metadata"]["name"]: role["rules"] for role in MANIFESTS}
APPROVERS = "medinfer-rollout-operator-approvers"
PEOPLE = {"medinfer-view", "medinfer-release", "medinfer-approve"}
TRUST = {"medinfer-trust-signers", "medinfer-trust-approvers"}  # where lists are named
POLICIES = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
shapes = pytest.mark.parametrize("shape", [pytest.param(path, id=path.stem) for path in SHAPES])


@shapes
def test_roles_equal_the_manifests(shape: Path) -> None:
    roles = of_kind(render(shape), "Role")
    asked = roles.keys() | {name for name in RULES if name not in {APPROVERS, *TRUST}}
    assert {name: role["rules"] for name, role in roles.items()} == {name: RULES[name] for name in asked}


def test_the_list_of_approvers_may_lie_where_only_the_platform_team_writes() -> None:
    [everything] = [shape for shape in SHAPES if shape.stem == "everything-values"]
    objects = render(everything, namespace="clinic")
    roles = of_kind(objects, "Role")
    binding, writers = of_kind(objects, "RoleBinding")[APPROVERS], roles["medinfer-trust-approvers"]
    assert {one["metadata"]["namespace"] for one in (roles[APPROVERS], binding, writers)} == {"trust"}
    assert binding["roleRef"]["name"] == APPROVERS
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "medinfer-rollout-operator", "namespace": "clinic"}
    ]


@shapes
def test_every_role_is_bound_to_the_account_of_its_pods(shape: Path) -> None:
    objects = render(shape, namespace="clinic")
    bindings = of_kind(objects, "RoleBinding")
    accounts = of_kind(objects, "ServiceAccount")
    used = {template["spec"].get("serviceAccountName") for template in pod_templates(objects).values()} - {None}
    bindings.pop(APPROVERS, None)
    assert bindings.keys() == accounts.keys() == used
    for name, binding in bindings.items():
        assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": name, "namespace": "clinic"}]


def test_only_the_policies_are_asked_of_the_whole_cluster() -> None:
    kinds = {one["kind"] for shape in SHAPES for one in render(shape)}
    assert {kind for kind in kinds if kind.startswith(("Cluster", "Validating", "Mutating"))} == POLICIES
    assert not kinds & {"Secret", "Namespace"}
    without = render(SHAPES[0], settings=["admission.enabled=false"])
    assert not {one["kind"] for one in without} & POLICIES


def test_roles_of_people_are_bound_by_people() -> None:
    assert of_kind(render(), "Role").keys() >= PEOPLE
    [everything] = [shape for shape in SHAPES if shape.stem == "everything-values"]
    assert of_kind(render(everything), "Role").keys() >= PEOPLE | TRUST
    assert not (PEOPLE | TRUST) & of_kind(render(everything, settings=["roles.create=false"]), "Role").keys()
    alone = of_kind(render(settings=["admission.enabled=false"]), "Role").keys()
    assert PEOPLE & alone == PEOPLE - {"medinfer-approve"}, "without the policies it would be the right to release"
