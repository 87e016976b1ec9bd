"""What a decision is, and how it is put together from the status that a rule left behind."""

from dataclasses import dataclass, replace
from functools import cached_property

from rollout_operator.decide.build_plan import build_plan
from rollout_operator.decide.build_routes import build_routes, route_replicas
from rollout_operator.decide.conditions import STALLED, Standing, derive_conditions
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
        return status_document(self.status, self.report)


def publish(s: Situation) -> tuple[Plan | None, Routes | None]:
    """What must be written because it is not there yet."""
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
    """None: it is there already, in force and unchanged."""
    newest = seen.newest_routes_revision
    if seen.routes and seen.routes.revision >= newest and routes.says_the_same(seen.routes):
        return None
    numbered = replace(routes, revision=_next(newest, status.routes_revision, seen.now))
    return replace(numbered, id=str(numbered.document()["id"]))


def _next(newest: int, remembered: int, now: int) -> int:
    """Higher than every one before; the clock stands in for what was lost."""
    return max(newest + 1, remembered + 1, now)


def conclude(s: Situation, ruling: Ruling, plan: Plan | None, routes: Routes | None) -> Decision:
    seen, in_force = s.seen, routes or s.seen.routes
    degraded = ruling.status.stable is not None and is_degraded(seen, len(s.serving))
    hides = degraded and ruling.phase not in STALLED
    phase, reason = (Phase.DEGRADED, "Degraded") if hides else (ruling.phase, ruling.reason)
    available = in_force is not None and not degraded
    standing = Standing(phase, reason, ruling.message, available, s.spec.generation, s.now)
    status = replace(
        ruling.status,
        conditions=derive_conditions(standing, s.status.conditions),
        plan_revision=plan.revision if plan else max(seen.newest_plan_revision, ruling.status.plan_revision),
        routes_revision=routes.revision if routes else max(seen.newest_routes_revision, ruling.status.routes_revision),
    )
    report = build_report(s, phase, ruling.message, in_force)
    urgent = bool(routes and seen.routes and _takes_away(seen.routes, routes))
    events = (*ruling.events, *_announce(standing, s.status.conditions))
    return Decision(plan, routes, status, report, events, ruling.requeue_seconds, urgent)


def _announce(standing: Standing, before: tuple[Condition, ...]) -> tuple[Event, ...]:
    """Where a rollout comes to rest is told once; the ways there tell of themselves."""
    if standing.phase not in (Phase.HEALTHY, Phase.DEGRADED, Phase.BLOCKED):
        return ()
    ready = next((one for one in before if one.type == "Ready"), None)
    if ready and ready.reason == standing.reason:
        return ()
    reason = standing.reason if standing.phase is Phase.BLOCKED else str(standing.phase)
    return (Event(reason, standing.message, warning=standing.phase is not Phase.HEALTHY),)


def _takes_away(before: Routes, after: Routes) -> bool:
    """A canary loses weight, or stable goes back; a promotion, which gives its canary all, is not meant."""
    if after.stable.version != before.stable.version:
        return before.canary is None
    return after.canary_weight < before.canary_weight


def refuse_spec(error: InvalidSpec, status: Status, seen: Observation) -> Decision:
    """A spec that cannot be read moves nothing: stable gets all traffic, and replicas that come and go are followed."""
    routes = None
    if seen.routes:
        share = replace(seen.routes.stable, weight=100)
        found = route_replicas(seen, status, share.version) or seen.routes.replicas
        routes = _number(replace(seen.routes, stable=share, canary=None, shadow=None, replicas=found), seen, status)
    message = f"the spec cannot be used: {error}"
    standing = Standing(Phase.BLOCKED, "InvalidSpec", message, seen.routes is not None, error.generation, seen.now)
    before = status.conditions
    status = replace(
        status,
        conditions=derive_conditions(standing, before),
        routes_revision=routes.revision if routes else status.routes_revision,
    )
    counts = ReplicaCounts(seen.desired_replicas, loaded=0, warm=0, failed=0)
    report = Report(error.generation, Phase.BLOCKED, message, 0, "", "", counts, ())
    events = _announce(standing, before)
    return Decision(None, routes, status, report, events, IDLE_REQUEUE_SECONDS, is_urgent=routes is not None)
