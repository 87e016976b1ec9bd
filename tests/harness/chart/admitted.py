"""The chart in a namespace of its own on a real API server, and the people who ask for something there."""

from dataclasses import dataclass
from functools import partial

from ci.stack.cluster_objects import PLAN, ROUTES
from ci.stack.folders import ROOT
from ci.stack.kubernetes import Client, Cluster, Json, Refused
from ci.stack.waiting import wait_until
from tests.harness.chart import helm
from tests.harness.chart.helm import CHART

NAME, GATE = "resnet-medical", "clinical-signoff"
VALUES = (CHART / "ci" / "cpu-values.yaml", ROOT / "tests" / "chart" / "admission" / "values.yaml")
STORE, OLD_STORE = "https://store.example/models/", "https://old-store.example/"
FLUX = "system:serviceaccount:flux-system:kustomize-controller"
# By the Role, or the ClusterRole, that each has in the namespace. The owner of the namespace may do all there.
ROLES = {"vic": "medinfer-view", "rob": "medinfer-release", "ann": "medinfer-approve"}
CLUSTER_ROLES = {"owner": "cluster-admin", FLUX: "cluster-admin"}
RBAC = "rbac.authorization.k8s.io"


def digest(version: int) -> str:
    return "sha256:" + f"{version:x}".rjust(64, "0")


def artifact(version: int, store: str = STORE) -> Json:
    return {"uri": f"{store}resnet_medical-{version}.tar", "digest": digest(version)}


def approval(by: str, version: int = 2, **more: str) -> Json:
    return {"gate": GATE, "version": version, "digest": digest(version), "by": by} | more


EARLIER = approval("somebody from before", 1)
SPEC: Json = {
    "tritonRef": {"name": "medinfer-triton"},
    "apiRef": {"name": "medinfer-api"},
    "model": "resnet_medical",
    "version": 2,
    "artifact": artifact(2),
    "acceptance": artifact(10),
    "approvals": [EARLIER],
    "strategy": {"steps": [{"gate": {"name": GATE}}, {"setWeight": 100}]},
}
# Version 1, of a store that is no longer allowed, serves; version 2 waits at its gate; version 7 is kept warm.
STATUS: Json = {
    "phase": "Paused",
    "currentStepIndex": 0,
    "stable": {"version": 1} | artifact(1, OLD_STORE),
    "canary": {"version": 2, "weight": 0} | artifact(2),
    "previous": {"version": 7} | artifact(7, OLD_STORE),
}


@dataclass(frozen=True)
class Site:
    """`operator` and others are users, whom the administrator of the cluster impersonates."""

    cluster: Cluster
    namespace: str

    @property
    def operator(self) -> str:
        return f"system:serviceaccount:{self.namespace}:medinfer-rollout-operator"

    def install(self, *settings: str, controller: str = FLUX) -> None:
        """A ModelRollout, which `controller` makes, whose version 2 waits at a gate; plan and routes."""
        kubeconfig = self.cluster.kubeconfig("admin", self.namespace)
        where = ("--namespace", self.namespace, "--kubeconfig", str(kubeconfig))
        helm.run("install", "medinfer", str(CHART), *where, *helm.options(VALUES, settings))
        self._bind()
        for user in (*ROLES, *CLUSTER_ROLES, self.operator):
            wait_until(partial(self._may_look, user), f"the API server knows the rights of {user}")
        operator = self.client(self.operator)
        stored = self.client(controller).create(self.path("modelrollouts"), rollout(NAME, SPEC))
        operator.replace(self.path("modelrollouts", NAME, "status"), stored | {"status": STATUS})
        for name, key in ((PLAN, "plan.json"), (ROUTES, "routes.json")):
            operator.merge(self.path("configmaps", name), {"data": {key: '{"revision": 7}'}})

    def wait_for_policies(self) -> None:
        """The API server learns of them by a watch."""
        for path, change in (
            (("configmaps", PLAN), {"data": {"plan.json": ""}}),
            (("modelrollouts", NAME, "status"), {"status": {"phase": "Healthy"}}),
            (("modelrollouts", NAME), {"spec": {"artifact": {"uri": "https://elsewhere.example"}}}),
        ):
            wait_until(partial(self._is_refused, path, change), f"a policy guards {path}")

    def client(self, user: str, *, dry: bool = False) -> Client:
        """`user` by impersonation; `dry`: everything is judged and nothing is stored."""
        return self.cluster.client.as_user("" if user == "admin" else user, is_dry=dry)

    def path(self, kind: str, *rest: str) -> str:
        group = "/api/v1" if kind in ("configmaps", "pods") else "/apis/serving.medinfer.io/v1alpha1"
        return "/".join((f"{group}/namespaces/{self.namespace}/{kind}", *rest))

    def _is_refused(self, path: tuple[str, ...], change: Json) -> bool:
        try:
            self.client("admin", dry=True).merge(self.path(*path), change)
        except Refused as refused:
            return "ValidatingAdmissionPolicy" in str(refused)
        return False

    def _may_look(self, user: str) -> bool:
        try:
            self.client(user).get(self.path("modelrollouts"))
        except Refused:
            return False
        return True

    def _bind(self) -> None:
        rbac = f"/apis/{RBAC}/v1/namespaces/{self.namespace}"
        there = {one["metadata"]["name"] for one in self.cluster.client.get(f"{rbac}/roles")["items"]}
        bound = {user: ("Role", role if role in there else "medinfer-release") for user, role in ROLES.items()}
        bound |= {user: ("ClusterRole", role) for user, role in CLUSTER_ROLES.items()}
        for number, (user, (kind, role)) in enumerate(bound.items()):
            self.cluster.client.create(
                f"{rbac}/rolebindings",
                {
                    "metadata": {"name": f"person-{number}"},
                    "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
                    "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
                },
            )


def rollout(name: str, spec: Json) -> Json:
    kind = {"apiVersion": "serving.medinfer.io/v1alpha1", "kind": "ModelRollout"}
    return kind | {"metadata": {"name": name}, "spec": spec}
