"""A small cluster in memory: agents, Triton, API pods with traffic, the two ConfigMaps, one ModelRollout.

Agents and API pods obey their contracts (docs/contracts.md) and nothing more; what they hold is the truth that the
invariants are checked against. The operator is the real `decide`, with its status going through JSON at every tick.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from rollout_operator.decide.decide import decide
from rollout_operator.decide.decision import Decision
from rollout_operator.decide.step_totals import remember
from rollout_operator.documents.agent import AgentState, GoldenCount, VersionReport, VersionState, WarmupReport
from rollout_operator.documents.api import ApiState
from rollout_operator.documents.codec import InvalidDocument
from rollout_operator.documents.counters import Shadow, VersionCounters
from rollout_operator.documents.observation import ApiPod, Observation, Replica
from rollout_operator.documents.plan import Plan, parse_plan
from rollout_operator.documents.routes import Routes, parse_routes
from rollout_operator.documents.spec import Spec
from rollout_operator.documents.status import parse_status

LABELS = ("Glioma", "Meningioma", "Pituitary", "No Tumor")
PREPROCESSING = {"resample": "bilinear", "scale": 1 / 255, "mean": [0, 0, 0], "std": [1, 1, 1], "intensity": None}
BOUNDS_SECONDS = (0.01, 0.02, 0.04, 0.08)
REQUESTS_PER_TICK = 60
T = TypeVar("T")
MAX_LOADED = 2


@dataclass(frozen=True)
class Behaviour:
    """Of a bundle, by digest. `fails`: the agent's reason. `error_share`, `wrong_share`: of its answers."""

    fails: str = ""
    error_share: float = 0.0
    wrong_share: float = 0.0
    slow: bool = False


@dataclass
class Agent:
    """One replica: its agent and its Triton."""

    name: str
    uid: int = 0
    container: int = 0
    up: bool = True
    terminating: bool = False
    not_ready_since: float | None = None
    plan: Plan | None = None
    loaded: dict[int, str] = field(default_factory=dict)
    warm: set[int] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def instance(self) -> str:
        return f"{self.name}-{self.uid}/{self.container}"

    def wanted(self) -> list[tuple[str, int, str, str]]:
        """(role, version, digest, uri), in the order of loading."""
        plan = self.plan
        if plan is None:
            return []
        found = [("stable", plan.stable.version, plan.stable.digest, plan.stable.uri)] if plan.stable else []
        one = plan.canary
        if one and (one.replicas is None or self.name in one.replicas):
            found.append(("canary", one.version, one.digest, one.uri))
        if plan.previous:
            found.append(("previous", plan.previous.version, plan.previous.digest, plan.previous.uri))
        return found

    def follow(self, plan: Plan | None) -> None:
        """Absent, empty, invalid or old is never an instruction."""
        if plan and (self.plan is None or plan.revision > self.plan.revision):
            self.plan = plan
            named = {digest for _, _, digest, _ in self.wanted()}
            self.failed = {digest: reason for digest, reason in self.failed.items() if digest in named}

    def work(self, behaviours: dict[str, Behaviour]) -> list[int]:
        """One action; returns the versions dropped by it."""
        wanted = {version: digest for _, version, digest, _ in self.wanted()}
        strays = [version for version, digest in self.loaded.items() if wanted.get(version) != digest]
        if strays and self.warm - set(strays):
            for version in strays:
                self.drop(version)
            return strays
        for version in self.loaded:
            if version not in self.warm:
                self._prove(version, behaviours[self.loaded[version]])
                return []
        for role, version, digest, _ in self.wanted():
            stable_is_warm = self.plan is None or self.plan.stable is None or self.plan.stable.version in self.warm
            may = (role != "canary" or stable_is_warm) and (digest not in self.failed or role == "stable")
            if version not in self.loaded and may and len(self.loaded) < MAX_LOADED:
                self._load(version, digest, behaviours[digest])
                return []
        return []

    def drop(self, version: int) -> None:
        self.loaded.pop(version, None)
        self.warm.discard(version)

    def die(self) -> None:
        """Triton's container starts again, empty."""
        self.container += 1
        self.loaded, self.warm = {}, set()

    def state(self) -> AgentState:
        uris = {digest: uri for _, _, digest, uri in self.wanted()}
        roles = {digest: role for role, _, digest, _ in self.wanted()}
        reports = [self._loaded_report(version, digest, roles, uris) for version, digest in self.loaded.items()]
        for role, version, digest, uri in self.wanted():
            if version not in self.loaded:
                reason = self.failed.get(digest, "")
                now = VersionState.FAILED if reason else VersionState.FETCHING
                reports.append(VersionReport(version, digest, now, role, uri, reason))
        id, revision = (self.plan.id, self.plan.revision) if self.plan else (None, 0)
        return AgentState(self.name, f"{self.name}-{self.uid}", id, revision, tuple(reports))

    def _loaded_report(self, version: int, digest: str, roles: dict[str, str], uris: dict[str, str]) -> VersionReport:
        now = VersionState.WARM if version in self.warm else VersionState.WARMING
        uri = uris.get(digest, f"file:///bundles/{digest[7:15]}")
        return VersionReport(
            version,
            digest,
            now,
            roles.get(digest, ""),
            uri,
            "",
            "",
            LABELS,
            PREPROCESSING,
            WarmupReport(5, 7, 10, True, GoldenCount(32, 32)),
        )

    def _load(self, version: int, digest: str, behaviour: Behaviour) -> None:
        if behaviour.fails == "TritonDied":
            self.die()
        if behaviour.fails and behaviour.fails != "GoldenMismatch":
            self.failed[digest] = behaviour.fails
            return
        self.loaded[version] = digest

    def _prove(self, version: int, behaviour: Behaviour) -> None:
        if behaviour.fails == "GoldenMismatch":
            self.failed[self.loaded[version]] = "GoldenMismatch"
            self.drop(version)
        else:
            self.warm.add(version)


