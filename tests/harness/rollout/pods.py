"""Pods of one namespace, written as the kubelet would."""

from ci.stack import cluster_objects as objects
from ci.stack.cluster_objects import API, TRITON
from ci.stack.kubernetes import Client, Json


class Pods:
    """A pod's first container is the one that counts: `triton`, or `api`."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._collection = client, f"/api/v1/namespaces/{namespace}/pods"

    def add_triton(self, name: str, ip: str, container_id: str = "") -> Json:
        """Running and ready, with the containers `triton` and `agent`."""
        return self._add(name, TRITON, ip, container_id)

    def add_api(self, name: str, ip: str, container_id: str = "") -> Json:
        """Running and ready, with the container `api`."""
        return self._add(name, API, ip, container_id)

    def of(self, workload: str) -> list[Json]:
        """Those that there are, whoever made them."""
        found: list[Json] = self._client.get(self._collection, labelSelector=f"app.kubernetes.io/name={workload}")[
            "items"
        ]
        return found

    def bind(self, name: str) -> None:
        """As the scheduler does with a pod that somebody else made."""
        target = {"apiVersion": "v1", "kind": "Node", "name": "node-0"}
        self._client.create(f"{self._path(name)}/binding", {"metadata": {"name": name}, "target": target})

    def run_triton(self, name: str, ip: str, container_id: str) -> Json:
        """A bound pod runs and is ready."""
        return self._set(name, objects.running(TRITON, ip, container_id))

    def get(self, name: str) -> Json:
        return self._client.get(self._path(name))

    def find(self, name: str) -> Json | None:
        """None when it is gone."""
        return self._client.find(self._path(name))

    def set_ready(self, name: str, ready: bool) -> Json:
        """The Ready condition, since now; containers are left alone."""
        return self._set(name, {"conditions": [objects.ready_condition(ready)]})

    def set_ip(self, name: str, ip: str) -> Json:
        return self._set(name, {"podIP": ip, "podIPs": [{"ip": ip}]})

    def crash_container(self, name: str) -> Json:
        """The first container ended and waits to be started again; the pod is not ready."""
        first, *others = self.get(name)["status"]["containerStatuses"]
        conditions = [objects.ready_condition(False)]
        return self._set(name, {"containerStatuses": [objects.crashed(first), *others], "conditions": conditions})

    def restart_container(self, name: str, container_id: str = "", ended: int | None = None) -> Json:
        """The first container runs again, with this id or a fresh one; the pod is ready.

        `ended`: with which code the one before did, below 0 by a signal; None when nobody noted it.
        """
        pod = self.get(name)
        workload, before = pod["metadata"]["labels"]["app.kubernetes.io/name"], pod["status"]
        restarts = before["containerStatuses"][0]["restartCount"] + 1
        status = objects.running(workload, before["podIP"], container_id, restarts)
        if ended is not None:
            first, *others = status["containerStatuses"]
            status["containerStatuses"] = [objects.ended_before(first, ended), *others]
        return self._set(name, status)

    def delete(self, name: str, grace_seconds: int = 0) -> None:
        """With a grace period the pod is terminating until it is deleted again with none: there is no kubelet."""
        self._client.delete(self._path(name), gracePeriodSeconds=str(grace_seconds))

    def _add(self, name: str, workload: str, ip: str, container_id: str) -> Json:
        self._client.create(self._collection, objects.pod(name, workload))
        return self._set(name, objects.running(workload, ip, container_id))

    def _set(self, name: str, status: Json) -> Json:
        return self._client.merge(f"{self._path(name)}/status", {"status": status})

    def _path(self, name: str) -> str:
        return f"{self._collection}/{name}"
