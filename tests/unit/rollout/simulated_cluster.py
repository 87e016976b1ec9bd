"""A small cluster in memory: agents, Triton, API pods with traffic, the two ConfigMaps, one ModelRollout.

What agents and API pods hold is the truth that the invariants are checked against. The operator is the real `decide`,
with its status going through JSON at every tick.
"""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from rollout_operator.approvals.approvers import Approvers
from rollout_operator.decide.decide import decide
from rollout_operator.decide.decision import Decision
from rollout_operator.decide.release_spans import release_spans
from rollout_operator.decide.step_totals import remember
from rollout_operator.documents.api import ApiState
from rollout_operator.documents.codec import InvalidDocument
from rollout_operator.documents.floors import Floors
from rollout_operator.documents.observation import ApiPod, Observation, Replica, unless_ahead
from rollout_operator.documents.plan import Plan, parse_plan
from rollout_operator.documents.release_span import ReleaseSpan
from rollout_operator.documents.routes import Routes, parse_routes
from rollout_operator.documents.spec import Spec
from rollout_operator.documents.status import parse_status

from tests.unit.rollout.simulated_agent import Agent, Behaviour
from tests.unit.rollout.simulated_api import Api

REQUESTS_PER_TICK = 60
T = TypeVar("T")


class Cluster:
    """`tick` moves everything by one second; `before_write` sees each decision with what the world truly is."""

    def __init__(self, spec: Spec, behaviours: dict[str, Behaviour], replicas: int = 2, apis: int = 2, seed: int = 0):
        self.dice, self.salts = random.Random(seed), random.Random(seed)
        self.spec, self.behaviours, self.now = spec, behaviours, 1_000_000.0
        self.agents = {f"triton-{number}": Agent(f"triton-{number}") for number in range(replicas)}
        self.apis = {f"api-{number}": Api(f"api-{number}") for number in range(apis)}
        self.plan_text = self.routes_text = ""
        self.status: dict[str, Any] = {}
        self.old: list[tuple[str, str, dict[str, Any]]] = []
        self.readings: dict[str, ApiState] = {}
        self.approvers: Approvers | None = None
        self.floors = Floors()
        self.desired_replicas: int | None = None  # None: as many as there are
        self.edited_at: int | None = None
        self.operator_up, self.rolling, self.lag, self.requests = True, False, 0.0, REQUESTS_PER_TICK
        self.decision: Decision | None = None
        self.reasons: list[str] = []
        self.checks: list[Any] = []
        self.is_traced, self.collector_up, self.is_heard = False, True, True
        self.spans: list[ReleaseSpan] = []  # as they were sent, some more than once
        self.heard: dict[str, int] = {}  # what the operator knows of it

    @property
    def plan(self) -> Plan | None:
        return _parsed(parse_plan, self.plan_text)

    @property
    def routes(self) -> Routes | None:
        return _parsed(parse_routes, self.routes_text)

    @property
    def phase(self) -> str:
        return str(self.status.get("phase", ""))

    def tick(self, crash: int | None = None, seconds: float = 1.0) -> None:
        """crash: the operator dies after so many of its writes."""
        self.now += seconds
        for agent in self.agents.values():
            self._run_agent(agent)
        for api in self.apis.values():
            if api.up and self.dice.random() >= self.lag:
                api.follow(unless_ahead(self.routes, self.now))
            api.serve(self.behaviours, self.dice, self.requests)
        if self.operator_up:
            self.operate(crash)

    def run(self, ticks: int, seconds: float = 1.0) -> "Cluster":
        for _ in range(ticks):
            self.tick(seconds=seconds)
        return self

    def run_until(self, phase: str, ticks: int = 200) -> "Cluster":
        for _ in range(ticks):
            self.tick()
            if self.phase == phase:
                return self
        raise AssertionError(f"not {phase} within {ticks} ticks but {self.phase}: {self.status.get('message')}")

    def observe(self) -> Observation:
        replicas = tuple(
            Replica(
                one.name,
                one.terminating,
                one.not_ready_since,
                f"http://{one.name}:8000",
                f"http://{one.name}:8080",
                one.instance,
                one.state() if one.up else None,
                one.pod_uid,
                one.triton_end,
            )
            for one in self.agents.values()
        )
        apis = []
        for api in self.apis.values():
            said = (api.stale or api.state()) if api.up else None
            apis.append(ApiPod(api.name, api.terminating, api.not_ready_since, said))
        return Observation(
            self.now,
            replicas,
            tuple(apis),
            unless_ahead(self.plan, self.now),
            unless_ahead(self.routes, self.now),
            len(self.agents) if self.desired_replicas is None else self.desired_replicas,
            self.rolling,
            "",
            self.readings,
            "uid" if self.is_traced else "",
            self.heard,
            self.approvers,
            f"{self.salts.getrandbits(64):016x}",
            self.floors,
            self.edited_at,
        )

    def operate(self, crash: int | None = None) -> Decision:
        if self.is_traced and self.collector_up:
            new = list(release_spans(parse_status(self.status), "resnet", "resnet_medical"))
            self.spans += new
            self.heard = {span.trace_id: span.number for span in new} if self.is_heard else {}
        seen = self.observe()
        decision = decide(self.spec, parse_status(self.status), seen)
        for check in self.checks:
            check(self, seen, decision)
        writes = [self._write_status, self._write_plan, self._write_routes]
        if decision.is_urgent:
            writes = [self._write_routes, self._write_status, self._write_plan]
        self.old.append((self.plan_text, self.routes_text, self.status))
        for write in writes[:crash]:
            write(decision)
        self.decision = decision
        self.reasons += [event.reason for event in decision.events]
        self.readings = remember(seen) if crash is None else {}
        return decision

    def edit(self, **changes: Any) -> None:
        self.spec = replace(self.spec, generation=self.spec.generation + 1, **changes)

    def _run_agent(self, agent: Agent) -> None:
        ready = False
        if agent.up:
            if self.dice.random() >= self.lag:
                agent.follow(unless_ahead(self.plan, self.now))
            agent.work(self.behaviours)
            plan = agent.plan
            first = (plan.stable or plan.canary) if plan else None
            ready = first is not None and first.version in agent.warm
        if ready:
            agent.not_ready_since = None
        elif agent.not_ready_since is None:
            agent.not_ready_since = self.now

    def _write_status(self, decision: Decision) -> None:
        self.status = json.loads(json.dumps(decision.status_document))

    def _write_plan(self, decision: Decision) -> None:
        if decision.plan:
            self.plan_text = json.dumps(decision.plan.document())

    def _write_routes(self, decision: Decision) -> None:
        if decision.routes:
            self.routes_text = json.dumps(decision.routes.document())


def _parsed(parse: Callable[[str], T], text: str) -> T | None:
    try:
        return parse(text)
    except InvalidDocument:
        return None
