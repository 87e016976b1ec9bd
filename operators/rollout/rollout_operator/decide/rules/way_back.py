"""The previous version is wanted again while it is still warm: it gets all traffic at once, without steps."""

from dataclasses import replace

from rollout_operator.decide.evidence import with_history
from rollout_operator.decide.failures import RETURNED
from rollout_operator.decide.situation import Event, Ruling, Situation
from rollout_operator.decide.step_names import stable_name
from rollout_operator.documents.status import Analysis, Attempt, Outcome, Phase


def return_to_previous(s: Situation) -> Ruling | None:
    """Suspension, gates and a rolling StatefulSet do not delay it; a replica where it is not warm does.

    There it becomes a canary again, and takes all traffic as soon as it is warm (see stepping.skip_the_steps).
    """
    stable, previous = s.status.stable, s.status.previous
    if stable is None or previous is None or previous != s.wanted:
        return None
    if not 0 < len(s.serving) == len(s.warm_on(previous)):
        attempt = Attempt(s.wanted, s.now, stable, reason=RETURNED)
        status = replace(s.status, canary=s.wanted, previous=None, attempt=attempt, current_step_index=None)
        event = Event("Started", f"back to {previous}: warm on {len(s.warm_on(previous))}/{len(s.serving)} replicas")
        return Ruling(status, Phase.WARMING, "Warming", event.message, (*s.events, event))
    done = Attempt(s.wanted, s.now, stable, s.now, Outcome.PROMOTED, RETURNED)
    status = replace(
        s.status,
        stable=s.wanted,
        previous=stable,
        promoted_at=s.now,
        traffic_step=stable_name(s.wanted, s.now),
        analysis=Analysis(),
        history=with_history(s.status, done, s.spec),
    )
    event = Event("Promoted", f"back to {previous} at once: it was still warm on {len(s.serving)} replicas")
    return Ruling(status, Phase.PROMOTING, "Promoting", event.message, (*s.events, event))
