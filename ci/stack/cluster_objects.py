"""The objects that a chart, a kubelet and a controller would write. Pure."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

Json = dict[str, Any]

TRITON, API = "medinfer-triton", "medinfer-api"
PLAN, ROUTES = f"{TRITON}-plan", f"{API}-routes"
CONTAINERS = {TRITON: ("triton", "agent"), API: ("api",)}


def labels(workload: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": workload, "app.kubernetes.io/part-of": "medinfer"}


def stateful_set(replicas: int) -> Json:
    spec = {**_workload(TRITON, replicas), "serviceName": TRITON, "podManagementPolicy": "Parallel"}
    return {"metadata": {"name": TRITON}, "spec": spec}


def deployment(replicas: int) -> Json:
    return {"metadata": {"name": API}, "spec": _workload(API, replicas)}


def config_map(name: str, data: dict[str, str]) -> Json:
    return {"metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "medinfer"}}, "data": data}


def pod(name: str, workload: str) -> Json:
    """Bound to a node: the API server removes other pods at once when they are deleted."""
    spec = {**_pod_spec(workload), "nodeName": "node-0"}
    return {"metadata": {"name": name, "labels": labels(workload)}, "spec": spec}


def running(workload: str, ip: str, container_id: str = "", restarts: int = 0) -> Json:
    """Status of a pod whose containers all run and are ready; `container_id` is the first one's, else a fresh one."""
    first, *others = CONTAINERS[workload]
    ids = {
        first: container_id or f"containerd://{uuid4().hex}",
        **{other: f"containerd://{other}-of-{ip}" for other in others},
    }
    statuses = [_container(name, one, restarts if name == first else 0) for name, one in ids.items()]
    conditions = [ready_condition(True)]
    return {
        "phase": "Running",
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "conditions": conditions,
        "containerStatuses": statuses,
    }


def ready_condition(ready: bool) -> Json:
    return {"type": "Ready", "status": str(ready), "lastTransitionTime": now()}


def ended_before(container: Json, code: int) -> Json:
    """The container's status when the one before it ended with this code; one below 0 is a signal."""
    terminated = {"exitCode": 128 - code if code < 0 else code, "reason": "Error" if code else "Completed"}
    return {**container, "lastState": {"terminated": terminated}}


def crashed(container: Json) -> Json:
    """The container's status after it ended and before it is started again; its id is the ended one's."""
    return {**container, "ready": False, "started": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _container(name: str, container_id: str, restarts: int) -> Json:
    return {
        "name": name,
        "image": "medinfer",
        "imageID": "medinfer",
        "containerID": container_id,
        "ready": True,
        "started": True,
        "restartCount": restarts,
        "state": {"running": {"startedAt": now()}},
    }


def _workload(name: str, replicas: int) -> Json:
    template = {"metadata": {"labels": labels(name)}, "spec": _pod_spec(name)}
    selector = {"matchLabels": {"app.kubernetes.io/name": name}}
    return {"replicas": replicas, "selector": selector, "template": template}


def _pod_spec(workload: str) -> Json:
    return {"containers": [{"name": name, "image": "medinfer"} for name in CONTAINERS[workload]]}
