"""What a decision is, and how it is put together from the status that a rule left behind."""

from dataclasses import dataclass, replace
from functools import cached_property

from medinfer_common.revisions import is_ahead

from rollout_operator.decide.artifact import verified_artifact
from rollout_operator.decide.build_plan import build_plan
from rollout_operator.decide.build_routes import build_routes, route_replicas
from rollout_operator.decide.conditions import STALLED, Summary, derive_conditions
from rollout_operator.decide.report import ReplicaCounts, Report, build_report, is_degraded, status_document
from rollout_operator.decide.situation import IDLE_REQUEUE_SECONDS, Event, Ruling, Situation
from rollout_operator.documents.codec import Json
from rollout_operator.documents.observation import Observation
from rollout_operator.documents.plan import Plan
from rollout_operator.documents.routes import Routes
from rollout_operator.documents.spec import InvalidSpec
from rollout_operator.documents.status import Condition, Phase, Status


@dataclass(frozen=True)
class Decision:
    """`plan`, `routes`: what to publish; None: leave it as it is.

    Write the status first, so that what is published is never newer than what is remembered; only when `is_urgent`,
    where traffic is taken away, the routes go first. All with the resourceVersions that were observed; and only what
    differs from what is there: at rest a decision repeats the status as it is.
    """

    plan: Plan | None
    routes: Routes | None
    status: Status
    report: Report
    events: tuple[Event, ...]
    requeue_seconds: float
    is_urgent: bool = False

    @cached_property
    def status_document(self) -> Json:
        """The status as JSON, as it is written to the object."""
        return status_document(self.status, self.report)


def publish(s: Situation) -> tuple[Plan | None, Routes | None]:
    """The plan and the routes that must be written; None for one that is in force already."""
    return _changed_plan(s), _changed_routes(s)


def _changed_plan(s: Situation) -> Plan | None:
    plan, newest = build_plan(s), s.seen.newest_plan_revision
    is_there = s.seen.plan is not None and s.seen.plan.revision >= newest
    if plan is None or (is_there and plan.says_the_same(s.seen.plan)):
        return None
    numbered = replace(plan, revision=_next(newest, s.status.plan_revision, s.now))
    return replace(numbered, id=str(numbered.document()["id"]))


def _changed_routes(s: Situation) -> Routes | None:
    routes = build_routes(s)
    return _number(routes, s.seen, s.status) if routes else None


def _number(routes: Routes, seen: Observation, status: Status) -> Routes | None:
    """None: these routes are published already."""
    newest = seen.newest_routes_revision
    if seen.routes and seen.routes.revision >= newest and routes.says_the_same(seen.routes):
        return None
    numbered = replace(routes, revision=_next(newest, status.routes_revision, seen.now))
    return replace(numbered, id=str(numbered.document()["id"]))


def _next(newest: int, remembered: int, now: int) -> int:
    """Higher than every earlier one; when those are lost, or nobody would obey them, the clock is."""
    believed = 0 if is_ahead(remembered, now) else remembered
    return max(newest + 1, believed + 1, now)


def conclude(s: Situation, ruling: Ruling, plan: Plan | None, routes: Routes | None) -> Decision:
    """The decision of a ruling: its status with conditions and revisions, and the report for people.

    `plan`, `routes`: what must be written; None leaves it as it is. When stable is missing on too many replicas, the
    phase is Degraded, whatever the rule said. Only a failed release is shown instead.
    """
    seen, in_force = s.seen, routes or s.seen.routes
    degraded = ruling.status.stable is not None and is_degraded(seen, len(s.serving))
    hides = degraded and ruling.phase not in STALLED
    phase, reason = (Phase.DEGRADED, "Degraded") if hides else (ruling.phase, ruling.reason)
    available = in_force is not None and not degraded
    artifact = verified_artifact(replace(s, status=ruling.status))
    summary = Summary(phase, reason, ruling.message, available, s.spec.generation, s.now, artifact)
    status = replace(
        ruling.status,
        conditions=derive_conditions(summary, s.status.conditions),
        plan_revision=plan.revision if plan else max(seen.newest_plan_revision, ruling.status.plan_revision),
        routes_revision=routes.revision if routes else max(seen.newest_routes_revision, ruling.status.routes_revision),
    )
    report = build_report(s, phase, ruling.message, in_force)
    urgent = bool(routes and seen.routes and _takes_away(seen.routes, routes))
    events = (*ruling.events, *_announce(summary, s.status.conditions))
    return Decision(plan, routes, status, report, events, ruling.requeue_seconds, urgent)


def _announce(summary: Summary, before: tuple[Condition, ...]) -> tuple[Event, ...]:
    """An Event when a rollout comes to rest, once. The rules give the Events on the way there."""
    if summary.phase not in (Phase.HEALTHY, Phase.DEGRADED, Phase.BLOCKED):
        return ()
    ready = next((one for one in before if one.type == "Ready"), None)
    if ready and ready.reason == summary.reason:
        return ()
    reason = summary.reason if summary.phase is Phase.BLOCKED else str(summary.phase)
    return (Event(reason, summary.message, warning=summary.phase is not Phase.HEALTHY),)


def _takes_away(before: Routes, after: Routes) -> bool:
    """The canary loses weight, or the previous version is stable again. A promotion takes nothing away."""
    if after.stable.version != before.stable.version:
        return before.canary is None
    return after.canary_weight < before.canary_weight


def refuse_spec(error: InvalidSpec, status: Status, seen: Observation) -> Decision:
    """A spec that cannot be read releases nothing. Stable gets all traffic, and the routes follow the replicas."""
    routes = None
    if seen.routes:
        share = replace(seen.routes.stable, weight=100)
        found = route_replicas(seen, status, share.version) or seen.routes.replicas
        only_stable = replace(seen.routes, stable=share, canary=None, shadow=None, replicas=found, replica_floor=None)
        routes = _number(only_stable, seen, status)
    message = f"the spec cannot be used: {error}"
    summary = Summary(Phase.BLOCKED, "InvalidSpec", message, seen.routes is not None, error.generation, seen.now)
    before = status.conditions
    status = replace(
        status,
        conditions=derive_conditions(summary, before),
        routes_revision=routes.revision if routes else status.routes_revision,
    )
    counts = ReplicaCounts(seen.desired_replicas, loaded=0, warm=0, failed=0)
    report = Report(error.generation, Phase.BLOCKED, message, 0, "", "", counts, ())
    events = _announce(summary, before)
    return Decision(None, routes, status, report, events, IDLE_REQUEUE_SECONDS, is_urgent=routes is not None)
