"""One ModelRollout for each StatefulSet and each Deployment."""

from rollout_operator.decide.situation import IDLE_REQUEUE_SECONDS, Ruling, Situation
from rollout_operator.documents.status import Phase


def leave_it_to_the_older_rollout(s: Situation) -> Ruling | None:
    """Blocked, and nothing is published, while an older ModelRollout has the same workloads."""
    if not s.seen.rival:
        return None
    message = (
        f"ModelRollout {s.seen.rival} is older and refers to StatefulSet {s.spec.triton_ref.name}"
        f" or Deployment {s.spec.api_ref.name}, too; delete one of the two"
    )
    return Ruling(s.status, Phase.BLOCKED, "Conflict", message, s.events, IDLE_REQUEUE_SECONDS)
