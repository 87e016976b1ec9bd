"""Requests to the API server that KUBECONFIG names, as whoever it names.

kubectl takes a third of a second of CPU to start: too much for what a test asks twice a second while it waits.
"""

import json
from functools import cache
from typing import Any

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.config import load_kube_config

from ci.stack.kubernetes import Json

TIMEOUT_SECONDS = 30.0


def get(path: str, **query: str) -> Json:
    """Raises AssertionError with what the API server answered when that is no 200."""
    return _ask("GET", path, query)


def delete_at_once(path: str) -> None:
    """An object, or all of a collection: `kubectl delete --force --grace-period=0 --wait=false`. Raises as get does."""
    _ask("DELETE", path, {"gracePeriodSeconds": "0"})


def _ask(method: str, path: str, query: dict[str, str]) -> Json:
    request = _client().param_serialize(method, path, query_params=list(query.items()), auth_settings=["BearerToken"])
    response = _client().call_api(*request, _request_timeout=TIMEOUT_SECONDS)
    text = response.read().decode()
    assert response.status == 200, f"{method} {path}: status {response.status}: {text}"
    body: Json = json.loads(text)
    return body


@cache
def _client() -> Any:
    configuration = Configuration()
    load_kube_config(client_configuration=configuration)
    configuration.retries = False
    return ApiClient(configuration)
