"""The one module that talks to the API server. Only the watches are Kopf's.

Every call blocks, so it belongs on a thread. Objects are plain JSON: building the client's model classes costs more
than the request. Every write carries the resourceVersion that was read: a late one gets a Conflict.
"""

import json
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config

from rollout_operator.documents.codec import Json
from rollout_operator.edge.errors import ClusterError, Conflict, Missing, Unavailable

IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
TIMEOUT = urllib3.Timeout(connect=2.0, read=5.0)
HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "User-Agent": "medinfer-rollout-operator",
}
KINDS = {404: Missing, 409: Conflict, 429: Unavailable}


class Cluster:
    """The objects of one namespace; only approvers may lie in another. Every method raises ClusterError."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        settings = client.Configuration()
        if IN_CLUSTER.exists():
            config.load_incluster_config(settings)
        else:
            config.load_kube_config(client_configuration=settings)
        settings.retries = False
        self._settings = settings
        # The pool of the client alone: its layers above cost as much as the request.
        pools = client.ApiClient(settings).rest_client.pool_manager
        self._pool = pools.connection_from_url(settings.host)
        self._prefix = (urllib3.util.parse_url(settings.host).path or "").rstrip("/")

    def read_rollout(self, name: str) -> Json:
        return self._ask("GET", self._rollouts(name))

    def read_stateful_set(self, name: str) -> Json:
        return self._ask("GET", f"/apis/apps/v1/namespaces/{self.namespace}/statefulsets/{name}")

    def read_deployment(self, name: str) -> Json:
        return self._ask("GET", f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{name}")

    def read_pod(self, name: str) -> Json:
        return self._ask("GET", self._core("pods", name))

    def read_config_map(self, name: str, namespace: str = "") -> Json:
        return self._ask("GET", self._core("configmaps", name, namespace))

    def read_lease(self, name: str) -> Json:
        return self._ask("GET", self._leases(name))

    def write_status(self, rollout: Json) -> Json:
        """Replaces the status of the object as it was read."""
        return self._ask("PUT", self._rollouts(f"{rollout['metadata']['name']}/status"), rollout)

    def write_config_map(self, config_map: Json) -> Json:
        """Creates it when it has no resourceVersion."""
        return self._write(self._core("configmaps", ""), config_map)

    def write_lease(self, lease: Json) -> Json:
        """Creates it when it has no resourceVersion."""
        return self._write(self._leases(""), lease)

    def create_event(self, event: Json) -> None:
        self._ask("POST", self._core("events", ""), event)

    def _rollouts(self, name: str) -> str:
        return f"/apis/serving.medinfer.io/v1alpha1/namespaces/{self.namespace}/modelrollouts/{name}"

    def _core(self, kind: str, name: str, namespace: str = "") -> str:
        return f"/api/v1/namespaces/{namespace or self.namespace}/{kind}/{name}"

    def _leases(self, name: str) -> str:
        return f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/{name}"

    def _write(self, collection: str, document: Json) -> Json:
        metadata = document["metadata"]
        if "resourceVersion" in metadata:
            return self._ask("PUT", collection + metadata["name"], document)
        return self._ask("POST", collection, document)

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Raises ClusterError."""
        url, content = self._prefix + path.rstrip("/"), None if body is None else json.dumps(body).encode()
        try:
            response = self._pool.urlopen(
                method, url, content, self._headers(), retries=False, redirect=False, timeout=TIMEOUT
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"{method} {path}: the API server does not answer: {error}") from None
        if response.status >= 300:
            raise _error(f"{method} {path}", response.status, response.data)
        try:
            document: Json = json.loads(response.data)
        except ValueError:
            raise Unavailable(f"{method} {path}: the answer is not JSON; is this the API server?") from None
        return document

    def _headers(self) -> dict[str, str]:
        """With the newest token: the client reads its file again before it expires."""
        token = self._settings.get_api_key_with_prefix("BearerToken", alias="authorization")
        return HEADERS | ({"Authorization": token} if token else {})


def _error(what: str, status: int, content: bytes) -> ClusterError:
    kind = KINDS.get(status, Unavailable if status >= 500 else ClusterError)
    try:
        said: Any = json.loads(content)["message"]
    except (ValueError, TypeError, KeyError):
        said = f"status {status}"
    advice = "; the operator's Role must allow it (manifests/rbac)" if status == 403 else ""
    return kind(f"{what}: {said}{advice}")
