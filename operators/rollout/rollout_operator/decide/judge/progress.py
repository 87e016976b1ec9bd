"""The progress deadline: too long without progress fails the release, but does not quarantine its bytes."""

from dataclasses import replace

from rollout_operator.decide.failures import reject
from rollout_operator.decide.situation import Situation
from rollout_operator.documents.release import Release
from rollout_operator.documents.status import Progress


def judge_progress(s: Situation, canary: Release) -> Situation:
    """The clock starts again when another replica is warm, a step ends or the samples grow.

    It is stopped while the rollout is suspended, in a gate or a pause, and while the StatefulSet is being updated.
    """
    if canary != s.wanted:
        return s
    before, now = s.status.progress, _measure(s, canary)
    if before is None or _has_moved(before, now):
        return s.becomes(replace(s.status, progress=now))
    idle = s.now - before.at
    if now.stopped or idle < s.spec.strategy.progress_deadline_seconds:
        most = max(now.warm, before.warm)  # a replica that comes and goes is no progress
        return s.becomes(replace(s.status, progress=replace(now, at=before.at, warm=most)))
    message = f"no progress for {idle} s at {s.describe_step()}; {now.warm}/{len(s.serving)} replicas are warm"
    return reject(s, canary, "ProgressDeadlineExceeded", message, s.describe_step(), quarantine=False)


def _measure(s: Situation, canary: Release) -> Progress:
    last = s.status.analysis.last
    return Progress(
        at=s.now,
        warm=len(s.warm_on(canary)),
        step=s.status.current_step_index,
        samples=last.samples if last else 0,
        stopped=_is_stopped(s),
    )


def _has_moved(before: Progress, now: Progress) -> bool:
    grown = now.warm > before.warm or now.samples > before.samples
    return grown or now.step != before.step or now.stopped != before.stopped


def _is_stopped(s: Situation) -> bool:
    asked_for = s.step is not None and s.step.kind.stops_the_clock(s.step_state)
    return s.spec.suspend or s.seen.rolling or asked_for or _is_held_at_first_install(s)


def _is_held_at_first_install(s: Situation) -> bool:
    """It is warm and waits only for people."""
    is_warm = s.status.stable is None and bool(s.warm_on(s.wanted))
    return is_warm and any(not opening.is_open for _, opening in s.first_install_gates)
