"""Whether a gate is open: by any line of spec.approvals, or, with approvers configured, by a valid signature only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rollout_operator.approvals.approvers import Approvers
from rollout_operator.approvals.sshsig import parse_signature
from rollout_operator.approvals.wire import BadSignature
from rollout_operator.documents.codec import format_time
from rollout_operator.documents.spec import Approval, Spec
from rollout_operator.documents.status import UNVERIFIED
from rollout_operator.documents.step_kinds import Step

MAX_AHEAD_SECONDS = 60  # by so much the clock of the signer's machine may be ahead of the operator's
MAX_REFUSALS = 3
MAX_NAMES = 5


@dataclass(frozen=True)
class Opening:
    """`by`: who opened the gate; empty: it is closed, and `wait` says what for, in words that follow "waits for".

    `key`: the fingerprint of the key that signed; UNVERIFIED when no approvers are configured.
    """

    by: str = ""
    key: str = ""
    wait: str = ""

    @property
    def is_open(self) -> bool:
        """Somebody opened it."""
        return bool(self.by)


class _Refused(Exception):
    """This line does not open the gate; the message says why, and what to do."""


def find_opening(spec: Spec, step: Step, approvers: Approvers | None, began: int, now: int) -> Opening | None:
    """None: the step has no gate. `approvers`: None when none are configured. `began`: when the try began."""
    gate = step.kind.gate_name
    if not gate:
        return None
    lines = spec.approvals_of(step)
    if approvers is None:
        return Opening(lines[0].by, UNVERIFIED) if lines else Opening(wait=_line_wanted(spec, gate))
    if approvers.problem:
        return Opening(wait=f"the list of approvers, which cannot be used: {approvers.problem}")
    refusals = []
    for line in lines:
        try:
            return Opening(line.by, _verified(spec, line, approvers, began, now))
        except _Refused as error:
            refusals.append(f"{_name(spec, line)} does not open it: {error}")
    return Opening(wait="; ".join((_signature_wanted(gate, approvers), *_bounded(refusals))))


def _verified(spec: Spec, line: Approval, approvers: Approvers, began: int, now: int) -> str:
    """The fingerprint of the key that signed this line; raises _Refused."""
    again = f"run `kubectl modelrollout approve {spec.name} --gate {line.gate} --by NAME --sign KEY`"
    if not line.signature or not line.time:
        raise _Refused(f"it has no signature and time; {again}")
    try:
        signature = parse_signature(line.signature)
        key = signature.key
        owner = approvers.owner(key)
        if owner is None:
            raise _Refused(f"key {key.fingerprint} is none of {approvers.place}; have it added there, or {again}")
        signature.verify(spec.statement_of(line).content)
    except BadSignature as error:
        text = f"{spec.namespace}/{spec.name}, {spec.model} v{line.version}, these bytes, this gate and time"
        raise _Refused(f"its signature is not valid for {text}: {error}; {again}") from None
    if not owner.may_open(line.gate):
        gates = ", ".join(sorted(owner.gates))
        raise _Refused(f"{owner.name} may not open this gate, only {gates}")
    if line.by != owner.name:
        raise _Refused(f"{owner.name} signed it, so write by: {owner.name}")
    _check_time(line.time, began, now, again)
    return key.fingerprint


def _check_time(text: str, began: int, now: int, again: str) -> None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Refused(f"its time {text[:40]!r} is none; {again}") from None
    if moment.tzinfo is None:
        raise _Refused(f"its time {text[:40]!r} has no zone; {again}")
    if moment.timestamp() < began:
        raise _Refused(f"it was signed at {text}, before this try began at {format_time(began)}; {again}")
    if moment.timestamp() > now + MAX_AHEAD_SECONDS:
        raise _Refused(f"it was signed at {text}, which is in the future; set the clock of the signer, and {again}")


def _line_wanted(spec: Spec, gate: str) -> str:
    line = f"{{gate: {gate}, version: {spec.wanted.version}, digest: {spec.wanted.digest}, by: ...}}"
    return f"this line in spec.approvals: {line}"


def _signature_wanted(gate: str, approvers: Approvers) -> str:
    names = approvers.of_gate(gate)
    if not names:
        return f"an approver, but {approvers.place} lets nobody open {gate}; add the gate to somebody there"
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return (
        f"a signed approval (kubectl modelrollout approve --sign KEY) by one of: {', '.join(names[:MAX_NAMES])}{more}"
    )


def _name(spec: Spec, line: Approval) -> str:
    return f"spec.approvals[{spec.approvals.index(line)}] (by {line.by[:60]!r})"


def _bounded(refusals: list[str]) -> Iterator[str]:
    """The newest are last in the list, and first for people."""
    yield from reversed(refusals[-MAX_REFUSALS:])
