"""Edits of the steps while a canary takes them."""

from rollout_operator.decide.evidence import take_traffic_away
from rollout_operator.decide.situation import Event, Situation


def restart_edited_steps(s: Situation) -> Situation:
    """Edited steps restart at step 0 with weight 0; nothing is loaded again."""
    if s.status.current_step_index is None or s.status.current_step_hash == s.spec.steps_hash:
        return s
    what = f"the steps were edited: {s.status.canary} starts again at the first one, with weight 0"
    return s.becomes(take_traffic_away(s), Event("StepsEdited", what))
