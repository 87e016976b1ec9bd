"""The wanted version is stable: is it everywhere?"""

from rollout_operator.decide import replicas
from rollout_operator.decide.acknowledgements import laggards
from rollout_operator.decide.situation import IDLE_REQUEUE_SECONDS, Ruling, Situation
from rollout_operator.decide.waits import listed
from rollout_operator.documents.status import Phase


def serve_the_wanted_version(s: Situation) -> Ruling | None:
    """Once it was everywhere, one replica that restarts does not make the release undone."""
    if s.status.stable != s.wanted:
        return None
    counts = f"{s.wanted} at 100 %, warm on {len(s.serving)}/{s.seen.desired_replicas} replicas"
    missing = _missing(s)
    if missing and not _was_ready(s):
        return Ruling(s.status, Phase.PROMOTING, "Promoting", f"{counts}; waiting for {missing}", s.events)
    message = f"{counts}; {missing} not there yet" if missing else counts
    return Ruling(s.status, Phase.HEALTHY, "Promoted", message, s.events, IDLE_REQUEUE_SECONDS)


def _missing(s: Situation) -> str:
    routes = s.seen.routes
    if routes is None or routes.step != s.status.traffic_step or routes.canary is not None:
        return "the routes to be published"
    if not s.serving:
        return "the first replica"
    late = [one.name for one in replicas.holding_up(s.seen, s.status.stable)]
    return listed((*late, *laggards(s.seen)))


def _was_ready(s: Situation) -> bool:
    ready = next((one for one in s.status.conditions if one.type == "Ready"), None)
    return ready is not None and ready.status == "True" and ready.observed_generation == s.spec.generation
