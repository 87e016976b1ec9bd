"""Deaths of Triton that were not the version's: an agent cannot tell, and gives a version up after two of them."""

from rollout_operator.decide.losses import was_ended_from_outside
from rollout_operator.decide.situation import Situation
from rollout_operator.documents.agent import VersionReport, VersionState
from rollout_operator.documents.observation import Replica
from rollout_operator.documents.release import Release

MAX_RETRIES = 2
TRITON_DIED = "TritonDied"


def is_excused(s: Situation, one: Replica, report: VersionReport) -> bool:
    """It was given up there because somebody ended Triton from outside, and may be tried anew, or is about to be."""
    if report.state is not VersionState.FAILED or report.reason != TRITON_DIED or not was_ended_from_outside(one):
        return False
    return not _obeys(s, one) or _retries(s, Release(report.version, report.digest or "", "")) < MAX_RETRIES


def next_retry(s: Situation, release: Release) -> int | None:
    """What the plan says next: one more than now, once an agent that obeys it gave the version up without its fault."""
    now = _retries(s, release)
    given_up = any(
        one.state and (report := one.state.of(release)) and _obeys(s, one) and is_excused(s, one, report)
        for one in s.seen.live_replicas
    )
    return now + given_up or None


def _obeys(s: Situation, one: Replica) -> bool:
    return s.seen.plan is not None and one.state is not None and one.state.id == s.seen.plan.id


def _retries(s: Situation, release: Release) -> int:
    planned = s.seen.plan.canary if s.seen.plan else None
    is_same = planned is not None and (planned.version, planned.digest) == (release.version, release.digest)
    return (planned.retry or 0) if planned and is_same else 0
