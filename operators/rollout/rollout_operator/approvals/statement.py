"""What an approver signs: one gate of one rollout, for one version and its bytes, at one time."""

import json
from dataclasses import dataclass

from rollout_operator.approvals.sshsig import NAMESPACE


@dataclass(frozen=True)
class Statement:
    """`namespace`, `rollout`: of the ModelRollout. `time`: RFC 3339, as the entry in spec.approvals has it."""

    namespace: str
    rollout: str
    model: str
    version: int
    digest: str
    gate: str
    time: str

    @property
    def content(self) -> bytes:
        """The signed bytes: canonical JSON (sorted keys, no blanks, ASCII), without a line end."""
        document = {
            "approval": NAMESPACE,
            "namespace": self.namespace,
            "rollout": self.rollout,
            "model": self.model,
            "version": self.version,
            "digest": self.digest,
            "gate": self.gate,
            "time": self.time,
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
