"""The trace of a try: from the edit that asked for it until the version is everywhere or no longer served."""

import hashlib
from dataclasses import replace

from rollout_operator.decide.situation import Ruling, Situation
from rollout_operator.documents.observation import Observation
from rollout_operator.documents.plan import PlanTrace
from rollout_operator.documents.status import Attempt, AttemptTrace, Outcome, Phase, Status

# The try goes on, for somebody who looks at it, or edits the spec; nothing more happens by itself.
GIVEN_UP = frozenset({Phase.HELD, Phase.BLOCKED})


def follow_traces(s: Situation, ruling: Ruling) -> Ruling:
    """The ruling, with what it means for the traces of present and past tries."""
    status = ruling.status
    seen = replace(s.seen, edited_at=_first_tried(s.seen.edited_at, status))
    attempt = _follow(seen, status.attempt, ruling.phase in GIVEN_UP) if status.attempt else None
    is_final = attempt is not None or ruling.phase is Phase.HEALTHY
    last = len(status.history) - 1
    history = tuple(_follow_past(s.seen, one, is_final or at < last) for at, one in enumerate(status.history))
    if (attempt, history) == (status.attempt, status.history):
        return ruling
    return replace(ruling, status=replace(status, attempt=attempt, history=history))


def open_trace(status: Status) -> PlanTrace | None:
    """What agents are told: to which span their work on which version belongs."""
    for one in (status.attempt, *status.history[-1:]):
        if one and one.trace and one.trace.ended_at is None:
            return PlanTrace(one.release.version, f"00-{one.trace.id}-{one.trace.root_span_id}-01")
    return None


def _follow(seen: Observation, one: Attempt, is_over: bool) -> Attempt:
    trace = one.trace
    if trace is None:
        trace = _begin(seen, one) if seen.trace_seed else None
    if trace and trace.ended_at is None and is_over:
        trace = replace(trace, ended_at=seen.now)
    if trace and seen.sent_spans.get(trace.id, 0) > trace.sent:
        trace = replace(trace, sent=seen.sent_spans[trace.id])
    return one if trace == one.trace else replace(one, trace=trace)


def _first_tried(edited_at: int | None, status: Status) -> int | None:
    """None if a try began since: the present one is another of the same edit."""
    return None if edited_at and any(edited_at <= one.started_at for one in status.history) else edited_at


def _begin(seen: Observation, one: Attempt) -> AttemptTrace:
    """The same ids each time, or an API server that does not store them would have the plan rewritten each time."""
    named = f"{seen.trace_seed}/{one.release.version}/{one.release.digest}/{one.started_at}"
    hashed = hashlib.sha256(named.encode()).hexdigest()
    edited_at = seen.edited_at if seen.edited_at and seen.edited_at < one.started_at else None
    return AttemptTrace(hashed[:32], hashed[32:48], edited_at)


def _follow_past(seen: Observation, one: Attempt, is_final: bool) -> Attempt:
    """`is_final`: that it was promoted is no news any more. A try may begin and end at once; others have a trace."""
    is_at_once = one.outcome is Outcome.PROMOTED and one.started_at == one.ended_at == seen.now
    if one.trace is None and not is_at_once:
        return one
    return _follow(seen, one, is_final or one.outcome is not Outcome.PROMOTED)
