"""kstatus conditions: Available (are patients served?), Ready (is git's version live?), Reconciling, Stalled.

And ArtifactVerified: did somebody who is trusted sign the bytes?

Reconciling and Stalled are there only while they are True, as kstatus asks for.
"""

from dataclasses import dataclass

from rollout_operator.decide.artifact import Artifact
from rollout_operator.documents.status import Condition, Phase

ARTIFACT_VERIFIED = "ArtifactVerified"


@dataclass(frozen=True)
class Row:
    """What the conditions are in these phases. `ready`: the status of the condition Ready."""

    phases: frozenset[Phase]
    ready: str
    reconciling: bool
    stalled: bool


STALLED = frozenset({Phase.ROLLED_BACK, Phase.HELD, Phase.BLOCKED})
ENDED = STALLED | {Phase.HEALTHY, Phase.DEGRADED}
TABLE = (
    Row(frozenset({Phase.HEALTHY}), ready="True", reconciling=False, stalled=False),
    Row(STALLED, ready="False", reconciling=False, stalled=True),
    Row(frozenset({Phase.DEGRADED}), ready="False", reconciling=True, stalled=False),
    Row(frozenset(Phase) - ENDED, ready="Unknown", reconciling=True, stalled=False),
)


@dataclass(frozen=True)
class Summary:
    """What the conditions say. `available`: patients are served. `generation`: the spec's. `now`: since 1970.

    `artifact`: None leaves ArtifactVerified as it was.
    """

    phase: Phase
    reason: str
    message: str
    available: bool
    generation: int
    now: int
    artifact: Artifact | None = None


def derive_conditions(summary: Summary, before: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The conditions that follow, by TABLE. `before`: those in the status, for their transition times."""
    row = next(row for row in TABLE if summary.phase in row.phases)
    served = ("True", "Serving") if summary.available else ("False", "StableMissing")
    wanted = [("Available", *served), ("Ready", row.ready, summary.reason)]
    wanted += [("Reconciling", "True", summary.reason)] if row.reconciling else []
    wanted += [("Stalled", "True", summary.reason)] if row.stalled else []
    found = tuple(_condition(summary, before, *one, summary.message) for one in wanted)
    return (*found, *_artifact_verified(summary, before))


def _artifact_verified(summary: Summary, before: tuple[Condition, ...]) -> tuple[Condition, ...]:
    artifact = summary.artifact
    if artifact is None:
        return tuple(one for one in before if one.type == ARTIFACT_VERIFIED)
    return (_condition(summary, before, ARTIFACT_VERIFIED, artifact.status, artifact.reason, artifact.message),)


def _condition(
    summary: Summary, before: tuple[Condition, ...], type: str, status: str, reason: str, message: str
) -> Condition:
    """The transition time moves only with the status."""
    old = next((one for one in before if one.type == type), None)
    since = old.last_transition_time if old and old.status == status else summary.now
    return Condition(type, status, reason, message[:1024], summary.generation, since)
