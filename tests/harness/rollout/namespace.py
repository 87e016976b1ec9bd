"""One namespace with a Triton StatefulSet and an API Deployment, whose pods the test writes itself."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx

from ci.stack import cluster_objects as objects
from ci.stack.cluster_objects import API, PLAN, ROUTES, TRITON
from ci.stack.kubernetes import Cluster, Json, Refused
from ci.stack.waiting import wait_until
from tests.harness.rollout.pods import Pods


class Namespace:
    """Everything is done as admin; `kubeconfig` gives the rights of the part that a process plays.

    ModelRollouts and ConfigMaps are named without the namespace. While the API server is unreachable every call raises
    httpx.TransportError, but for the `wait_for_` ones, which wait it out.
    """

    def __init__(self, cluster: Cluster, replicas: int = 0, api_pods: int = 0) -> None:
        self.cluster, self.client, self.name = cluster, cluster.client, cluster.create_namespace()
        self.pods = Pods(self.client, self.name)
        self.users: dict[str, str] = {}
        self.client.create(self._apps("statefulsets"), objects.stateful_set(replicas))
        self.client.create(self._apps("deployments"), objects.deployment(api_pods))
        for name in (PLAN, ROUTES):
            self.client.create(self._core("configmaps"), objects.config_map(name, {}))

    def kubeconfig(self, user: str) -> Path:
        """user: `operator`, `agent` or `api` with the rights of manifests/rbac, or as in `users`; `admin` has all."""
        return self.cluster.kubeconfig(self.users.get(user, user), self.name)

    # ModelRollouts

    def apply_rollout(self, body: Json) -> Json:
        """As `kubectl apply --server-side`; raises Refused with the API server's message."""
        return self.client.apply(self._rollouts(body["metadata"]["name"]), body)

    def patch_rollout(self, name: str, change: Json) -> Json:
        """A merge patch, for example {"spec": {"suspend": true}}."""
        return self.client.merge(self._rollouts(name), change)

    def set_rollout_status(self, name: str, status: Json | None) -> Json:
        """Replaces the whole status; None removes it. Once more when the operator wrote between the read and that."""

        def write() -> Json | None:
            body = self.rollout(name)
            body.pop("status", None)
            try:
                return self.client.replace(
                    self._rollouts(name, "status"), body | ({"status": status} if status else {})
                )
            except Refused as refused:
                if refused.status != 409:
                    raise
                return None

        return wait_until(write, "no one else wrote the rollout meanwhile")

    def delete_rollout(self, name: str) -> None:
        self.client.delete(self._rollouts(name))

    def rollout(self, name: str) -> Json:
        return self.client.get(self._rollouts(name))

    def phase(self, name: str) -> str:
        """Empty before the operator wrote a status."""
        return str(self.rollout(name).get("status", {}).get("phase", ""))

    def wait_for_phase(self, name: str, phase: str, timeout_seconds: float = 60) -> Json:
        """The rollout, once the status is of the newest spec and in this phase."""

        def reached(body: Json) -> bool:
            status = body.get("status", {})
            is_newest = status.get("observedGeneration") == body["metadata"]["generation"]
            return bool(is_newest and status.get("phase") == phase)

        return self.wait_for_rollout(name, reached, f"is {phase}", timeout_seconds)

    def wait_for_rollout(
        self, name: str, holds: Callable[[Json], object], what: str, timeout_seconds: float = 60
    ) -> Json:
        """The rollout, once it holds; the error says `what` and the status last seen."""
        last: Json = {}

        def probe() -> Json | None:
            try:
                body = self.rollout(name)
            except httpx.TransportError:
                return None
            last.update(body)
            return body if holds(body) else None

        try:
            return wait_until(probe, f"{name} {what}", timeout_seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(last.get('status'), indent=1)}") from None

    def events(self, name: str) -> list[Json]:
        """Events about the rollout, oldest first: `reason`, `message`, `type`.

        Their names end with the nanosecond in which they were reported; they are posted concurrently, in any order.
        """
        found = self.client.get(self._core("events"), fieldSelector=f"involvedObject.name={name}")["items"]
        return sorted(found, key=lambda event: event["metadata"]["name"])

    def reasons(self, name: str) -> list[str]:
        """Reasons of these events, oldest first."""
        return [event["reason"] for event in self.events(name)]

    # Plan and routes

    def plan(self) -> Json | None:
        """None when absent, empty or no JSON object."""
        return parse(self.config_map(PLAN), "plan.json")

    def routes(self) -> Json | None:
        """None when absent, empty or no JSON object."""
        return parse(self.config_map(ROUTES), "routes.json")

    def lease(self, name: str) -> Json | None:
        return self.client.find(f"/apis/coordination.k8s.io/v1/namespaces/{self.name}/leases/{name}")

    def config_map(self, name: str) -> Json | None:
        return self.client.find(self._core("configmaps", name))

    def set_config_map(self, name: str, data: dict[str, str]) -> Json:
        """Exactly this data, as by an administrator who edits it or puts an old copy back; created when absent."""
        before = self.config_map(name)
        if before is None:
            return self.client.create(self._core("configmaps"), objects.config_map(name, data))
        before["metadata"].pop("resourceVersion")
        return self.client.replace(self._core("configmaps", name), before | {"data": data})

    def delete_config_map(self, name: str) -> None:
        self.client.delete(self._core("configmaps", name))

    # Workloads; their pods are in `pods`

    def scale(self, workload: str, replicas: int) -> None:
        """workload: TRITON or API. No pod comes or goes by it: there is no controller."""
        kind = {TRITON: "statefulsets", API: "deployments"}[workload]
        self.client.merge(self._apps(kind, workload), {"spec": {"replicas": replicas}})

    def set_revisions(self, current: str, update: str) -> None:
        """Of the StatefulSet's status; different ones mean that its pods are being replaced."""
        status = {"replicas": 0, "currentRevision": current, "updateRevision": update}
        self.client.merge(self._apps("statefulsets", TRITON, "status"), {"status": status})

    def _core(self, kind: str, *rest: str) -> str:
        return "/".join((f"/api/v1/namespaces/{self.name}/{kind}", *rest))

    def _apps(self, kind: str, *rest: str) -> str:
        return "/".join((f"/apis/apps/v1/namespaces/{self.name}/{kind}", *rest))

    def _rollouts(self, *rest: str) -> str:
        return "/".join((f"/apis/serving.medinfer.io/v1alpha1/namespaces/{self.name}/modelrollouts", *rest))


def parse(config_map: Json | None, key: str) -> Json | None:
    try:
        document = json.loads((config_map or {}).get("data", {}).get(key, ""))
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
