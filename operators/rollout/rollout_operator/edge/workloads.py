"""StatefulSets and Deployments as the API server describes them, reduced to what a rollout must know. Pure."""

from collections.abc import Mapping
from typing import Any

from rollout_operator.documents.codec import Json

SPEC = ("replicas", "selector", "serviceName")
STATUS = ("currentRevision", "updateRevision")


def read_workload(body: Mapping[str, Any]) -> Json:
    """As it is, without the rest: the template alone can be large."""
    spec, status = body.get("spec") or {}, body.get("status") or {}
    return {
        "metadata": {"name": body["metadata"]["name"]},
        "spec": {key: spec[key] for key in SPEC if key in spec},
        "status": {key: status[key] for key in STATUS if key in status},
    }
