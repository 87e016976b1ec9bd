"""Reads and watches one ConfigMap through the API server.

It uses plain requests of the official client, which finds the cluster and the credentials. The client's class for each
kind of object would take 80 MB and two seconds to import; what is imported here still takes half a second and 8 MB, so
the parts import this module only when a ConfigMap is configured.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.config import load_incluster_config, load_kube_config

from medinfer_common.config_map_watch import Json, WatchFailed

CONNECT_SECONDS, ANSWER_SECONDS = 3.0, 10.0
# The API server sends a bookmark about once a minute; a watch that is silent for longer is dead, whatever TCP says.
SILENT_SECONDS = 90.0
WATCH_SECONDS = 300
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def read_configuration() -> Any:
    """The client's configuration: from the pod's service account, or from KUBECONFIG outside a cluster."""
    configuration = Configuration()
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        load_incluster_config(configuration)
    else:
        load_kube_config(client_configuration=configuration)
    return configuration


def read_changes(
    name: str, namespace: str, user_agent: str, configure: Callable[[], Any] = read_configuration
) -> Iterator[Json | None]:
    """One watch of one ConfigMap, in the form that ConfigMapWatch expects.

    It needs the rights to get, list and watch this one name. An empty `namespace` means the pod's own. `configure` is
    called for each watch, because credentials are renewed on disk. Raises WatchFailed and the client's errors.
    """
    configuration = configure()
    configuration.retries = False
    path = f"/api/v1/namespaces/{namespace or own_namespace()}/configmaps"
    with ApiClient(configuration) as client:
        client.user_agent = user_agent
        selector = {"fieldSelector": f"metadata.name={name}"}
        found = json.loads(_get(client, path, selector, ANSWER_SECONDS).data)
        newest: Json | None = next(iter(found["items"]), None)
        yield newest
        since = {"resourceVersion": found["metadata"]["resourceVersion"], "timeoutSeconds": WATCH_SECONDS}
        watch = selector | since | {"watch": "true", "allowWatchBookmarks": "true"}
        with closing(_get(client, path, watch, SILENT_SECONDS)) as response:
            yield newest
            for event in _read_lines(response):
                if event["type"] == "ERROR":  # 410: the API server no longer has the resourceVersion to continue from
                    status = event["object"]
                    raise WatchFailed(f"status {status.get('code')}", str(status.get("message")))
                if event["type"] != "BOOKMARK":
                    yield None if event["type"] == "DELETED" else event["object"]


def own_namespace() -> str:
    """The pod's namespace, or `default` outside a pod."""
    try:
        return NAMESPACE_FILE.read_text().strip()
    except OSError:
        return "default"


def _get(client: ApiClient, path: str, query: Json, silent_seconds: float) -> Any:
    """urllib3's response with its body unread. Raises WatchFailed and the client's errors."""
    request = client.param_serialize("GET", path, query_params=list(query.items()), auth_settings=["BearerToken"])
    response = client.call_api(*request, _request_timeout=(CONNECT_SECONDS, silent_seconds)).response
    if response.status != 200:
        fix = "; its Role must allow get, list and watch of this name" if response.status == 403 else ""
        raise WatchFailed(f"status {response.status}", response.data.decode(errors="replace")[:200] + fix)
    return response


def _read_lines(response: Any) -> Iterator[Json]:
    """The JSON objects of a stream, one per line. A line that was cut off is dropped."""
    rest = b""
    for part in response.stream(amt=None, decode_content=False):
        *lines, rest = (rest + part).split(b"\n")
        yield from (json.loads(line) for line in lines if line)
