"""An API server in memory, behind the operator's seams: objects with a resourceVersion, refusals, and a log."""

import copy
from collections.abc import Callable
from typing import Any

from rollout_operator.documents.codec import Json
from rollout_operator.edge.errors import Conflict, Missing

from ci.stack import cluster_objects
from ci.stack.cluster_objects import API, TRITON
from tests.unit.rollout.edge.leases import FakeLeases
from tests.unit.rollout.specs import digest, uri

NAMESPACE = "medinfer"
ROLLOUT = "resnet-medical"


def rollout_spec(version: int = 1, **changes: Any) -> Json:
    return {
        "tritonRef": {"name": TRITON},
        "apiRef": {"name": API},
        "model": "resnet_medical",
        "version": version,
        "artifact": {"uri": uri(version), "digest": digest(version)},
        "strategy": {"steps": [{"setWeight": 50}, {"setWeight": 100}]},
    } | changes


def nothing_shown(kind: str, name: str) -> None:
    """Watches that have not begun: everything is asked for."""


class FakeApiServer(FakeLeases):
    """`before(verb, kind, name)` runs in every call before it is judged; it may write, or raise.

    `log`: the writes that were accepted, as `status`, `plan`, `routes`; Events have a list of their own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[tuple[str, str], Json] = {}
        self.log: list[str] = []
        self.events: list[Json] = []
        self.before: Callable[[str, str, str], object] = lambda verb, kind, name: None
        self._version = 100

    def set_up(self, replicas: int = 2, apis: int = 2) -> "FakeApiServer":
        """What a chart installs, and one rollout of version 1."""
        self.add("StatefulSet", cluster_objects.stateful_set(replicas))
        self.add("Deployment", cluster_objects.deployment(apis))
        self.add("ConfigMap", cluster_objects.config_map(cluster_objects.PLAN, {}))
        self.add("ConfigMap", cluster_objects.config_map(cluster_objects.ROUTES, {}))
        self.add_rollout()
        return self

    def add_rollout(self, name: str = ROLLOUT, created: str = "2026-01-01T12:00:00Z", **changes: Any) -> Json:
        metadata = {"name": name, "creationTimestamp": created}
        return self.add("ModelRollout", {"metadata": metadata, "spec": rollout_spec(**changes)})

    def edit_rollout(self, **changes: Any) -> None:
        rollout = self.objects["ModelRollout", ROLLOUT]
        rollout["spec"] |= changes
        rollout["metadata"]["generation"] += 1
        self._touch(rollout)

    def add_pod(self, name: str, workload: str, ip: str) -> Json:
        return self.add("Pod", cluster_objects.pod(name, workload) | {"status": cluster_objects.running(workload, ip)})

    def add(self, kind: str, body: Json) -> Json:
        body = copy.deepcopy(body)
        self._version += 1
        own = {"namespace": NAMESPACE, "uid": f"uid-{self._version}", "generation": 1}
        body["metadata"] = own | body["metadata"]
        self.objects[kind, body["metadata"]["name"]] = body
        self._touch(body)
        return copy.deepcopy(body)

    def remove(self, kind: str, name: str) -> None:
        del self.objects[kind, name]

    def rollout(self) -> Json:
        return self.objects["ModelRollout", ROLLOUT]

    def data(self, name: str, key: str) -> str:
        """Empty when it is absent."""
        return str(self.objects.get(("ConfigMap", name), {}).get("data", {}).get(key, ""))

    def read_rollout(self, name: str) -> Json:
        return self._read("ModelRollout", name)

    def read_stateful_set(self, name: str) -> Json:
        return self._read("StatefulSet", name)

    def read_deployment(self, name: str) -> Json:
        return self._read("Deployment", name)

    def read_config_map(self, name: str, namespace: str = "") -> Json:
        """Namespaces are not kept apart here."""
        return self._read("ConfigMap", name)

    def read_pod(self, name: str) -> Json:
        return self._read("Pod", name)

    def write_status(self, rollout: Json) -> Json:
        there = self._judge("ModelRollout", rollout)
        there["status"] = copy.deepcopy(rollout["status"])
        return self._accept("status", there)

    def write_config_map(self, config_map: Json) -> Json:
        name = config_map["metadata"]["name"]
        what = name.rsplit("-", 1)[-1]
        if "resourceVersion" in config_map["metadata"]:
            there = self._judge("ConfigMap", config_map)
            there.update(copy.deepcopy(config_map))
            return self._accept(what, there)
        self.before("write", "ConfigMap", name)
        if ("ConfigMap", name) in self.objects:
            raise Conflict(f"ConfigMap {name} already exists")
        self.add("ConfigMap", config_map)
        return self._accept(what, self.objects["ConfigMap", name])

    def create_event(self, event: Json) -> None:
        self.before("create", "Event", event["reason"])
        self.events.append(event)

    def _read(self, kind: str, name: str) -> Json:
        assert name, f"a {kind} without a name: that would list them all"
        self.before("read", kind, name)
        if (kind, name) not in self.objects:
            raise Missing(f"{kind} {name}")
        return copy.deepcopy(self.objects[kind, name])

    def _judge(self, kind: str, body: Json) -> Json:
        name = body["metadata"]["name"]
        self.before("write", kind, name)
        if (kind, name) not in self.objects:
            raise Missing(f"{kind} {name}")
        there = self.objects[kind, name]
        if there["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise Conflict(f"{kind} {name} has been modified")
        return there

    def _accept(self, what: str, body: Json) -> Json:
        self.log.append(what)
        self._touch(body)
        return copy.deepcopy(body)

    def _touch(self, body: Json) -> None:
        self._version += 1
        body["metadata"]["resourceVersion"] = str(self._version)