@dataclass
class Api:
    """One API pod. `stale`: an answer from the past that it gives once more."""

    name: str
    start: int = 0
    up: bool = True
    terminating: bool = False
    not_ready_since: float | None = None
    routes: Routes | None = None
    in_flight: dict[str, int] = field(default_factory=dict)
    counts: dict[str, list[int]] = field(default_factory=dict)
    shadow: list[int] = field(default_factory=lambda: [0, 0, 0])
    stale: ApiState | None = None
    suspended: str | None = None

    def follow(self, routes: Routes | None) -> None:
        if routes is None or (self.routes and routes.revision <= self.routes.revision):
            return
        if self.routes is None or self.routes.step != routes.step:
            self.counts, self.shadow = {}, [0, 0, 0]
        if self.routes is None or not _is_same_traffic(self.routes, routes):
            self.suspended = None
        self.routes = routes

    def suspend(self) -> None:
        """As when a connection broke while the canary answered."""
        if self.routes and self.routes.canary:
            self.suspended = "a connection broke while the canary answered"

    def serve(self, behaviours: dict[str, Behaviour], dice: random.Random, requests: int) -> None:
        """Some requests end, and some begin that are still in flight when it is asked."""
        self.in_flight = {version: 1 for version in self.in_flight if dice.random() < 0.6}
        if self.routes is None:
            return
        for share in (self.routes.stable, self.routes.canary):
            if share and share.weight:
                number = max(1, requests * share.weight // 100)
                self._count(share.version, number, behaviours[self.routes.versions[str(share.version)].digest], dice)
        if self.routes.shadow and self.routes.canary:
            self._copy(requests * self.routes.shadow.percent // 100, self._behaviour(self.routes, behaviours))
            if dice.random() < 0.3:
                self.in_flight[str(self.routes.canary.version)] = 1

    def state(self) -> ApiState:
        counters = {
            version: VersionCounters(requests, errors, (0, fast, 0, slow, 0))
            for version, (requests, errors, fast, slow) in self.counts.items()
        }
        samples, agreed, failed = self.shadow
        matrix = _matrix(agreed, samples - agreed) if samples else ()
        id, revision, step = (
            (self.routes.id, self.routes.revision, self.routes.step) if self.routes else (None, 0, None)
        )
        return ApiState(
            f"{self.name}-{self.start}",
            id,
            revision,
            step,
            dict(self.in_flight),
            counters,
            Shadow(samples, agreed, failed, matrix),
            BOUNDS_SECONDS,
            self.suspended,
        )

    def restart(self) -> None:
        self.start += 1
        self.routes, self.counts, self.in_flight, self.shadow = None, {}, {}, [0, 0, 0]
        self.suspended = None

    def _behaviour(self, routes: Routes, behaviours: dict[str, Behaviour]) -> Behaviour:
        assert routes.canary
        return behaviours[routes.versions[str(routes.canary.version)].digest]

    def _count(self, version: int, number: int, behaviour: Behaviour, dice: random.Random) -> None:
        row = self.counts.setdefault(str(version), [0, 0, 0, 0])
        errors = round(number * behaviour.error_share)
        row[0], row[1] = row[0] + number, row[1] + errors
        row[3 if behaviour.slow else 2] += number - errors
        if dice.random() < 0.3:
            self.in_flight[str(version)] = 1

    def _copy(self, number: int, behaviour: Behaviour) -> None:
        failed = round(number * behaviour.error_share)
        self.shadow[2] += failed
        self.shadow[0] += number - failed
        self.shadow[1] += round((number - failed) * (1 - behaviour.wrong_share))


class Cluster:
    """`tick` moves everything by one second; `before_write` sees each decision with what the world truly is."""

    def __init__(self, spec: Spec, behaviours: dict[str, Behaviour], replicas: int = 2, apis: int = 2, seed: int = 0):
        self.dice = random.Random(seed)
        self.spec, self.behaviours, self.now = spec, behaviours, 1_000_000.0
        self.agents = {f"triton-{number}": Agent(f"triton-{number}") for number in range(replicas)}
        self.apis = {f"api-{number}": Api(f"api-{number}") for number in range(apis)}
        self.plan_text = self.routes_text = ""
        self.status: dict[str, Any] = {}
        self.old: list[tuple[str, str, dict[str, Any]]] = []
        self.readings: dict[str, ApiState] = {}
        self.operator_up, self.rolling, self.lag, self.requests = True, False, 0.0, REQUESTS_PER_TICK
        self.decision: Decision | None = None
        self.reasons: list[str] = []
        self.checks: list[Any] = []

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
                api.follow(self.routes)
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
            )
            for one in self.agents.values()
        )
        apis = []
        for api in self.apis.values():
            said = (api.stale or api.state()) if api.up else None
            apis.append(ApiPod(api.name, api.terminating, api.not_ready_since, said))
        return Observation(
            self.now, replicas, tuple(apis), self.plan, self.routes, len(self.agents), self.rolling, "", self.readings
        )

    def operate(self, crash: int | None = None) -> Decision:
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
                agent.follow(self.plan)
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


def _is_same_traffic(one: Routes, other: Routes) -> bool:
    return (one.step, one.stable, one.canary, one.shadow) == (other.step, other.stable, other.canary, other.shadow)


def _matrix(agreed: int, mistaken: int) -> tuple[tuple[int, ...], ...]:
    """Some classes are seen more than others; who is mistaken takes two neighbours for each other."""
    same, other = _spread(agreed), _spread(mistaken)
    rows = [[0] * len(LABELS) for _ in LABELS]
    for index in range(len(LABELS)):
        rows[index][index] = same[index]
        rows[index][index ^ 1] = other[index]
    return tuple(tuple(row) for row in rows)


def _spread(number: int) -> list[int]:
    """Over the classes."""
    ends = [number * share // 10 for share in (4, 7, 9, 10)]
    return [end - before for before, end in zip((0, *ends), ends, strict=False)]


def _parsed(parse: Callable[[str], T], text: str) -> T | None:
    try:
        return parse(text)
    except InvalidDocument:
        return None
