"""The one module that talks to the API server, with the rights of whoever runs kubectl."""

import json
import os
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config
from rollout_operator.documents.codec import Json

from kubectl_modelrollout.errors import Conflict, Problem, Unavailable
from kubectl_modelrollout.owners import MANAGER

GROUP = "/apis/serving.medinfer.io/v1alpha1"
TIMEOUT_SECONDS = (5.0, 15.0)  # to connect, to answer
POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Cluster:
    """One namespace; every method raises Problem."""

    def __init__(self, kubeconfig: str | None, context: str | None, namespace: str | None) -> None:
        settings = client.Configuration()
        try:
            found = _configure(settings, kubeconfig, context)
        except Exception as error:  # whatever can be wrong in a file that others wrote
            raise Problem(f"no cluster: {error}; check --kubeconfig, KUBECONFIG and --context") from None
        settings.retries = False
        self.namespace = namespace or found
        self._api, self._host = client.ApiClient(settings), settings.host
        self._api.user_agent = MANAGER

    def find_rollout(self, name: str | None) -> Json:
        """The one of this name; without a name, the only one in the namespace."""
        if name:
            return self._ask("GET", self._rollouts(name))
        items: list[Json] = self._ask("GET", self._rollouts(""))["items"]
        if len(items) == 1:
            return items[0]
        if not items:
            raise Problem(f"namespace {self.namespace} has no ModelRollout; name another namespace with -n")
        names = ", ".join(sorted(one["metadata"]["name"] for one in items))
        raise Problem(f"namespace {self.namespace} has several ModelRollouts; name one of them: {names}")

    def patch_rollout(self, name: str, change: Json) -> Json:
        """A merge patch; the object then. Raises Conflict when it carries another resourceVersion than it has now."""
        return self._ask("PATCH", self._rollouts(name), change)

    def _rollouts(self, name: str) -> str:
        return f"{GROUP}/namespaces/{self.namespace}/modelrollouts/{name}".rstrip("/")

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        request = self._api.param_serialize(
            method,
            path,
            query_params=[("fieldManager", MANAGER)] if body else [],
            header_params={"Accept": "application/json", "Content-Type": kind},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            response = self._api.call_api(*request, _request_timeout=TIMEOUT_SECONDS)
            content = response.read()
        except (urllib3.exceptions.HTTPError, OSError, client.ApiException) as error:
            raise Unavailable(f"the API server at {self._host} does not answer: {error}") from None
        document = _parse(content)
        if response.status >= 300:
            raise explain(response.status, document, self.namespace)
        if document is None:
            raise Unavailable(f"{self._host} does not answer in JSON; is this the API server?")
        return document


def _configure(settings: client.Configuration, kubeconfig: str | None, context: str | None) -> str:
    """As kubectl does: the kubeconfig, or without any the pod's own account. Returns the namespace."""
    named = kubeconfig or context or os.environ.get("KUBECONFIG")
    if not named and not Path("~/.kube/config").expanduser().exists() and (POD / "token").exists():
        config.load_incluster_config(settings)
        return (POD / "namespace").read_text().strip()
    config.load_kube_config(kubeconfig, context, client_configuration=settings)
    contexts, active = config.list_kube_config_contexts(kubeconfig)
    chosen = next((one for one in contexts if one["name"] == context), active)
    return str(chosen["context"].get("namespace") or "default")


def explain(status: int, said: Json | None, namespace: str) -> Problem:
    """What the API server refused, and what to do."""
    message = str((said or {}).get("message") or f"status {status}")
    if status == 404 and not ((said or {}).get("details") or {}).get("name"):
        return Problem("the cluster does not know ModelRollouts; install the chart's CRD (charts/medinfer/crds)")
    if status == 404:
        return Problem(f"{message} in namespace {namespace}; `kubectl get modelrollouts -A` lists all")
    if status == 409:
        return Conflict(f"the ModelRollout was written in between: {message}")
    if status == 401:
        return Problem(f"the API server does not know you ({message}); log in again")
    if status == 403:
        return Problem(f"you have no right to do this; ask for a Role that allows it: {message}")
    kind = Unavailable if status >= 500 or status == 429 else Problem
    return kind(message)


def _parse(content: bytes) -> Json | None:
    try:
        document: Any = json.loads(content)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
