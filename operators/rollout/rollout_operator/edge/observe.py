"""One look at the world: objects from the API server, pods from the index, agents and API pods asked."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from rollout_operator.documents.agent import AgentState
from rollout_operator.documents.api import ApiState
from rollout_operator.documents.codec import InvalidDocument, Json
from rollout_operator.documents.observation import ApiPod, Observation, Replica
from rollout_operator.documents.plan import parse_plan
from rollout_operator.documents.routes import parse_routes
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
from rollout_operator.edge.ownership import Owner
from rollout_operator.edge.pod_client import PodClient
from rollout_operator.edge.pods import PodRecord
from rollout_operator.edge.stale_cache import ByName, first_there, stale_among
from rollout_operator.settings import Settings

Selector = Mapping[str, str]
Shown = Callable[[str, str], Json | None]  # of a kind and a name, what the watches know
T = TypeVar("T")


class Reads(ByName, Protocol):
    def read_stateful_set(self, name: str) -> Json: ...

    def read_deployment(self, name: str) -> Json: ...

    def read_config_map(self, name: str) -> Json: ...


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
        return triton_name(self.rollout)

    @property
    def api_name(self) -> str:
        return api_name(self.rollout)


@dataclass(frozen=True)
class Look:
    objects: Objects
    spec: Spec | InvalidSpec
    status: Status
    seen: Observation


@dataclass(frozen=True)
class Watched:
    """What the watches know, which may be old; the wiring gives it."""

    pods: Callable[[Selector], Sequence[PodRecord]]
    workload: Shown
    rivals: Callable[[Json], Sequence[Owner]]
    now_seconds: Callable[[], float]


def read_objects(cluster: Reads, name: str, shown: Shown) -> Objects:
    """Raises Missing when the ModelRollout itself is gone.

    What is written on is read anew. The workloads are what the watches show; what they do not show is asked for.
    """
    rollout = cluster.read_rollout(name)
    triton, api = triton_name(rollout), api_name(rollout)
    return Objects(
        rollout,
        shown("StatefulSet", triton) or _found(cluster.read_stateful_set, triton),
        shown("Deployment", api) or _found(cluster.read_deployment, api),
        _found(cluster.read_config_map, plan_name(triton)),
        _found(cluster.read_config_map, routes_name(api)),
    )


async def observe(
    cluster: Reads,
    objects: Objects,
    watched: Watched,
    pod_client: PodClient,
    settings: Settings,
    readings: Mapping[str, ApiState],
) -> Look:
    triton_pods = [pod for pod in watched.pods(selector_of(objects.triton)) if not pod.ended]
    api_pods = [pod for pod in watched.pods(selector_of(objects.api)) if not pod.ended and pod.ip]
    agents, apis = await asyncio.gather(
        pod_client.ask_agents([(pod.name, _url(pod.ip, settings.agent_port)) for pod in triton_pods]),
        pod_client.ask_api_pods([_url(pod.ip, settings.api_port) for pod in api_pods]),
    )
    replicas, api_states = list(zip(triton_pods, agents, strict=True)), list(zip(api_pods, apis, strict=True))
    silent = [pod for pod, state in (*replicas, *api_states) if state is None]
    rivals = watched.rivals(objects.rollout)
    # Mostly there is nobody to ask for, and then no need for a thread.
    stale = await asyncio.to_thread(stale_among, cluster, silent) if silent else frozenset()
    rival = await asyncio.to_thread(first_there, cluster, rivals) if rivals else ""
    spec = (objects.triton or {}).get("spec") or {}
    host = partial(_host, settings, str(spec.get("serviceName") or ""))
    seen = Observation(
        now_seconds=watched.now_seconds(),
        replicas=tuple(_replica(pod, state, host(pod), settings) for pod, state in replicas if pod.uid not in stale),
        api_pods=_unknown_api(objects)
        or tuple(
            ApiPod(pod.name, pod.terminating, pod.not_ready_since, state)
            for pod, state in api_states
            if pod.uid not in stale
        ),
        plan=_parsed(parse_plan, read_data(objects.plan_map, PLAN_KEY)),
        routes=_parsed(parse_routes, read_data(objects.routes_map, ROUTES_KEY)),
        desired_replicas=int(spec.get("replicas") or 0),
        rolling=is_rolling(objects.triton),
        rival=rival,
        readings=readings,
    )
    return Look(objects, _spec(objects.rollout), parse_status(objects.rollout.get("status")), seen)


def selector_of(workload: Json | None) -> Selector:
    """Empty selects nothing."""
    found: Selector = (((workload or {}).get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return found


def is_rolling(stateful_set: Json | None) -> bool:
    """The StatefulSet's pods are being replaced by others of a newer template."""
    status = (stateful_set or {}).get("status") or {}
    update, current = status.get("updateRevision"), status.get("currentRevision")
    return bool(update and current and update != current)


def _replica(pod: PodRecord, state: AgentState | None, host: str, settings: Settings) -> Replica:
    urls = _url(host, settings.triton_port), _url(host, settings.agent_port)
    return Replica(pod.name, pod.terminating, pod.not_ready_since, *urls, pod.instance, state)


def _unknown_api(objects: Objects) -> tuple[ApiPod, ...]:
    """Its pods may live on and address any version: that counts as one that does not answer."""
    if selector_of(objects.api):
        return ()
    why = "has no spec.selector.matchLabels" if objects.api else "does not exist"
    return (ApiPod(f"Deployment {objects.api_name}, which {why},"),)


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


def _spec(rollout: Json) -> Spec | InvalidSpec:
    try:
        return parse_spec(rollout)
    except InvalidSpec as error:
        return error


def _host(settings: Settings, service: str, pod: PodRecord) -> str:
    """Empty when it is made of an address that is not there yet."""
    if "{ip}" in settings.replica_host and not pod.ip:
        return ""
    return settings.replica_host.format(pod=pod.name, service=service, namespace=pod.namespace, ip=pod.ip)


def _url(host: str, port: int) -> str:
    """Empty without a host."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}" if host else ""
