"""The fewest replicas that an autoscaler may leave while a release runs.

A release proves its version on the replicas that there are. Fewer of them under the same load would be judged as the
canary's fault, and would be missing when it takes all traffic.
"""

from rollout_operator.decide.failures import failure_in_force
from rollout_operator.decide.situation import Situation
from rollout_operator.documents.status import Outcome


def replica_floor(s: Situation) -> int | None:
    """As many as there were when the release began, which the published routes remember; None: no release runs.

    Replicas that an autoscaler adds meanwhile do not raise it: they may go again.
    """
    published = s.seen.routes.replica_floor if s.seen.routes else None
    if _is_trying(s):
        return published or s.seen.desired_replicas or None
    return published if _is_promoting(s) else None


def _is_trying(s: Situation) -> bool:
    """A canary is on its way on, or on its way back; not one that failed and is held for inspection."""
    canary = s.status.canary
    failure = failure_in_force(s, canary) if canary else None
    return canary is not None and not (failure and failure.outcome is Outcome.HELD)


def _is_promoting(s: Situation) -> bool:
    """The wanted version has all traffic, and was not Healthy yet."""
    ready = next((one for one in s.status.conditions if one.type == "Ready"), None)
    return s.status.stable == s.wanted and (ready is None or ready.status != "True")
