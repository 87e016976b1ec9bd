"""The steps of a strategy: what ends each, and what the next one may begin on."""

from dataclasses import replace

from rollout_operator.decide.evidence import end_step
from rollout_operator.decide.failures import RETURNED, reject
from rollout_operator.decide.rules.promotion import promote
from rollout_operator.decide.situation import Event, Ruling, Situation
from rollout_operator.decide.step_names import step_name
from rollout_operator.decide.waits import before_next_step
from rollout_operator.documents.assessment import Verdict
from rollout_operator.documents.spec import OnInsufficientData
from rollout_operator.documents.status import Analysis, Phase, Status
from rollout_operator.documents.step_kinds import Step, StepKind
from rollout_operator.documents.wait import Wait


def wait_to_step_forward(s: Situation) -> Ruling | None:
    """Replicas, traffic and acknowledgements first: see waits."""
    wait = before_next_step(s)
    return _stay(s, wait) if wait else None


def skip_the_steps(s: Situation) -> Ruling | None:
    """What was promoted before, with the same bytes, only has to be warm: in its keep window, or approved again."""
    if not s.status.has_proved_itself(s.wanted):
        return None
    attempt = s.status.attempt
    if attempt and attempt.reason == RETURNED:
        return promote(s, "it was stable until just now")
    gates = [opening for step in s.spec.steps if (opening := s.opening_of(step))]
    if not gates or not all(opening.is_open for opening in gates):
        return None
    return promote(s, f"it was promoted before, and these bytes are approved by {gates[-1].by}")


def finish_the_step(s: Situation) -> Ruling | None:
    """The present step says what it waits for."""
    wait = s.step.kind.wait(s.step_state) if s.step else None
    return _stay(s, wait) if wait else None


def judge_before_more_traffic(s: Situation) -> Ruling | None:
    """More traffic is given only when what leads to it was assessed as good."""
    if not _next_step(s).kind.needs_passed_analysis or not s.traffic.kind.changes_traffic:
        return None
    last = s.step_state.assessment
    if last and last.verdict is Verdict.PASSED:
        return None
    if last and _is_insufficient(s) and s.status.canary:
        s = reject(s, s.status.canary, "InsufficientData", last.message, s.describe_step(), quarantine=False)
        return Ruling(s.status, Phase.ROLLING_BACK, "InsufficientData", last.message, s.events)
    return _stay(
        s, Wait("AwaitingAnalysis", f"waiting for the analysis to pass: {last.message if last else 'not made yet'}")
    )


def enter_the_next_step(s: Situation) -> Ruling | None:
    """The next step begins, or the canary is promoted."""
    step, index = _next_step(s), _next_index(s)
    if step.kind.promotes:
        return promote(s, f"step {index + 1}/{len(s.spec.steps)} done")
    status = _enter(s, step, index)
    event = Event("StepStarted", f"{s.status.canary} step {index + 1}/{len(s.spec.steps)}: {step}")
    return Ruling(status, _phase(s, step.kind), "Progressing", event.message, (*s.events, event))


def _next_index(s: Situation) -> int:
    index = s.status.current_step_index
    return 0 if index is None else index + 1


def _next_step(s: Situation) -> Step:
    return s.spec.steps[_next_index(s)]


def _enter(s: Situation, step: Step, index: int) -> Status:
    status = replace(end_step(s), current_step_index=index, current_step_hash=s.spec.steps_hash, step_started_at=s.now)
    if not step.kind.changes_traffic or s.status.canary is None:
        return status
    fresh = Analysis(baseline_p95_seconds=s.status.analysis.baseline_p95_seconds)
    return replace(status, traffic_step=step_name(s.status.canary, index, s.now), analysis=fresh)


def _is_insufficient(s: Situation) -> bool:
    """The time of the step is over, and there are still too few samples."""
    last = s.status.analysis.last
    fails = s.spec.analysis.on_insufficient_data is OnInsufficientData.FAIL
    return fails and last is not None and last.verdict is Verdict.INCONCLUSIVE


def _stay(s: Situation, wait: Wait) -> Ruling:
    phase = Phase.PAUSED if wait.intended else _phase(s, s.traffic.kind)
    weight = s.seen.routes.canary_weight if s.seen.routes else 0
    message = f"{s.status.canary} at {weight} %, {s.describe_step()}; {wait.message}"
    return Ruling(s.status, phase, wait.reason, message, s.events)


def _phase(s: Situation, kind: StepKind) -> Phase:
    traffic = kind if kind.changes_traffic else s.traffic.kind
    if traffic.shadow_percent:
        return Phase.SHADOWING
    return Phase.PROGRESSING if traffic.weight else Phase.WARMING
