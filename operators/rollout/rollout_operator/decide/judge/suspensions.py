"""API pods suspend a canary when Triton dies under it, and send it no more requests.

The operator then takes the canary's traffic away everywhere, and gives it back once all replicas serve again: that one
Triton dies may be chance. The second suspension in one try counts against the canary.
"""

from dataclasses import replace

from rollout_operator.decide.acknowledgements import suspenders
from rollout_operator.decide.failures import reject
from rollout_operator.decide.situation import Event, Situation
from rollout_operator.documents.release import Release

MAX_SUSPENSIONS = 2


def judge_suspensions(s: Situation, canary: Release) -> Situation:
    """Each is counted once: while the published routes still give the canary traffic. The next ones do not."""
    attempt, routes, reported = s.status.attempt, s.seen.routes, suspenders(s.seen)
    if not reported or attempt is None:
        return s
    if routes is None or routes.canary is None or routes.canary.version != canary.version:
        return s
    pod, why = min(reported.items())
    message = f"{pod} suspended {canary}: {why}"
    counted = replace(attempt, suspensions=attempt.suspensions + 1)
    status = replace(s.status, attempt=counted)
    if counted.suspensions < MAX_SUSPENSIONS:
        waiting = f"{message}; it gets no traffic until all replicas serve again"
        return s.becomes(status, Event("CanarySuspended", waiting, warning=True))
    s = s.becomes(status)
    return reject(s, canary, "AnalysisFailed", f"{message}, for the second time", s.describe_step(), quarantine=True)
