"""A spec that asks for less than the platform team does releases nothing. Stable serves on."""

from rollout_operator.decide.evidence import take_traffic_away
from rollout_operator.decide.failures import below_floor
from rollout_operator.decide.situation import IDLE_REQUEUE_SECONDS, Ruling, Situation
from rollout_operator.documents.floors import WHO
from rollout_operator.documents.status import Phase


def refuse_below_floor(s: Situation) -> Ruling | None:
    """What serves is left alone. A canary under way has no traffic until the spec is mended, and begins anew then."""
    refusals = below_floor(s) if s.wanted != s.status.stable else ()
    if not refusals:
        return None
    message = f"{s.wanted} is not released: {'; '.join(refusals)}; {WHO}"
    return Ruling(take_traffic_away(s), Phase.BLOCKED, "BelowFloor", message, s.events, IDLE_REQUEUE_SECONDS)
