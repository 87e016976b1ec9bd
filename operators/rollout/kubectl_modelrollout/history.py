"""`kubectl modelrollout history` as text."""

from rollout_operator.decide.evidence import stages
from rollout_operator.documents.status import Attempt, Outcome

from kubectl_modelrollout.colors import Colors
from kubectl_modelrollout.rollout import Rollout
from kubectl_modelrollout.table import duration, moment, short, table

HEADING = ("VERSION", "DIGEST", "OUTCOME", "REASON", "STARTED", "TOOK", "REQUESTS", "ERRORS")
GOOD = frozenset({Outcome.PROMOTED, Outcome.ADOPTED})


def render_history(rollout: Rollout, now: int, colors: Colors) -> str:
    """Newest first; the try in progress on top."""
    attempts = [*([rollout.status.attempt] if rollout.status.attempt else []), *reversed(rollout.status.history)]
    if not attempts:
        return f"{rollout.name} in {rollout.namespace}: no release yet"
    return table([_row(one, now, colors) for one in attempts], HEADING, indent="")


def _row(one: Attempt, now: int, colors: Colors) -> tuple[str, ...]:
    paint = colors.good if one.outcome in GOOD else colors.bad if one.message else colors.waits
    requests, errors = counted(one)
    return (
        str(one.release),
        short(one.release.digest),
        paint(str(one.outcome or "in progress")),
        one.reason or "-",
        moment(one.started_at),
        duration((now if one.ended_at is None else one.ended_at) - one.started_at),
        f"{requests:,}",
        f"{errors:,}",
    )


def counted(one: Attempt) -> tuple[int, int]:
    """(requests, errors) of the version; of a try in progress, in the steps that ended."""
    if one.outcome is not None:
        return one.requests, one.errors
    last = [steps[-1] for steps in stages(one.steps)]
    return sum(step.canary_requests for step in last), sum(step.canary_errors for step in last)
