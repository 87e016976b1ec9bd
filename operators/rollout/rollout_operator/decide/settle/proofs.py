"""How a version proved itself on each replica: its agent forgets it when the version goes."""

from dataclasses import replace

from rollout_operator.decide.release_lookup import find_card
from rollout_operator.decide.situation import Situation
from rollout_operator.documents.agent import VersionState, WarmupReport
from rollout_operator.documents.status import Try, WarmReplica

REPLICAS_MAX = 50  # of one try that are kept
LABEL_MAX = 64


def note_proofs(s: Situation) -> Situation:
    """With the labels of the version beside it, by which the two are compared."""
    trial = s.status.trial
    if trial is None:
        return _note_late_proofs(s)
    known = {one.name: one for one in trial.replicas}
    noted = _with_labels(s, _with_replicas(trial, known | _proofs(s, trial)))
    return s if noted == trial else s.becomes(replace(s.status, trial=noted))


def _note_late_proofs(s: Situation) -> Situation:
    """After a first install, and when replicas are added, some prove it after the try ended; what is written stays."""
    if not s.status.history or s.status.history[-1].release != s.status.stable:
        return s
    last = s.status.history[-1]
    known = {one.name: one for one in last.replicas}
    noted = _with_replicas(last, known | {name: one for name, one in _proofs(s, last).items() if name not in known})
    return s if noted == last else s.becomes(replace(s.status, history=(*s.status.history[:-1], noted)))


def _with_replicas(trial: Try, found: dict[str, WarmReplica]) -> Try:
    return replace(trial, replicas=tuple(found.values())[:REPLICAS_MAX])


def _with_labels(s: Situation, trial: Try) -> Try:
    card = find_card(s.seen, trial.stable) if trial.stable and not trial.labels else None
    return replace(trial, labels=tuple(label[:LABEL_MAX] for label in card.labels)) if card else trial


def _proofs(s: Situation, trial: Try) -> dict[str, WarmReplica]:
    """By replica, of those where it is warm now."""
    reports = ((one.name, one.state.of(trial.release)) for one in s.seen.replicas if one.state)
    return {
        name: _proof(name, report.warmup)
        for name, report in reports
        if report and report.state is VersionState.WARM and report.warmup
    }


def _proof(name: str, said: WarmupReport) -> WarmReplica:
    golden = f"{said.golden.matched}/{said.golden.total}"
    return WarmReplica(name, said.p50_ms, said.p95_ms, said.iterations, said.settled, golden)
