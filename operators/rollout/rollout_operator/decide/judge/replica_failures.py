"""What agents say that went wrong with the canary. The first failure anywhere ends the rollout everywhere."""

from rollout_operator.decide.failures import ALWAYS_QUARANTINED, QUARANTINED_BY_TWO, TRANSIENT, reject
from rollout_operator.decide.judge.retries import is_excused
from rollout_operator.decide.situation import Situation
from rollout_operator.documents.agent import VersionReport, VersionState
from rollout_operator.documents.observation import Replica
from rollout_operator.documents.release import Release


def judge_replica_failures(s: Situation, canary: Release) -> Situation:
    """Rejects the canary on the first failure that lasts. On a first install it waits until no replica can succeed."""
    failed = failures_of(s, canary)
    if not failed or (s.status.stable is None and not _is_hopeless(s, failed)):
        return s
    location, report = failed[0]
    return reject(s, canary, report.reason or "LoadFailed", report.message, location, _quarantines(s, failed))


def failures_of(s: Situation, release: Release) -> list[tuple[str, VersionReport]]:
    """(replica, report) of the live replicas where it failed for good; what says most about the bytes first."""
    found = [
        (one, report)
        for one in s.seen.live_replicas
        if one.state and (report := one.state.of(release)) and report.state is VersionState.FAILED
    ]
    lasting = [(one.name, report) for one, report in found if not _passes(s, one, report)]
    return sorted(lasting, key=lambda pair: (pair[1].reason in QUARANTINED_BY_TWO, pair[0]))


def _passes(s: Situation, one: Replica, report: VersionReport) -> bool:
    return report.reason in TRANSIENT or is_excused(s, one, report)


def _is_hopeless(s: Situation, failed: list[tuple[str, VersionReport]]) -> bool:
    """On a first install a replica may fail alone, while another makes the canary stable."""
    return failed[0][1].reason not in QUARANTINED_BY_TWO or len(failed) >= min(2, len(s.seen.live_replicas))


def _quarantines(s: Situation, failed: list[tuple[str, VersionReport]]) -> bool:
    if any(report.reason in ALWAYS_QUARANTINED for _, report in failed):
        return True
    alike = [name for name, report in failed if report.reason in QUARANTINED_BY_TWO]
    return len(alike) >= 2 or (len(alike) == 1 and len(s.serving) <= 1)
