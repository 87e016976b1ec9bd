"""How long the version before stays warm."""

from dataclasses import replace

from rollout_operator.decide.situation import Event, Situation


def forget_previous(s: Situation) -> Situation:
    """When its time is over, unless stable looks bad just now, or the rollout is suspended.

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
