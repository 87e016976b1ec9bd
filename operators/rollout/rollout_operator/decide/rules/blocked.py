"""What is wanted but shall not be tried (again). Stable serves on."""

from rollout_operator.decide.failures import failure_in_force
from rollout_operator.decide.remember.bindings import bound_digest
from rollout_operator.decide.situation import IDLE_REQUEUE_SECONDS, Ruling, Situation
from rollout_operator.documents.status import Outcome, Phase

PHASES = {Outcome.ROLLED_BACK: Phase.ROLLED_BACK, Outcome.HELD: Phase.ROLLED_BACK}


def refuse_a_reused_version(s: Situation) -> Ruling | None:
    """A version number whose bytes were ever loaded means these bytes."""
    other = bound_digest(s.status, s.wanted)
    if s.status.stable == s.wanted or other is None:
        return None
    message = f"version {s.wanted.version} was loaded as {other}; give other bytes another version number"
    return Ruling(s.status, Phase.BLOCKED, "VersionReused", message, s.events, IDLE_REQUEUE_SECONDS)


def refuse_what_failed(s: Situation) -> Ruling | None:
    """A failure in force keeps stable in service, until the spec is edited or, for quarantined bytes, spec.retry is."""
    failure = failure_in_force(s, s.wanted)
    if s.status.stable == s.wanted or failure is None:
        return None
    phase = PHASES.get(failure.outcome, Phase.BLOCKED)
    reason = "RolledBack" if phase is Phase.ROLLED_BACK else failure.reason
    message = f"{s.status.stable} serves; {s.wanted} failed ({failure.reason}): {failure.message}"
    return Ruling(s.status, phase, reason, message, s.events, IDLE_REQUEUE_SECONDS)
