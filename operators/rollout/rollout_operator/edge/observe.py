"""Observes a rollout: pods as the watches show them, and what agents and API pods answer."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rollout_operator.approvals.approvers import Approvers
from rollout_operator.documents.agent import AgentState
from rollout_operator.documents.api import ApiState
from rollout_operator.documents.codec import Json
from rollout_operator.documents.observation import ApiPod, Observation, Replica, unless_ahead
from rollout_operator.documents.spec import InvalidSpec, Spec
from rollout_operator.documents.status import Status
from rollout_operator.edge.approvers import ReadsApprovers, read_approvers
from rollout_operator.edge.ownership import Owner
from rollout_operator.edge.pods import PodRecord
from rollout_operator.edge.rest import Answers, Rest, Sighting
from rollout_operator.edge.rollout_objects import Objects, Selector, WatchedWorkload, is_rolling
from rollout_operator.edge.stale_cache import ByName, first_there, stale_among
from rollout_operator.settings import Settings


class AsksPods(Protocol):
    """In the order of what is asked; None: no answer, or nonsense."""

    async def ask_agents(self, agents: Sequence[tuple[str, str]]) -> list[AgentState | None]: ...

    async def ask_api_pods(self, urls: Sequence[str]) -> list[ApiState | None]: ...


class ReadsByName(ByName, ReadsApprovers, Protocol):
    """What an observation asks of the API server."""


@dataclass(frozen=True)
class Watched:
    """What the watches know, which may be old; the wiring gives it. `sighting`: of a rollout by name."""

    pods: Callable[[Selector], Sequence[PodRecord]]
    workload: WatchedWorkload
    rivals: Callable[[Json], Sequence[Owner]]
    sighting: Callable[[str], Sighting | None]
    now_seconds: Callable[[], float]


@dataclass(frozen=True)
class Observed:
    """What a decision is made on, and the objects that it is written to. `answers`: of all pods that were asked."""

    objects: Objects
    spec: Spec | InvalidSpec
    status: Status
    seen: Observation
    answers: Answers


class Observer:
    """Only reads. `cluster` blocks and is called on a thread."""

    def __init__(self, cluster: ReadsByName, watched: Watched, pod_client: AsksPods, settings: Settings) -> None:
        self._cluster, self._watched, self._pod_client, self._settings = cluster, watched, pod_client, settings

    async def observe(self, objects: Objects, readings: Mapping[str, ApiState]) -> Observed:
        """Raises ClusterError. `readings`: the last answer of each API pod, by name, which the observation carries.

        A pod that ended is left out, and so is an API pod without an address, which never served. A pod that is silent
        is asked for by name: the watches may show what is gone.
        """
        answers = await self._ask(objects.triton_selector, objects.api_selector)
        stale, rival = await self._stale(answers.silent), await self._rival(objects)
        spec = objects.spec()
        now_seconds = self._watched.now_seconds()
        seen = Observation(
            now_seconds=now_seconds,
            replicas=tuple(self._replicas(objects, answers, stale)),
            api_pods=_unknown_api(objects) or tuple(_api_pods(answers, stale)),
            plan=unless_ahead(objects.plan(), now_seconds),
            routes=unless_ahead(objects.routes(), now_seconds),
            desired_replicas=int(((objects.triton or {}).get("spec") or {}).get("replicas") or 0),
            rolling=is_rolling(objects.triton),
            rival=rival,
            readings=readings,
            approvers=await self._approvers(spec),
            random_hex=secrets.token_hex(16),
            floors=self._settings.floors,
        )
        return Observed(objects, spec, objects.status(), seen, answers)

    async def look_again(self, name: str, rest: Rest) -> Answers | None:
        """What pods answer, while all is as it was at rest; None when anything differs. The API server is not asked."""
        if not self._is_seen_as_before(name, rest):
            return None
        answers = await self._ask(*rest.selectors)
        return answers if answers.say_the_same(rest.answers) else None

    def _is_seen_as_before(self, name: str, rest: Rest) -> bool:
        watched = self._watched
        is_same = watched.sighting(name) == rest.sighting and not rest.is_over(watched.now_seconds())
        workloads = all(watched.workload(kind, one) == body for kind, one, body in rest.workloads)
        return is_same and workloads and not watched.rivals(rest.rollout)

    async def _ask(self, triton: Selector, api: Selector) -> Answers:
        settings = self._settings
        triton_pods = [pod for pod in self._watched.pods(triton) if not pod.ended]
        api_pods = [pod for pod in self._watched.pods(api) if not pod.ended and pod.ip]
        agents, apis = await asyncio.gather(
            self._pod_client.ask_agents([(pod.name, _url(pod.ip, settings.agent_port)) for pod in triton_pods]),
            self._pod_client.ask_api_pods([_url(pod.ip, settings.api_port) for pod in api_pods]),
        )
        return Answers(tuple(zip(triton_pods, agents, strict=True)), tuple(zip(api_pods, apis, strict=True)))

    async def _stale(self, silent: list[PodRecord]) -> frozenset[str]:
        """Uids. Mostly there is nobody to ask for, and then no need for a thread."""
        return await asyncio.to_thread(stale_among, self._cluster, silent) if silent else frozenset()

    async def _rival(self, objects: Objects) -> str:
        rivals = self._watched.rivals(objects.rollout)
        return await asyncio.to_thread(first_there, self._cluster, rivals) if rivals else ""

    async def _approvers(self, spec: Spec | InvalidSpec) -> Approvers | None:
        """Without a gate nobody is asked for."""
        name = self._settings.approvers_configmap
        if not name or isinstance(spec, InvalidSpec) or not any(step.kind.gate_name for step in spec.steps):
            return None
        namespace = self._settings.approvers_namespace or self._settings.namespace
        return await asyncio.to_thread(read_approvers, self._cluster, name, namespace)

    def _replicas(self, objects: Objects, answers: Answers, stale: frozenset[str]) -> Iterable[Replica]:
        service = str(((objects.triton or {}).get("spec") or {}).get("serviceName") or "")
        for pod, state in answers.replicas:
            if pod.uid not in stale:
                host = _host(self._settings, service, pod)
                urls = _url(host, self._settings.triton_port), _url(host, self._settings.agent_port)
                ends = pod.uid, pod.triton_end
                yield Replica(pod.name, pod.terminating, pod.not_ready_since, *urls, pod.instance, state, *ends)


def _api_pods(answers: Answers, stale: frozenset[str]) -> Iterable[ApiPod]:
    for pod, state in answers.api_pods:
        if pod.uid not in stale:
            yield ApiPod(pod.name, pod.terminating, pod.not_ready_since, state)


def _unknown_api(objects: Objects) -> tuple[ApiPod, ...]:
    """Its pods may live on and address any version: that counts as one that does not answer."""
    if objects.api_selector:
        return ()
    why = "has no spec.selector.matchLabels" if objects.api else "does not exist"
    return (ApiPod(f"Deployment {objects.api_name}, which {why},"),)


def _host(settings: Settings, service: str, pod: PodRecord) -> str:
    """Empty when it is made of an address that is not there yet."""
    if "{ip}" in settings.replica_host and not pod.ip:
        return ""
    return settings.replica_host.format(pod=pod.name, service=service, namespace=pod.namespace, ip=pod.ip)


def _url(host: str, port: int) -> str:
    """Empty without a host."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}" if host else ""
