"""One moment of the replica, which the endpoints answer from, and the log of what changed since the last one."""

import logging
from dataclasses import dataclass
from typing import Any

from replica_agent.plan_source import Followed
from replica_agent.report import VersionReport
from replica_agent.state import Signature, State

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """`ready`: stable is warm here. `triton_ready`: Triton can be asked. `triton_ended_answering`: see Vitals.

    `server_id`: of the process of Triton in which the versions are warm; empty: it has none of its own.
    """

    followed: Followed
    versions: tuple[VersionReport, ...] = ()
    ready: bool = False
    triton_ready: bool = False
    triton_restarts: int = 0
    triton_ended_answering: bool | None = None
    server_id: str = ""

    @property
    def triton(self) -> dict[str, Any]:
        """/state's `triton`."""
        return {
            "ready": self.triton_ready,
            "restarts": self.triton_restarts,
            "endedAnswering": self.triton_ended_answering,
            "serverId": self.server_id,
        }


def log_transitions(before: Snapshot, after: Snapshot) -> None:
    """Logs each version whose state, reason, role or signature changed, a refused plan, and a change of readiness."""
    known = {(entry.version, entry.digest): _logged_state(entry) for entry in before.versions}
    for entry in after.versions:
        if known.get((entry.version, entry.digest)) != _logged_state(entry):
            is_bad = entry.state is State.FAILED or (entry.signature is not None and entry.signature.problem)
            level = logging.WARNING if is_bad else logging.INFO
            log.log(level, "version", extra=_describe(entry))
    rejected = after.followed.rejected
    if rejected and rejected != before.followed.rejected:
        log.warning("plan rejected", extra={"plan_id": rejected.id, "reason": rejected.reason})
    if before.ready != after.ready:
        log.info("ready" if after.ready else "not ready")


def _logged_state(entry: VersionReport) -> tuple[object, ...]:
    return entry.state, entry.reason, entry.role, entry.signature


def _describe(entry: VersionReport) -> dict[str, Any]:
    return {
        "version": entry.version,
        "digest": entry.digest,
        "role": entry.role.value,
        "state": entry.state.value,
        "reason": entry.reason and entry.reason.value,
        "detail": entry.message,
        **_describe_signature(entry.signature),
    }


def _describe_signature(signature: Signature | None) -> dict[str, str]:
    if signature is None:
        return {}
    if signature.problem:
        return {"unverified": signature.problem}
    return {"signer": signature.signer, "key": signature.key}
