"""The steps of a release, with the one in progress marked, and what each showed."""

from rollout_operator.documents.spec import Spec
from rollout_operator.documents.status import StepEvidence

from kubectl_modelrollout.colors import Ink
from kubectl_modelrollout.rollout import Rollout
from kubectl_modelrollout.table import count, duration, milliseconds, percent, table

DONE, HERE, STOPPED = "✓", "▶", "✗"


def steps(rollout: Rollout, now: int, ink: Ink) -> str:
    """Of the release in progress, or of the one that failed on its way; nothing while there is neither."""
    trial, spec = rollout.wanted_try, rollout.spec
    if trial is None or spec is None or rollout.is_ready or (trial.outcome is not None and not trial.steps):
        return ""
    ended, current = run_of(trial.steps, spec), rollout.status.current_step_index
    rows = []
    for index, step in enumerate(spec.steps):
        seen = ended[index] if index < len(ended) else None
        is_last = index == len(ended) - 1
        if index == current:
            began = rollout.status.step_started_at
            row = (ink.strong(HERE), "for " + duration(now - began) if began else "", _waits(spec, index, ink))
        elif seen and is_last and current is None:
            row = (ink.bad(STOPPED), "after " + took(seen), showed(seen))
        elif seen:
            row = (ink.good(DONE), "took " + took(seen), showed(seen))
        else:
            row = ("", "", "")
        mark, when, what = row
        text = str(step) if mark else ink.faint(str(step))
        rows.append((mark or " ", str(index + 1), ink.strong(text) if index == current else text, when, what))
    return ink.strong("STEPS") + "\n" + table(rows)


def run_of(ended: tuple[StepEvidence, ...], spec: Spec) -> tuple[StepEvidence, ...]:
    """What was written since the steps began last: edited ones begin again."""
    names = [str(step) for step in spec.steps]
    starts = range(len(ended))
    return next(
        (ended[start:] for start in starts if [one.step for one in ended[start:]] == names[: len(ended) - start]), ()
    )


def took(step: StepEvidence) -> str:
    return duration(step.ended_at - step.started_at)


def showed(step: StepEvidence) -> str:
    """In a few words."""
    if step.approved_by:
        return f"approved by {step.approved_by}"
    if step.shadow and step.step == step.traffic:
        agreed = percent(step.shadow.agreed / step.shadow.samples) if step.shadow.samples else "-"
        failed = f", {step.shadow.failed:,} not answered" if step.shadow.failed else ""
        return f"{step.shadow.samples:,} compared, {agreed} agree{failed}"
    if not step.canary_requests:
        return ""
    failed = f"{step.canary_errors:,} failed" if step.canary_errors else "none failed"
    latency = f", p95 {milliseconds(step.canary_p95_seconds)}" if step.canary_p95_seconds is not None else ""
    return f"{count(step.canary_requests, 'request')}, {failed}{latency}"


def _waits(spec: Spec, index: int, ink: Ink) -> str:
    gate = spec.steps[index].gate
    if gate is None:
        return ""
    approval = spec.approval(gate.name)
    return f"approved by {approval.by}" if approval else ink.waits("waits for an approval")
