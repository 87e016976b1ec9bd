"""The Kubernetes objects that the operator writes, as JSON. Pure."""

import json
import re
from typing import Any

from rollout_operator.decide.situation import Event
from rollout_operator.documents.codec import Json, format_time
from rollout_operator.documents.plan import Plan
from rollout_operator.documents.routes import Routes

API_VERSION = "serving.medinfer.io/v1alpha1"
PLAN_KEY, ROUTES_KEY = "plan.json", "routes.json"
WRITER = "serving.medinfer.io/writer"
LABELS = {"app.kubernetes.io/part-of": "medinfer"}
COMPONENT = "rollout-operator"
OBJECT_NAME = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
MAX_NOTE = 1024  # the API server refuses more


def triton_name(rollout: Any) -> str:
    """Of the StatefulSet; empty when the spec names none that could exist."""
    return _referred(rollout, "tritonRef")


def api_name(rollout: Any) -> str:
    """Of the Deployment; empty when the spec names none that could exist."""
    return _referred(rollout, "apiRef")


def plan_name(triton: str) -> str:
    """The name of the ConfigMap with the plan; the chart makes it, too."""
    return f"{triton}-plan"


def routes_name(api: str) -> str:
    """The name of the ConfigMap with the routes; the chart makes it, too."""
    return f"{api}-routes"


def read_data(config_map: Json | None, key: str) -> str:
    """Empty when it is absent."""
    return str(((config_map or {}).get("data") or {}).get(key) or "")


def with_document(name: str, key: str, document: Plan | Routes, before: Json | None, writer: str) -> Json:
    """`before`, with this content; a new one when there was none. Its resourceVersion stays."""
    data = {key: json.dumps(document.document(), indent=1, sort_keys=True) + "\n"}
    old = before or {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": LABELS}}
    return with_writer({**old, "data": {**(old.get("data") or {}), **data}}, writer)


def with_writer(config_map: Json, writer: str) -> Json:
    """The ConfigMap, annotated with who writes it."""
    metadata = config_map["metadata"]
    annotations = {**(metadata.get("annotations") or {}), WRITER: writer}
    return {**config_map, "metadata": {**metadata, "annotations": annotations}}


def with_status(rollout: Json, status: Json) -> Json:
    """What is PUT to the status subresource: the object as it was read, with this status."""
    metadata = {key: rollout["metadata"][key] for key in ("name", "namespace", "resourceVersion", "uid")}
    return {
        "apiVersion": API_VERSION,
        "kind": "ModelRollout",
        "metadata": metadata,
        "spec": rollout.get("spec"),
        "status": status,
    }


def build_event(rollout: Json, event: Event, now_ns: int, reporter: str) -> Json:
    """A core/v1 Event about the ModelRollout. `now_ns`: nanoseconds since 1970; it makes the name unique."""
    metadata = rollout["metadata"]
    time = format_time(now_ns // 10**9)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name'][:200].rstrip('.-')}.{now_ns:x}", "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": "ModelRollout",
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "reason": event.reason,
        "message": event.message[:MAX_NOTE],
        "type": "Warning" if event.warning else "Normal",
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": reporter[:128],
    }


def _referred(rollout: Any, reference: str) -> str:
    name = str(((rollout.get("spec") or {}).get(reference) or {}).get("name") or "")
    return name if re.fullmatch(OBJECT_NAME, name) else ""
