"""The canary becomes stable."""

from dataclasses import replace

from rollout_operator.decide.evidence import end_attempt, end_step
from rollout_operator.decide.situation import Event, Ruling, Situation
from rollout_operator.decide.step_names import stable_name
from rollout_operator.documents.status import Analysis, Outcome, Phase


def promote(s: Situation, why: str) -> Ruling:
    """The canary gets all traffic. The previous version stays warm for the keep window, as an instant way back."""
    canary, stable = s.wanted, s.status.stable
    status = end_attempt(end_step(s), Outcome.PROMOTED, "Promoted", s.now, s.spec)
    status = replace(
        status,
        stable=canary,
        canary=None,
        previous=stable,
        current_step_index=None,
        step_started_at=None,
        promoted_at=s.now,
        traffic_step=stable_name(canary, s.now),
        analysis=Analysis(),
        last_failure=None,
    )
    event = Event("Promoted", f"{canary} has all traffic on {len(s.serving)} replicas: {why}; {stable} is kept warm")
    return Ruling(status, Phase.PROMOTING, "Promoting", event.message, (*s.events, event))
