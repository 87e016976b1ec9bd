"""What a person can do now."""

from collections.abc import Iterator

from rollout_operator.documents.status import Failure, Outcome, Status
from rollout_operator.documents.step_kinds import Step

from kubectl_modelrollout.rollout import Rollout
from kubectl_modelrollout.table import moment

FIXES = {
    "DigestMismatch": "put the right bundle at artifact.uri, or write the digest that `modelctl pack` printed",
    "SignatureRefused": "put the signature of `modelctl sign` beside the bundle, then change spec.retry",
    "BundleInvalid": "pack the model again with `modelctl pack`",
    "ConfigChanged": "release a model whose inputs and outputs are those of the one in service",
    "VersionReused": "give these bytes a new version number",
    "FetchFailed": "make artifact.uri reachable from the Triton pods",
    "InsufficientMemory": "give the Triton pods more memory, or release a smaller model",
    "InsufficientDisk": "give the Triton pods more disk",
    "LoadTimeout": "raise load.timeoutSeconds, or release a smaller model",
    "GoldenMismatch": "find out why the outputs differ from those recorded in the bundle, and release a new version",
    "AcceptanceFailed": "find out why it answers the hospital's images wrongly, and release a better model",
    "AcceptanceInvalid": "correct spec.acceptance, or have the set made again with `modelctl golden`",
    "AnalysisFailed": "read the report (below), and release a better model as a new version",
    "BelowFloor": "write what the message asks for, or have the platform team change operator.floors",
    "Conflict": "delete one of the two ModelRollouts",
    "InvalidSpec": "correct the fields that are named above",
    "InsufficientData": "wait for more traffic, or lower analysis.minSamples",
    "ProgressDeadlineExceeded": "fix what it waited for, or raise strategy.progressDeadlineSeconds",
}
OTHERWISE = "see the replicas above, and the Events of the ModelRollout: kubectl describe"


def next_moves(rollout: Rollout) -> Iterator[str]:
    """One line for each thing to do, with the command where there is one; none when nobody has to do anything."""
    spec, status, name = rollout.spec, rollout.status, f"{rollout.name} -n {rollout.namespace}"
    if rollout.reported.phase and not rollout.is_seen:
        yield "The operator has not reconciled the newest edit of the spec yet. If that lasts, check that it runs."
        return
    if spec and spec.suspend:
        yield "The rollout is suspended. Set spec.suspend to false to resume it."
    index = status.current_step_index
    step = spec.steps[index] if spec and index is not None and index < len(spec.steps) else Step()
    gate = step.kind.gate_name
    if gate and (rollout.awaits_approval or (spec and not spec.approvals_of(step))):
        yield f"See what was measured:  kubectl modelrollout report {name}"
        yield f"Approve it in git:      kubectl modelrollout approve {name} --gate {gate} --by WHO"
    failure = status.last_failure
    if failure and rollout.is_stalled:
        yield _fix(status, failure)
        yield f"The evidence:           kubectl modelrollout report {name} --version {failure.release.version}"
    ready = rollout.condition("Ready")
    if rollout.is_stalled and ready and not failure:
        yield f"{_sentence(FIXES.get(ready.reason, OTHERWISE))}."
    if spec and status.stable and spec.wanted != status.stable:
        yield f"Take it back in git:    kubectl modelrollout abort {name}"
    if spec and rollout.is_ready and status.previous and status.promoted_at is not None:
        until = moment(status.promoted_at + spec.strategy.keep_previous_seconds)
        yield f"{status.previous} is kept warm until {until}. Until then a release of it takes effect at once."


def _fix(status: Status, failure: Failure) -> str:
    again = "to try the same bytes again, write a new text in spec.retry"
    if not status.is_quarantined(failure.release):
        again = "to try again, edit the spec"
    held = f"; {failure.release} stays loaded until then" if failure.outcome is Outcome.HELD else ""
    return f"{_sentence(FIXES.get(failure.reason, OTHERWISE))}; {again}{held}."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
