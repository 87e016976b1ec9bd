"""The counts of a step start again when its canary gets back the traffic that it lost for a while.

While a replica is down, stable is slower and the canary gets no requests: what was counted then says nothing about it.
"""

from dataclasses import replace

from rollout_operator.decide.situation import Event, Situation
from rollout_operator.decide.step_names import step_name
from rollout_operator.decide.waits import before_more_weight
from rollout_operator.documents.release import Release
from rollout_operator.documents.status import Analysis


def restart_counts(s: Situation, canary: Release) -> Situation:
    """A new name for the step, under which API pods count from zero, once nothing withholds the traffic any more."""
    index, routes = s.status.current_step_index, s.seen.routes
    if index is None or not s.traffic.kind.changes_traffic:
        return s
    is_withheld = routes is not None and routes.step == s.status.traffic_step and routes.canary is None
    if not is_withheld or before_more_weight(s):
        return s
    fresh = Analysis(baseline_p95_seconds=s.status.analysis.baseline_p95_seconds)
    status = replace(s.status, traffic_step=step_name(canary, index, s.now), analysis=fresh)
    what = f"{canary} gets its traffic back; the counts of {s.describe_step()} start again"
    return s.becomes(status, Event("CountedAnew", what))
