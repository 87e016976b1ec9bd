"""A cluster in memory around the real Reconciler: agents and API pods obey what it publishes."""

import random
from collections.abc import Sequence
from typing import Any

from rollout_operator.documents.agent import AgentState
from rollout_operator.documents.api import ApiState
from rollout_operator.documents.codec import InvalidDocument, Json
from rollout_operator.documents.plan import parse_plan
from rollout_operator.documents.routes import parse_routes
from rollout_operator.edge.events import EventRecorder
from rollout_operator.edge.leadership import Leadership
from rollout_operator.edge.observe import Watched
from rollout_operator.edge.ownership import Owner, owned_roles, read_owner
from rollout_operator.edge.pods import PodRecord, read_pod
from rollout_operator.edge.rest import Sighting
from rollout_operator.edge.workloads import read_workload
from rollout_operator.metrics import Metrics
from rollout_operator.reconcile import Reconciler, Traces
from rollout_operator.settings import Settings, read_settings

from ci.stack.cluster_objects import API, PLAN, ROUTES, TRITON
from tests.unit.rollout.edge.api_server import NAMESPACE, ROLLOUT, FakeApiServer
from tests.unit.rollout.edge.leases import Clock
from tests.unit.rollout.healthy_cluster import GOOD
from tests.unit.rollout.simulated_agent import Agent
from tests.unit.rollout.simulated_api import Api

SETTINGS = read_settings(namespace=NAMESPACE, identity="operator-0", replica_host="{ip}")


class FakeIndexes:
    """What the watches show: all pods that are there, and `stale` that are not."""

    def __init__(self, server: FakeApiServer) -> None:
        self._server = server
        self.deleted_pods: list[PodRecord] = []
        self.deleted_owners: list[Owner] = []
        self.workloads: dict[tuple[str, str], Json] = {}
        self.sightings: dict[str, Sighting] = {}

    def pods(self, selector: Any) -> Sequence[PodRecord]:
        there = [read_pod(body) for (kind, _), body in self._server.objects.items() if kind == "Pod"]
        found = [pod for pod in (*there, *self.deleted_pods) if selector and pod.matches(selector)]
        return sorted(found, key=lambda pod: pod.name)

    def workload(self, kind: str, name: str) -> Json | None:
        """Only those that a test puts there: the others are asked for."""
        return self.workloads.get((kind, name))

    def sighting(self, rollout: str) -> Sighting | None:
        """None until a test shows it."""
        return self.sightings.get(rollout)

    def show(self, listing: int = 0) -> None:
        """Rollouts, StatefulSets and Deployments as they are now."""
        for (kind, name), body in self._server.objects.items():
            if kind in ("StatefulSet", "Deployment"):
                self.workloads[kind, name] = read_workload(body)
            elif kind == "ModelRollout":
                metadata = body["metadata"]
                self.sightings[name] = Sighting(listing, metadata["uid"], metadata["resourceVersion"])

    def rivals(self, rollout: Json) -> Sequence[Owner]:
        others = [body for (kind, _), body in self._server.objects.items() if kind == "ModelRollout"]
        owners = [read_owner(body) for body in others if set(owned_roles(body)) & set(owned_roles(rollout))]
        return sorted(one for one in (*owners, *self.deleted_owners) if one < read_owner(rollout))


class FakePodClient:
    """Answers for agents by pod, for API pods by address; `problem` is raised instead."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self.apis: dict[str, Api] = {}
        self.asked: list[str] = []
        self.problem: Exception | None = None

    async def ask_agents(self, agents: Sequence[tuple[str, str]]) -> list[AgentState | None]:
        self.asked += [url for _, url in agents]
        if self.problem:
            raise self.problem
        found = [self.agents.get(pod) if url else None for pod, url in agents]
        return [one.state() if one and one.up else None for one in found]

    async def ask_api_pods(self, urls: Sequence[str]) -> list[ApiState | None]:
        self.asked += urls
        found = [self.apis.get(url) for url in urls]
        return [one.state() if one and one.up else None for one in found]


class FakeNotifier:
    def __init__(self) -> None:
        self.notices: list[tuple[str, Json]] = []

    def notify(self, url: str, notice: Json) -> None:
        self.notices.append((url, notice))


class FakeCluster:
    """`reconcile` runs once; `tick` first lets a second pass for everybody."""

    def __init__(
        self, replicas: int = 2, apis: int = 2, settings: Settings = SETTINGS, traces: Traces | None = None
    ) -> None:
        self.server = FakeApiServer().set_up(replicas, apis)
        self.indexes, self.pod_client, self.notifier = FakeIndexes(self.server), FakePodClient(), FakeNotifier()
        self.clock, self.metrics = Clock(1_767_268_800.0), Metrics()
        for number in range(replicas):
            self.add_triton(f"triton-{number}", f"127.0.1.{number}")
        for number in range(apis):
            self.add_api(f"api-{number}", f"127.0.2.{number}")
        self.leadership = Leadership(self.server, "operator", "operator-0", 10, lambda leads: None, self.clock)
        self.watched = Watched(
            self.indexes.pods, self.indexes.workload, self.indexes.rivals, self.indexes.sighting, self.clock
        )
        self.reconciler = Reconciler(
            self.server,
            self.leadership,
            self.watched,
            self.pod_client,
            EventRecorder(self.server, self.notifier, "operator-0"),
            self.metrics,
            settings,
            traces,
        )

    def add_triton(self, name: str, ip: str) -> None:
        self.server.add_pod(name, TRITON, ip)
        self.pod_client.agents[name] = Agent(name)

    def add_api(self, name: str, ip: str) -> None:
        self.server.add_pod(name, API, ip)
        self.pod_client.apis[f"http://{ip}:8003"] = Api(name)

    @property
    def status(self) -> Json:
        found: Json = self.server.rollout().get("status", {})
        return found

    @property
    def phase(self) -> str:
        return str(self.status.get("phase", ""))

    async def reconcile(self) -> float | None:
        await self.leadership.attempt()
        return await self.reconciler.reconcile(ROLLOUT)

    async def tick(self) -> float | None:
        self.clock.now_seconds += 1
        dice = random.Random(0)
        self.follow()
        for agent in self.pod_client.agents.values():
            agent.work(GOOD)
        for api in self.pod_client.apis.values():
            api.serve(GOOD, dice, requests=60)
        return await self.reconcile()

    def follow(self) -> None:
        """Agents and API pods see plan and routes as they are."""
        for agent in self.pod_client.agents.values():
            agent.follow(_parsed(parse_plan, self.server.data(PLAN, "plan.json")))
        for api in self.pod_client.apis.values():
            api.follow(_parsed(parse_routes, self.server.data(ROUTES, "routes.json")))

    async def run_until(self, phase: str, ticks: int = 100) -> "FakeCluster":
        for _ in range(ticks):
            await self.tick()
            if self.phase == phase:
                return self
        raise AssertionError(f"not {phase} within {ticks} ticks but {self.phase}: {self.status.get('message')}")


def _parsed(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except InvalidDocument:
        return None
