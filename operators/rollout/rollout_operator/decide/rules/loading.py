"""The wanted version is loaded on the replicas, one after the other."""

from dataclasses import replace

from rollout_operator.decide import replicas
from rollout_operator.decide.acknowledgements import addressers, deaf_agents
from rollout_operator.decide.analysis import P95
from rollout_operator.decide.situation import Event, Ruling, Situation
from rollout_operator.decide.step_totals import step_counters
from rollout_operator.decide.waits import before_loading, listed
from rollout_operator.documents.agent import VersionState
from rollout_operator.documents.counters import quantile_seconds
from rollout_operator.documents.status import Analysis, Attempt, Phase


def make_room(s: Situation) -> Ruling | None:
    """Two versions fit: what is neither stable nor wanted goes first, everywhere."""
    if s.status.canary is not None:
        return None
    wait = before_loading(s)
    if wait:
        phase = Phase.PAUSED if wait.intended else Phase.PENDING
        return Ruling(s.status, phase, wait.reason, f"{s.wanted} is not begun; {wait.message}", s.events)
    if s.status.previous is not None:
        event = Event("PreviousDropped", f"{s.status.previous} makes room for {s.wanted}")
        status = replace(s.status, previous=None)
        return Ruling(status, Phase.PENDING, "MakingRoom", event.message, (*s.events, event))
    waiting = _in_the_way(s)
    if waiting:
        return Ruling(
            s.status, Phase.PENDING, "MakingRoom", f"{s.wanted} is not begun; waiting for room: {waiting}", s.events
        )
    return None


def begin(s: Situation) -> Ruling | None:
    """Starts a try, and records stable's latency from before the canary is loaded."""
    if s.status.canary is not None:
        return None
    analysis = Analysis(baseline_p95_seconds=_baseline(s))
    status = replace(
        s.status,
        canary=s.wanted,
        current_step_index=None,
        last_failure=None,
        analysis=analysis,
        attempt=Attempt(s.wanted, s.now, s.status.stable),
        progress=None,
    )
    event = Event("Started", f"{s.wanted} is loaded alongside {s.status.stable} on {len(s.serving)} replicas")
    return Ruling(status, Phase.VERIFYING, "Verifying", event.message, (*s.events, event))


def load_and_warm(s: Situation) -> Ruling | None:
    """Until every replica that counts holds it warm; which may load next is worked out with the plan."""
    if s.status.current_step_index is not None or s.is_warm_everywhere:
        return None
    wait, phase = before_loading(s), loading_phase(s)
    counts = f"{s.wanted} is warm on {len(s.warm_on(s.wanted))}/{len(s.serving)} replicas"
    if wait:
        phase = Phase.PAUSED if wait.intended else phase
        return Ruling(s.status, phase, wait.reason, f"{counts}; {wait.message}", s.events)
    trouble = _trouble(s)
    return Ruling(s.status, phase, str(phase), f"{counts}; {trouble}" if trouble else counts, s.events)


def loading_phase(s: Situation) -> Phase:
    """How far the replica is that is furthest, but not there."""
    reports = [one.state.of(s.wanted) for one in s.seen.replicas if one.state]
    states = {report.state for report in reports if report}
    if VersionState.WARMING in states or states == {VersionState.WARM}:
        return Phase.WARMING
    return Phase.LOADING if VersionState.LOADING in states else Phase.VERIFYING


def _in_the_way(s: Situation) -> str:
    stable = s.status.stable
    kept = (stable,) if stable else ()
    planned = [release for release in (s.seen.plan.releases if s.seen.plan else ()) if release not in kept]
    for release in planned:
        waiting = addressers(s.seen, release.version)
        return f"{release} is being dropped" + (f", but {listed(waiting)}" if waiting else "")
    holders = replicas.strays(s.seen, kept)
    if holders:
        return f"{listed(holders)} still holds another version"
    deaf = deaf_agents(s.seen)
    return f"{listed(deaf)} has not applied the plan yet" if deaf else ""


def _trouble(s: Situation) -> str:
    """A failure that an agent will try again; else the agents that do not answer."""
    for one in s.serving:
        report = one.state.of(s.wanted) if one.state else None
        if report and report.state is VersionState.FAILED:
            return f"{one.name}: {report.reason}, will be tried again ({report.message})"
    silent = [one.name for one in s.serving if one.state is None]
    return f"the agent of {listed(silent)} gives no usable answer" if silent else ""


def _baseline(s: Situation) -> float | None:
    """Stable's p95 in seconds since the last promotion or rollback, if enough requests tell it."""
    counters = step_counters(s.status, s.seen)
    if counters is None or s.status.stable is None:
        return None
    own = counters.of(s.status.stable.version)
    enough = own.requests - own.errors >= s.spec.analysis.min_samples
    return quantile_seconds(own, counters.latency_bounds_seconds, P95) if enough else None
