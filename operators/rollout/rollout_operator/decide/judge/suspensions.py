"""API pods suspend a canary when Triton dies under it, and send it no more requests.

The operator then takes the canary's traffic away everywhere, and gives it back once all replicas serve again: that one
Triton dies may be chance. By then the pods show how it ended. What the cluster did counts for nothing; the second
suspension in one try that may be the canary's doing counts against it.
"""

from dataclasses import replace

from rollout_operator.decide.acknowledgements import suspenders
from rollout_operator.decide.failures import reject
from rollout_operator.decide.losses import are_all_the_clusters
from rollout_operator.decide.situation import Event, Situation
from rollout_operator.decide.waits import before_any_traffic
from rollout_operator.documents.release import Release
from rollout_operator.documents.routes import Routes
from rollout_operator.documents.status import Attempt, Suspension

MAX_SUSPENSIONS = 2


def judge_suspensions(s: Situation, canary: Release) -> Situation:
    """Each is looked at once when it begins, and judged once when the canary may have traffic again."""
    attempt = s.status.attempt
    if attempt is None:
        return s
    if attempt.suspension is None:
        return _begin(s, canary, attempt)
    return s if before_any_traffic(s) else _end(s, canary, attempt, attempt.suspension)


def _begin(s: Situation, canary: Release, attempt: Attempt) -> Situation:
    """Only while the published routes still give the canary traffic. The next ones do not."""
    routes, reported = s.seen.routes, suspenders(s.seen)
    if not reported or routes is None or routes.canary is None or routes.canary.version != canary.version:
        return s
    pod, why = min(reported.items())
    message = f"{pod} suspended {canary}: {why}"
    suspension = Suspension(message, _instances(routes, canary))
    waiting = f"{message}; it gets no traffic until all replicas serve again"
    status = replace(s.status, attempt=replace(attempt, suspension=suspension))
    return s.becomes(status, Event("CanarySuspended", waiting, warning=True))


def _end(s: Situation, canary: Release, attempt: Attempt, suspension: Suspension) -> Situation:
    if are_all_the_clusters(s.seen, suspension.instances):
        return s.becomes(replace(s.status, attempt=replace(attempt, suspension=None)))
    counted = replace(attempt, suspension=None, suspensions=attempt.suspensions + 1)
    s = s.becomes(replace(s.status, attempt=counted))
    if counted.suspensions < MAX_SUSPENSIONS:
        return s
    message = f"{suspension.message}, for the second time"
    return reject(s, canary, "AnalysisFailed", message, s.describe_step(), quarantine=True)


def _instances(routes: Routes, canary: Release) -> tuple[str, ...]:
    """Where it was served: pod and container of each replica."""
    held = (one.instance for one in routes.replicas if canary.version in one.versions)
    return tuple(instance for instance in held if instance)
