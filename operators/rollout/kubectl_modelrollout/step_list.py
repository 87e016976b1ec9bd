"""The steps of a release, with the one in progress marked, and what each showed."""

from rollout_operator.documents.spec import Spec
from rollout_operator.documents.status import UNVERIFIED, StepEvidence
from rollout_operator.documents.step_kinds import Step

from kubectl_modelrollout.colors import Colors
from kubectl_modelrollout.rollout import Rollout
from kubectl_modelrollout.table import count, duration, milliseconds, percent, table

DONE, HERE, STOPPED = "✓", "▶", "✗"


def steps(rollout: Rollout, now: int, colors: Colors) -> str:
    """Of the release in progress, or of the one that failed on its way; nothing while there is neither."""
    attempt, spec = rollout.wanted_attempt, rollout.spec
    if attempt is None or spec is None or rollout.is_ready or (attempt.outcome is not None and not attempt.steps):
        return ""
    ended, current = run_of(attempt.steps, spec), rollout.status.current_step_index
    rows = []
    for index, step in enumerate(spec.steps):
        seen = ended[index] if index < len(ended) else None
        is_last = index == len(ended) - 1
        if index == current:
            began = rollout.status.step_started_at
            row = (
                colors.strong(HERE),
                "for " + duration(now - began) if began else "",
                _waits(rollout, spec.steps[index], colors),
            )
        elif seen and is_last and current is None:
            row = (colors.bad(STOPPED), "after " + took(seen), showed(seen))
        elif seen:
            row = (colors.good(DONE), "took " + took(seen), showed(seen))
        else:
            row = ("", "", "")
        mark, when, what = row
        text = str(step) if mark else colors.faint(str(step))
        rows.append((mark or " ", str(index + 1), colors.strong(text) if index == current else text, when, what))
    return colors.strong("STEPS") + "\n" + table(rows)


def run_of(ended: tuple[StepEvidence, ...], spec: Spec) -> tuple[StepEvidence, ...]:
    """What was written since the steps began last: edited ones begin again."""
    taken = [one.step for one in ended]
    starts = (start for start in range(len(ended)) if taken[start:] == list(spec.steps[: len(ended) - start]))
    return next((ended[start:] for start in starts), ())


def took(seen: StepEvidence) -> str:
    """How long the step lasted, in words."""
    return duration(seen.ended_at - seen.started_at)


def showed(seen: StepEvidence) -> str:
    """In a few words."""
    if seen.approved_by:
        return f"approved by {seen.approved_by} ({seen.approved_key or UNVERIFIED})"
    if seen.shadow and seen.step == seen.traffic:
        agreed = percent(seen.shadow.agreed / seen.shadow.samples) if seen.shadow.samples else "-"
        failed = f", {seen.shadow.failed:,} not answered" if seen.shadow.failed else ""
        return f"{seen.shadow.samples:,} compared, {agreed} agree{failed}"
    if not seen.canary_requests:
        return ""
    failed = f"{seen.canary_errors:,} failed" if seen.canary_errors else "none failed"
    latency = f", p95 {milliseconds(seen.canary_p95_seconds)}" if seen.canary_p95_seconds is not None else ""
    return f"{count(seen.canary_requests, 'request')}, {failed}{latency}"


def _waits(rollout: Rollout, step: Step, colors: Colors) -> str:
    """Only the operator knows whose signature counts, so a line alone is not called an approval while it waits."""
    given = rollout.spec.approvals_of(step) if rollout.spec else ()
    if not step.kind.gate_name:
        return ""
    return (
        f"approved by {given[0].by}" if given and not rollout.awaits_approval else colors.waits("waits for an approval")
    )
