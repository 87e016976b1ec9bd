"""The keep window: for some time after a promotion the previous version stays warm, and stable is still assessed."""

from dataclasses import replace

from rollout_operator.decide.analysis import assess_alone
from rollout_operator.decide.evidence import keep_window_evidence
from rollout_operator.decide.failures import reject
from rollout_operator.decide.judge.analyses import is_due, is_over_the_limit, note
from rollout_operator.decide.situation import Event, Situation
from rollout_operator.decide.step_names import stable_name
from rollout_operator.decide.step_totals import step_counters
from rollout_operator.documents.release import Release
from rollout_operator.documents.status import Analysis, Attempt


def assess_stable(s: Situation) -> Situation:
    """A promoted version that fails goes back to the previous one, where that is still warm on every replica."""
    stable, previous = s.status.stable, s.status.previous
    if stable is None or previous is None or s.status.canary is not None or not is_due(s, s.status.promoted_at):
        return s
    found = assess_alone(s.spec.analysis, stable.version, step_counters(s.status, s.seen))
    s = note(s, found)
    if not is_over_the_limit(s) or not 0 < len(s.serving) == len(s.warm_on(previous)):
        return s
    return _fall_back(s, stable, previous)


def forget_previous(s: Situation) -> Situation:
    """When the window is over, unless stable looks bad just now, or the rollout is suspended.

    The plan keeps it for as long as anyone may still address it.
    """
    previous, promoted_at = s.status.previous, s.status.promoted_at
    if previous is None or s.wanted == previous or s.status.analysis.failures or s.spec.suspend:
        return s
    kept = s.now - (promoted_at or 0)
    if kept < s.spec.strategy.keep_previous_seconds:
        return s
    status = replace(s.status, previous=None)
    return s.becomes(status, Event("PreviousDropped", f"{previous} was kept warm for {kept} s and is dropped"))


def _fall_back(s: Situation, stable: Release, previous: Release) -> Situation:
    """The two change places: what failed becomes a rejected canary, which the rules then take off the replicas."""
    seen, last = keep_window_evidence(s), s.status.analysis.last
    message = last.message if last else ""
    s = reject(s, stable, "AnalysisFailed", message, "the keep window", quarantine=True)
    status = replace(
        s.status,
        stable=previous,
        previous=None,
        canary=stable,
        promoted_at=None,
        traffic_step=stable_name(previous, s.now),
        analysis=Analysis(last=last),
        attempt=Attempt(stable, s.now, previous, steps=(seen,) if seen else ()),
    )
    return s.becomes(
        status, Event("FellBack", f"{previous} is stable again: {stable} failed after its promotion", True)
    )
