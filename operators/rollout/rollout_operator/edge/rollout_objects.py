"""The objects of one rollout as the API server has them, and the documents in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rollout_operator.documents.codec import InvalidDocument, Json
from rollout_operator.documents.plan import Plan, parse_plan
from rollout_operator.documents.routes import Routes, parse_routes
from rollout_operator.documents.spec import InvalidSpec, Spec, parse_spec
from rollout_operator.documents.status import Status, parse_status
from rollout_operator.edge.errors import Missing
from rollout_operator.edge.objects import (
    PLAN_KEY,
    ROUTES_KEY,
    api_name,
    plan_name,
    read_data,
    routes_name,
    triton_name,
)

Selector = Mapping[str, str]
WatchedWorkload = Callable[[str, str], Json | None]  # by kind and name; None: the watches do not show it
T = TypeVar("T")


class ReadsObjects(Protocol):
    """Each raises Missing when the object is not there, and other ClusterErrors."""

    def read_rollout(self, name: str) -> Json: ...

    def read_stateful_set(self, name: str) -> Json: ...

    def read_deployment(self, name: str) -> Json: ...

    def read_config_map(self, name: str, namespace: str = "") -> Json: ...


@dataclass(frozen=True)
class Objects:
    """As the API server has them; None: not there."""

    rollout: Json
    triton: Json | None
    api: Json | None
    plan_map: Json | None
    routes_map: Json | None

    @property
    def triton_name(self) -> str:
        """Of the StatefulSet that spec.tritonRef names."""
        return triton_name(self.rollout)

    @property
    def api_name(self) -> str:
        """Of the Deployment that spec.apiRef names."""
        return api_name(self.rollout)

    @property
    def triton_selector(self) -> Selector:
        """Finds the Triton pods."""
        return selector_of(self.triton)

    @property
    def api_selector(self) -> Selector:
        """Finds the API pods."""
        return selector_of(self.api)

    def spec(self) -> Spec | InvalidSpec:
        """InvalidSpec when it cannot be used; it says why."""
        try:
            return parse_spec(self.rollout)
        except InvalidSpec as error:
            return error

    def status(self) -> Status:
        """Empty when it is absent or unreadable."""
        return parse_status(self.rollout.get("status"))

    def plan(self) -> Plan | None:
        """None when it is absent, empty or invalid; so are the routes."""
        return _parsed(parse_plan, read_data(self.plan_map, PLAN_KEY))

    def routes(self) -> Routes | None:
        """None when they are absent, empty or invalid."""
        return _parsed(parse_routes, read_data(self.routes_map, ROUTES_KEY))


def read_objects(cluster: ReadsObjects, name: str, watched: WatchedWorkload) -> Objects:
    """Raises Missing when the ModelRollout itself is gone, and other ClusterErrors.

    What the operator writes is read from the API server. The workloads are what the watches show; only what they do not
    show is read.
    """
    rollout = cluster.read_rollout(name)
    triton, api = triton_name(rollout), api_name(rollout)
    return Objects(
        rollout,
        watched("StatefulSet", triton) or _found(cluster.read_stateful_set, triton),
        watched("Deployment", api) or _found(cluster.read_deployment, api),
        _found(cluster.read_config_map, plan_name(triton)),
        _found(cluster.read_config_map, routes_name(api)),
    )


def selector_of(workload: Json | None) -> Selector:
    """Empty selects nothing."""
    found: Selector = (((workload or {}).get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return found


def is_rolling(stateful_set: Json | None) -> bool:
    """The StatefulSet's pods are being replaced by others of a newer template."""
    status = (stateful_set or {}).get("status") or {}
    update, current = status.get("updateRevision"), status.get("currentRevision")
    return bool(update and current and update != current)


def _found(read: Callable[[str], Json], name: str) -> Json | None:
    try:
        return read(name) if name else None
    except Missing:
        return None


def _parsed(parse: Callable[[str], T], content: str) -> T | None:
    try:
        return parse(content)
    except InvalidDocument:
        return None
