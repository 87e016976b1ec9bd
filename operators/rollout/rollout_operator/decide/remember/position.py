"""Which version is stable, which is the canary, which is the previous one: by the status, or by what is served.

The status is a cache. It is believed unless it says nothing, or something newer than it was published or is obeyed;
then a version in service is adopted as stable, and the wanted one takes the ordinary steps.
"""

from dataclasses import replace

from rollout_operator.decide import replicas
from rollout_operator.decide.evidence import with_history
from rollout_operator.decide.release_lookup import find_release
from rollout_operator.decide.situation import Event, Situation
from rollout_operator.decide.step_names import stable_name
from rollout_operator.documents.release import Release
from rollout_operator.documents.status import Analysis, Attempt, Outcome, Status


def find_position(s: Situation) -> Situation:
    """Keeps the stable, canary and previous of a status that can be believed; else adopts those that are served."""
    return _tidy(s if _is_believed(s) else _adopt(s))


def _is_believed(s: Situation) -> bool:
    newest = (s.seen.newest_plan_revision, s.seen.newest_routes_revision)
    is_old = newest[0] > s.status.plan_revision or newest[1] > s.status.routes_revision
    return s.status.knows_its_position and not is_old


def _adopt(s: Situation) -> Situation:
    stable, canary, previous = _served_stable(s), _planned(s, "canary"), _planned(s, "previous")
    planned = _planned(s, "stable")
    if planned != stable:  # only one document of a promotion, or of a way back, was written
        canary, previous = (canary or planned, previous) if planned == s.wanted else (canary, previous or planned)
    status = replace(
        s.status,
        stable=stable,
        canary=canary,
        previous=previous if previous != stable else None,
        current_step_index=None,
        promoted_at=s.now if previous else None,
        traffic_step=_step_name(s, stable),
        analysis=Analysis(),
        attempt=Attempt(canary, s.now, stable) if canary else None,
    )
    if stable is None:
        return s.becomes(status)
    if not status.has_proved_itself(stable):
        adopted = Attempt(stable, s.now, ended_at=s.now, outcome=Outcome.ADOPTED)
        status = replace(status, history=with_history(status, adopted, s.spec))
    why = "the status is older than what is published" if s.status.knows_its_position else "the status is empty"
    return s.becomes(status, Event("Adopted", f"{stable} serves and was adopted as stable: {why}"))


def _served_stable(s: Situation) -> Release | None:
    """By the routes that API pods obey; else by the plan that agents obey; else by the plan as it is."""
    routes = s.seen.routes
    if routes and routes.revision >= s.seen.newest_routes_revision:
        number = routes.stable.version
        metadata = routes.versions.get(str(number))
        found = find_release(s.spec, s.status, s.seen, number, metadata.digest) if metadata else None
        if found:
            return found
    return _planned(s, "stable")


def _planned(s: Situation, role: str) -> Release | None:
    plan = s.seen.plan
    if plan is None or plan.revision < s.seen.newest_plan_revision:
        held = replicas.most_held(s.seen, role)
        return find_release(s.spec, s.status, s.seen, held.version, held.digest) if held else None
    canary = plan.canary.release if plan.canary else None
    return {"stable": plan.stable, "canary": canary, "previous": plan.previous}[role]


def _step_name(s: Situation, stable: Release | None) -> str:
    """The name in the routes, when they already give stable all the traffic: then adopting changes nothing."""
    routes = s.seen.routes
    if stable and routes and routes.canary is None and routes.stable.version == stable.version:
        return routes.step
    return stable_name(stable, s.now) if stable else ""


def _tidy(s: Situation) -> Situation:
    """One release has one role, and the address that the spec gives it now."""
    wanted, status = s.wanted, s.status
    stable = wanted if status.stable == wanted else status.stable
    canary = wanted if status.canary == wanted else status.canary
    status = replace(status, stable=stable, canary=canary)
    if status.canary is not None and status.canary == status.stable:
        status = _without_canary(status)
    if status.previous is not None and status.previous in (status.stable, status.canary):
        status = replace(status, previous=None)
    return replace(s, status=status)


def _without_canary(status: Status) -> Status:
    return replace(status, canary=None, current_step_index=None, attempt=None, progress=None)
