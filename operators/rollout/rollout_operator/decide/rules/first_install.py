"""Nothing serves yet: all replicas load the canary at once, and the first that proves it makes it stable.

Steps are not taken, as there is nothing to compare with. Of the gates, only those with firstInstall: true hold it.
"""

from dataclasses import replace

from rollout_operator.decide import replicas
from rollout_operator.decide.acknowledgements import may_obey_lost_routes
from rollout_operator.decide.evidence import end_attempt
from rollout_operator.decide.failures import failure_in_force
from rollout_operator.decide.release_lookup import find_metadata
from rollout_operator.decide.remember.bindings import bound_digest
from rollout_operator.decide.rules.below_floor import refuse_below_floor
from rollout_operator.decide.rules.loading import loading_phase
from rollout_operator.decide.situation import IDLE_REQUEUE_SECONDS, Event, Ruling, Situation
from rollout_operator.decide.step_names import stable_name
from rollout_operator.decide.waits import listed
from rollout_operator.documents.status import Analysis, Attempt, Outcome, Phase, Status, StepEvidence


def install_first_version(s: Situation) -> Ruling | None:
    """Without a stable version: loads the wanted one everywhere, and makes it stable once one replica is warm."""
    if s.status.stable is not None:
        return None
    if s.status.canary != s.wanted:
        return _wait_for_lost_routes(s) or refuse_below_floor(s) or _begin(s)
    warm = [one.name for one in s.serving if replicas.is_proved(one, s.wanted, s.seen.routes)]
    if warm and find_metadata(s.seen, s.wanted):
        return refuse_below_floor(s) or _wait_for_people(s, warm) or _make_stable(s, warm)
    failure = failure_in_force(s, s.wanted)
    if failure:
        message = f"{failure.message}; no version serves yet: correct spec.version and spec.artifact"
        return Ruling(s.status, Phase.BLOCKED, failure.reason, message, s.events, IDLE_REQUEUE_SECONDS)
    phase = loading_phase(s)
    return Ruling(s.status, phase, str(phase), f"first install of {s.wanted} on {len(s.serving)} replicas", s.events)


def _wait_for_lost_routes(s: Situation) -> Ruling | None:
    """A version may be in service that is not known here: status and routes are lost, and agents do not answer."""
    names, silent = may_obey_lost_routes(s.seen), replicas.unaccounted(s.seen, s.wanted)
    if not names or not silent:
        return None
    message = f"{listed(names)} may serve an unknown version; waiting for {listed(silent)} to report what it holds"
    return Ruling(s.status, Phase.PENDING, "AwaitingReplicas", message, s.events)


def _wait_for_people(s: Situation, warm: list[str]) -> Ruling | None:
    """Gates with firstInstall: true."""
    closed = [f"{step} waits for {opening.wait}" for step, opening in s.first_install_gates if not opening.is_open]
    if not closed:
        return None
    message = f"first install of {s.wanted}, warm on {len(warm)}/{len(s.serving)} replicas; {'; '.join(closed)}"
    return Ruling(s.status, Phase.PAUSED, "AwaitingApproval", message, s.events)


def _begin(s: Situation) -> Ruling:
    """The next edit is the next canary: nothing of the one before serves, so it is replaced as it is."""
    other = bound_digest(s.status, s.wanted)
    if other:
        message = f"version {s.wanted.version} was loaded as {other}; give other bytes another version number"
        return Ruling(s.status, Phase.BLOCKED, "VersionReused", message, s.events, IDLE_REQUEUE_SECONDS)
    ended = end_attempt(s.status, Outcome.ABORTED, "Replaced", s.now, s.spec)
    status = replace(ended, canary=s.wanted, current_step_index=None, attempt=Attempt(s.wanted, s.now))
    event = Event("Started", f"first install of {s.wanted} on {len(s.serving)} replicas")
    return Ruling(status, Phase.VERIFYING, "Verifying", event.message, (*s.events, event))


def _make_stable(s: Situation, warm: list[str]) -> Ruling:
    event = Event("Promoted", f"{s.wanted} is the first stable version: warm on {len(warm)}/{len(s.serving)} replicas")
    status: Status = replace(
        end_attempt(_with_approvals(s), Outcome.PROMOTED, "FirstInstall", s.now, s.spec),
        stable=s.wanted,
        canary=None,
        last_failure=None,
        promoted_at=s.now,
        traffic_step=stable_name(s.wanted, s.now),
        analysis=Analysis(),
    )
    return Ruling(status, Phase.PROMOTING, "Promoting", event.message, (*s.events, event))


def _with_approvals(s: Situation) -> Status:
    """The status with the gates that people opened written down, for the report."""
    attempt = s.status.attempt
    if attempt is None:
        return s.status
    opened = tuple(
        StepEvidence(attempt.started_at, s.now, step, approved_by=opening.by, approved_key=opening.key)
        for step, opening in s.first_install_gates
    )
    return replace(s.status, attempt=replace(attempt, steps=(*attempt.steps, *opened)))
