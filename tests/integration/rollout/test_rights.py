"""What the Roles of manifests/rbac allow, as the real API server judges it."""

import pytest

from ci.stack.cluster_objects import PLAN, ROUTES
from ci.stack.kubernetes import USERS, Cluster
from tests.harness.rollout.namespace import Namespace

pytestmark = pytest.mark.integration

LEASE = "medinfer-rollout-operator"
MAY = [
    ("agent", "get", "configmaps", PLAN),
    ("agent", "watch", "configmaps", PLAN),
    ("api", "get", "configmaps", ROUTES),
    ("api", "watch", "configmaps", ROUTES),
    ("operator", "watch", "pods", ""),
    ("operator", "get", "pods", "triton-0"),
    ("operator", "watch", "modelrollouts.serving.medinfer.io", ""),
    ("operator", "update", "modelrollouts.serving.medinfer.io/status", "resnet-medical"),
    ("operator", "get", "statefulsets.apps", ""),
    ("operator", "update", "configmaps", PLAN),
    ("operator", "update", "configmaps", ROUTES),
    ("operator", "update", "leases.coordination.k8s.io", LEASE),
    ("operator", "create", "events", ""),
]
MAY_NOT = [
    ("agent", "get", "configmaps", ROUTES),
    ("agent", "update", "configmaps", PLAN),
    ("agent", "list", "configmaps", ""),
    ("agent", "list", "pods", ""),
    ("api", "get", "configmaps", PLAN),
    ("api", "update", "configmaps", ROUTES),
    ("api", "get", "modelrollouts.serving.medinfer.io", ""),
    ("operator", "update", "modelrollouts.serving.medinfer.io", "resnet-medical"),
    ("operator", "patch", "modelrollouts.serving.medinfer.io", "resnet-medical"),
    ("operator", "delete", "modelrollouts.serving.medinfer.io", "resnet-medical"),
    ("operator", "delete", "pods", ""),
    ("operator", "create", "pods/exec", ""),
    ("operator", "patch", "statefulsets.apps", ""),
    ("operator", "get", "configmaps", "another"),
    ("operator", "list", "configmaps", ""),
    ("operator", "delete", "configmaps", PLAN),
    ("operator", "get", "secrets", ""),
    ("operator", "update", "leases.coordination.k8s.io", "another"),
]


@pytest.fixture(scope="module")
def shared(cluster: Cluster) -> Namespace:
    cluster.plane.start_api_server()
    return Namespace(cluster)


@pytest.mark.parametrize(("user", "verb", "resource", "name"), MAY)
def test_may(shared: Namespace, user: str, verb: str, resource: str, name: str) -> None:
    assert may(shared, user, verb, resource, name)


@pytest.mark.parametrize(("user", "verb", "resource", "name"), MAY_NOT)
def test_may_not(shared: Namespace, user: str, verb: str, resource: str, name: str) -> None:
    assert not may(shared, user, verb, resource, name)


def test_nobody_may_anything_in_another_namespace(shared: Namespace) -> None:
    assert not [
        user for user in USERS for verb in ("get", "list", "create") if may(shared, user, verb, "*", "", "default")
    ]


def may(namespace: Namespace, user: str, verb: str, resource: str, name: str, where: str = "") -> bool:
    """resource: as kubectl has it, plural.group/subresource. `where`: another namespace's name."""
    kind, _, subresource = resource.partition("/")
    kind, _, group = kind.partition(".")
    wanted = {"namespace": where or namespace.name, "verb": verb, "group": group, "resource": kind, "name": name}
    review = {"user": user, "resourceAttributes": wanted | {"subresource": subresource}}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(namespace.client.create(path, {"spec": review})["status"]["allowed"])
