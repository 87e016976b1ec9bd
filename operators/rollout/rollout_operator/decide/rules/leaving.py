"""The way back: no weight, every API pod has acknowledged that and answered the rest; only then the version goes."""

from dataclasses import replace

from rollout_operator.decide.acknowledgements import addressers
from rollout_operator.decide.evidence import end_attempt, take_traffic_away
from rollout_operator.decide.failures import failure_in_force
from rollout_operator.decide.situation import IDLE_REQUEUE_SECONDS, Event, Ruling, Situation
from rollout_operator.decide.waits import listed
from rollout_operator.documents.status import Outcome, Phase


def hold_a_failed_canary(s: Situation) -> Ruling | None:
    """onFailure: Hold keeps it loaded, without traffic, for inspection."""
    canary = s.status.canary
    failure = failure_in_force(s, canary) if canary and canary == s.wanted else None
    if failure is None or failure.outcome is not Outcome.HELD:
        return None
    message = f"{failure.message}; {canary} gets no traffic and stays loaded; revert the spec, or edit spec.retry"
    return Ruling(s.status, Phase.HELD, "Held", message, s.events, IDLE_REQUEUE_SECONDS)


def take_back_the_canary(s: Situation) -> Ruling | None:
    """It failed, or another version is wanted."""
    canary = s.status.canary
    failure = failure_in_force(s, canary) if canary else None
    if canary is None or (canary == s.wanted and failure is None):
        return None
    reason = failure.reason if failure else "Aborted"
    status = take_traffic_away(s)
    waiting = addressers(s.seen, canary.version)
    if waiting:
        message = f"{canary} gets no traffic any more ({reason}); dropping it waits: {listed(waiting)}"
        return Ruling(status, Phase.ROLLING_BACK, reason, message, s.events)
    outcome = failure.outcome if failure else Outcome.ABORTED
    status = end_attempt(replace(status, canary=None), outcome, reason, s.now, s.spec)
    event = Event(str(outcome), f"{canary} is dropped ({reason}); {s.status.stable} has all traffic", bool(failure))
    return Ruling(status, Phase.ROLLING_BACK, reason, event.message, (*s.events, event))
