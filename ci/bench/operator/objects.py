"""The objects of a rollout, as a chart, a kubelet and a person would write them. Pure."""

from typing import Any

from ci.bench.operator.addresses import Part
from ci.stack.cluster_objects import ready_condition

Json = dict[str, Any]

PAUSE_SECONDS = 5


def labels(part: Part, component: str) -> dict[str, str]:
    """As in the chart: all share the component's value, and each has its own release."""
    return {"app.kubernetes.io/component": component, "app.kubernetes.io/instance": part.name}


def stateful_set(part: Part) -> Json:
    spec = _workload(part, "triton", part.replicas) | {"serviceName": part.server}
    return {"metadata": {"name": part.server}, "spec": spec}


def deployment(part: Part) -> Json:
    return {"metadata": {"name": part.gateway}, "spec": _workload(part, "api", part.api_pods)}


def config_maps(part: Part) -> list[Json]:
    """Empty, as the chart makes them."""
    return [{"metadata": {"name": name}, "data": {}} for name in (part.plan, part.routes)]


def pod(part: Part, component: str, name: str) -> Json:
    spec = {"nodeName": "node-0", "containers": [{"name": component, "image": "medinfer"}]}
    return {"metadata": {"name": name, "labels": labels(part, component)}, "spec": spec}


def pod_status(component: str, ip: str) -> Json:
    """Running and ready."""
    container = {
        "name": component,
        "image": "medinfer",
        "imageID": "medinfer",
        "containerID": f"containerd://{component}-at-{ip}",
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": ready_condition(True)["lastTransitionTime"]}},
    }
    return {
        "status": {
            "phase": "Running",
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "conditions": [ready_condition(True)],
            "containerStatuses": [container],
        }
    }


def rollout(part: Part, version: int, concurrent_replicas: int) -> Json:
    """A release of a few steps, without a gate."""
    spec = {
        "tritonRef": {"name": part.server},
        "apiRef": {"name": part.gateway},
        "model": "resnet_medical",
        "load": {"maxConcurrentReplicas": concurrent_replicas},
        "strategy": {
            "steps": [
                {"shadow": {"percent": 100, "minSamples": 200}},
                {"setWeight": 5},
                {"pause": {"seconds": PAUSE_SECONDS}},
                {"setWeight": 50},
                {"pause": {"seconds": PAUSE_SECONDS}},
                {"setWeight": 100},
            ]
        },
        "analysis": {"intervalSeconds": 2, "minSamples": 30},
        **release(version),
    }
    kind = {"apiVersion": "serving.medinfer.io/v1alpha1", "kind": "ModelRollout"}
    return kind | {"metadata": {"name": part.name}, "spec": spec}


def release(version: int) -> Json:
    """The lines of the spec that a release edits."""
    uri = f"https://models.example.org/resnet_medical-{version}.tar"
    return {"version": version, "artifact": {"uri": uri, "digest": f"sha256:{version:064x}"}}


def role() -> Json:
    """Adds the ConfigMaps of every rollout to manifests/rbac, which names those of one Triton."""
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "update", "patch"]}
    return {"metadata": {"name": "every-rollout"}, "rules": [rule]}


def _workload(part: Part, component: str, replicas: int) -> Json:
    wanted = labels(part, component)
    template = {"metadata": {"labels": wanted}, "spec": {"containers": [{"name": component, "image": "medinfer"}]}}
    return {"replicas": replicas, "selector": {"matchLabels": wanted}, "template": template}
