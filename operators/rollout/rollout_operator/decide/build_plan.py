"""The plan that follows from a status."""

from rollout_operator.decide import replicas
from rollout_operator.decide.acknowledgements import addressers
from rollout_operator.decide.attempt_trace import open_trace
from rollout_operator.decide.failures import below_floor, failure_in_force
from rollout_operator.decide.judge.retries import next_retry
from rollout_operator.decide.situation import Situation
from rollout_operator.decide.waits import before_loading
from rollout_operator.documents.observation import Observation, Replica
from rollout_operator.documents.plan import Canary, Plan, PlanLoad, Sibling
from rollout_operator.documents.release import Release

MAX_SIBLINGS = 16


def build_plan(s: Situation) -> Plan | None:
    """None: nothing to plan. What somebody may still address stays in the plan, whoever asked for it to go."""
    stable, wanted = s.status.stable, (s.status.canary, s.status.previous)
    lingering = [one for one in _present(s.seen) if one != stable and addressers(s.seen, one.version)]
    others = [one for one in wanted if one in lingering] + [one for one in lingering if one not in wanted]
    if not [one for one in lingering if one not in wanted]:
        others += [one for one in wanted if one is not None and one not in others]
    if stable is None and not others:
        return None
    canary = _canary(s, [one for one in others if one is not None])
    left = [one for one in others if one is not None and one != canary]
    return Plan(
        model=s.spec.model,
        load=PlanLoad(s.spec.load.timeout_seconds),
        warmup=s.spec.warmup if canary is None else s.seen.floors.within(s.spec.warmup),
        stable=stable,
        canary=_widen(s, canary) if canary else None,
        previous=left[0] if left else None,
        siblings=tuple(Sibling(one.name, one.agent_url) for one in _by_name(s.seen)[:MAX_SIBLINGS] if one.agent_url),
        trace=open_trace(s.status),
    )


def _present(seen: Observation) -> tuple[Release, ...]:
    """What the plan as it is names; should it be lost or old, what replicas hold."""
    if seen.plan and seen.plan.revision >= seen.newest_plan_revision:
        return seen.plan.releases
    return tuple(dict.fromkeys(one for replica in _by_name(seen) for one in replicas.held(replica) if one.uri))


def _canary(s: Situation, others: list[Release]) -> Release | None:
    if s.status.canary in others:
        return s.status.canary
    now = s.seen.plan.canary.release if s.seen.plan and s.seen.plan.canary else None
    return now if now in others and now != s.status.previous else None


def _widen(s: Situation, release: Release) -> Canary:
    """With the replicas that may load it: those that do already, and the next ones; none are added after a failure."""
    if s.status.stable is None:
        return Canary(
            release.version, release.digest, release.uri, acceptance=release.acceptance, retry=next_retry(s, release)
        )
    allowed = _allowed(s, release)
    may_grow = release == s.wanted and not failure_in_force(s, release) and not below_floor(s)
    if may_grow and not before_loading(s):
        serving = {one.name for one in s.serving}
        busy = (serving & allowed) - set(s.warm_on(release))
        free = max(0, s.spec.load.max_concurrent_replicas - len(busy))
        allowed |= set(sorted(serving - allowed)[:free])
    names, retry = tuple(sorted(allowed)), next_retry(s, release)
    return Canary(release.version, release.digest, release.uri, names, release.acceptance, retry)


def _allowed(s: Situation, release: Release) -> set[str]:
    """Nobody is taken off the list: that would drop the version there, whoever addresses it."""
    planned = s.seen.plan.canary if s.seen.plan else None
    named = planned.replicas or () if planned and planned.release == release else ()
    holders = [one.name for one in s.seen.replicas if _holds(one, release, s)]
    return {*named, *holders}


def _holds(one: Replica, release: Release, s: Situation) -> bool:
    return release in replicas.held(one) or replicas.is_warm(one, release, s.seen.routes)


def _by_name(seen: Observation) -> list[Replica]:
    return sorted(seen.replicas, key=lambda one: one.name)
