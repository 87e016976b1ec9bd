"""The watches: Kopf keeps an index of pods and rollouts, and its events wake our own workqueue.

Kopf's timers, daemons and change handlers are not used: they put a finalizer or an annotation on what they watch, and
an object whose operator was uninstalled first would never go. `on.event` and indexes leave no trace.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import kopf

from rollout_operator.documents.codec import Json
from rollout_operator.edge.ownership import Owner, Role, owned_roles, read_owner
from rollout_operator.edge.pods import PodRecord, read_pod
from rollout_operator.edge.rest import Sighting
from rollout_operator.edge.rollout_objects import Selector
from rollout_operator.edge.workloads import read_workload

RESOURCE = ("serving.medinfer.io", "v1alpha1", "modelrollouts")
Label = tuple[str, str]


class Backoffs:
    """Kopf goes through it for each request; it never gives up."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.5, 1, 2)
        while True:
            yield 3


class Watches:
    """`on_rollout`, `on_pod` are called when one of them changed in a way that may matter."""

    def __init__(self, on_rollout: Callable[[str], None], on_pod: Callable[[PodRecord], None]) -> None:
        self._on_rollout, self._on_pod = on_rollout, on_pod
        self._generations: dict[str, tuple[str, int]] = {}
        self._versions: dict[str, tuple[str, str]] = {}
        self._listings = 0
        self._records: dict[str, PodRecord] = {}
        self._workloads: dict[tuple[str, str], Json] = {}
        self._pods: Any = {}
        self._owners: Any = {}

    def pods(self, selector: Selector) -> Sequence[PodRecord]:
        """By name; none without a selector."""
        if not selector:
            return []
        stores = [self._pods.get(label, ()) for label in selector.items()]
        found = [pod for pod in min(stores, key=len) if pod.matches(selector)]
        return sorted(found, key=lambda pod: pod.name)

    def workload(self, kind: str, name: str) -> Json | None:
        """None: not seen, which does not say that it is not there. Threads may ask, too."""
        return self._workloads.get((kind, name))

    def sighting(self, rollout: str) -> Sighting | None:
        """None: not seen."""
        seen = self._versions.get(rollout)
        return Sighting(self._listings, *seen) if seen else None

    def rivals(self, rollout: Json) -> Sequence[Owner]:
        """Older rollouts that refer to the same StatefulSet or Deployment, the oldest first."""
        own = read_owner(rollout)
        owners = {one for role in owned_roles(rollout) for one in self._owners.get(role, ())}
        return sorted(one for one in owners if one.uid != own.uid and one < own)

    def use_indexes(self, pods: Mapping[Label, Any], owners: Mapping[Role, Any]) -> None:
        """Each key's values; Kopf hands them to handlers only, and only once they are complete."""
        self._pods, self._owners = pods, owners

    def note_pod(self, type: str | None, record: PodRecord) -> None:
        """Remembers a pod, and wakes what depends on it when it changed in a way that may matter."""
        before = self._records.get(record.uid)
        if type == "DELETED":
            self._records.pop(record.uid, None)
        else:
            self._records[record.uid] = record
        if type == "DELETED" or record != before:
            self._on_pod(record)

    def note_workload(self, type: str | None, kind: str, body: Mapping[str, Any]) -> None:
        """Wakes nobody: its pods do, and the clock."""
        if type == "DELETED":
            self._workloads.pop((kind, body["metadata"]["name"]), None)
        else:
            self._workloads[kind, body["metadata"]["name"]] = read_workload(body)

    def note_rollout(self, type: str | None, metadata: Mapping[str, Any]) -> None:
        """Wakes nobody for a write of status, which is mostly our own."""
        name, now = metadata["name"], (metadata["uid"], int(metadata.get("generation", 0)))
        self._note_version(type, metadata)
        if type == "DELETED":
            self._generations.pop(name, None)
        elif self._generations.get(name) == now:
            return
        else:
            self._generations[name] = now
        self._on_rollout(name)

    def _note_version(self, type: str | None, metadata: Mapping[str, Any]) -> None:
        """Without a type it comes from a list. If it was known, the watch began anew, and may have missed deletions."""
        name = metadata["name"]
        self._listings += type is None and name in self._versions
        if type == "DELETED":
            self._versions.pop(name, None)
        else:
            self._versions[name] = (metadata["uid"], metadata.get("resourceVersion", ""))


def build_registry(watches: Watches) -> kopf.OperatorRegistry:
    """Kopf's handlers and indexes, which feed `watches`: pods, ModelRollouts, StatefulSets and Deployments.

    Only `on.event` and indexes: Kopf's other handlers write a finalizer or an annotation on what they watch.
    """
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def login(**arguments: Any) -> object:
        return kopf.login_with_service_account(**arguments) or kopf.login_with_kubeconfig(**arguments)

    @kopf.index("pods", id="pods", registry=registry)
    def pods(body: Any, **_: Any) -> dict[Label, PodRecord]:
        record = read_pod(body)
        return dict.fromkeys(record.labels, record)

    @kopf.index(*RESOURCE, id="owners", registry=registry)
    def owners(body: Any, **_: Any) -> dict[Role, Owner]:
        return dict.fromkeys(owned_roles(body), read_owner(body))

    @kopf.on.event("pods", registry=registry)
    async def on_pod(type: Any, body: Any, **indexes: Any) -> None:
        watches.use_indexes(indexes["pods"], indexes["owners"])
        watches.note_pod(type, read_pod(body))

    @kopf.on.event("apps", "v1", "statefulsets", registry=registry)
    async def on_stateful_set(type: Any, body: Any, **_: Any) -> None:
        watches.note_workload(type, "StatefulSet", body)

    @kopf.on.event("apps", "v1", "deployments", registry=registry)
    async def on_deployment(type: Any, body: Any, **_: Any) -> None:
        watches.note_workload(type, "Deployment", body)

    @kopf.on.event(*RESOURCE, registry=registry)
    async def on_rollout(type: Any, body: Any, **indexes: Any) -> None:
        watches.use_indexes(indexes["pods"], indexes["owners"])
        watches.note_rollout(type, body["metadata"])

    return registry


def kopf_settings() -> kopf.OperatorSettings:
    """No Events, no scan for CRDs, and requests that are retried without end (see Backoffs)."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.server_timeout = 600
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = Backoffs()
    return settings
