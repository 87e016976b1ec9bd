"""How a version proved itself on each replica. The status keeps it, as the agent forgets it with the version."""

from dataclasses import replace

from rollout_operator.decide.artifact import signer
from rollout_operator.decide.release_lookup import find_metadata
from rollout_operator.decide.situation import Situation
from rollout_operator.documents.agent import VersionState, WarmupReport
from rollout_operator.documents.counters import MATRIX_LABELS
from rollout_operator.documents.status import UNVERIFIED, Attempt, WarmReplica

MAX_REPLICAS = 50  # of one try that are kept
MAX_LABEL = 64


def note_proofs(s: Situation) -> Situation:
    """Also keeps who signed the bytes, and the labels of stable, by which the two versions are compared."""
    attempt = s.status.attempt
    if attempt is None:
        return _note_late_proofs(s)
    known = {one.name: one for one in attempt.replicas}
    noted = _with_signer(s, _with_labels(s, _with_replicas(attempt, known | _proofs(s, attempt))))
    return s if noted == attempt else s.becomes(replace(s.status, attempt=noted))


def _note_late_proofs(s: Situation) -> Situation:
    """After a first install, and when replicas are added, some prove it after the try ended; what is written stays."""
    if not s.status.history or s.status.history[-1].release != s.status.stable:
        return s
    last = s.status.history[-1]
    known = {one.name: one for one in last.replicas}
    noted = _with_replicas(last, known | {name: one for name, one in _proofs(s, last).items() if name not in known})
    return s if noted == last else s.becomes(replace(s.status, history=(*s.status.history[:-1], noted)))


def _with_replicas(attempt: Attempt, found: dict[str, WarmReplica]) -> Attempt:
    return replace(attempt, replicas=tuple(found.values())[:MAX_REPLICAS])


def _with_labels(s: Situation, attempt: Attempt) -> Attempt:
    """Those of a model with a matrix; the pairs of a tally carry their names."""
    metadata = find_metadata(s.seen, attempt.stable) if attempt.stable and not attempt.labels else None
    if metadata is None or len(metadata.labels) > MATRIX_LABELS:
        return attempt
    return replace(attempt, labels=tuple(label[:MAX_LABEL] for label in metadata.labels))


def _with_signer(s: Situation, attempt: Attempt) -> Attempt:
    """As it is found now: a key may be retired during the try."""
    found = signer(s, attempt.release)
    if found:
        return replace(attempt, signed_by=found.signer, signed_key=found.key)
    told = any(one.state and one.state.of(attempt.release) for one in s.seen.replicas)
    return replace(attempt, signed_by="", signed_key=UNVERIFIED) if told else attempt


def _proofs(s: Situation, attempt: Attempt) -> dict[str, WarmReplica]:
    """By replica, of those where it is warm now."""
    reports = ((one.name, one.state.of(attempt.release)) for one in s.seen.replicas if one.state)
    return {
        name: _proof(name, report.warmup)
        for name, report in reports
        if report and report.state is VersionState.WARM and report.warmup
    }


def _proof(name: str, said: WarmupReport) -> WarmReplica:
    golden = f"{said.golden.matched}/{said.golden.total}"
    accepted = str(said.acceptance) if said.acceptance else ""
    return WarmReplica(name, said.p50_ms, said.p95_ms, said.iterations, said.settled, golden, accepted)
