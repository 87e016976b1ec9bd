"""One ModelRollout per server and gateway."""

from rollout_operator.decide.situation import IDLE_REQUEUE_SECONDS, Course, Situation
from rollout_operator.documents.status import Phase


def leave_it_to_the_older_rollout(s: Situation) -> Course | None:
    if not s.seen.rival:
        return None
    message = (
        f"ModelRollout {s.seen.rival} is older and has server {s.spec.server_ref.name} or gateway"
        f" {s.spec.gateway_ref.name}; delete one of the two"
    )
    return Course(s.status, Phase.BLOCKED, "Conflict", message, s.events, IDLE_REQUEUE_SECONDS)
