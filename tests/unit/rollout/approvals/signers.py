"""People with keys, the list that names them, and approvals that they sign."""

from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rollout_operator.approvals.approvers import Approvers, parse_approvers
from rollout_operator.approvals.sshsig import sign
from rollout_operator.documents.codec import format_time
from rollout_operator.documents.spec import Approval, Spec

from tests.unit.rollout.specs import digest

GATE, PLACE = "clinical-signoff", "ConfigMap trust/approvers"


@dataclass(frozen=True)
class Signer:
    name: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public(self) -> str:
        return self.key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    def approves(self, spec: Spec, seconds: float, version: int = 2, gate: str = GATE, by: str = "") -> Approval:
        """A good one, of the bytes that `spec` has for this version, signed at `seconds` since 1970."""
        line = Approval(gate, version, digest(version), by or self.name, format_time(int(seconds)))
        return replace(line, signature=sign(self.key, spec.statement_of(line).content))


JANE, TOM, MALLORY = Signer("jane"), Signer("tom"), Signer("mallory")


def listed(*entries: tuple[Signer, str]) -> Approvers:
    """Each with the one gate that the person may open."""
    lines = [f"  - {{name: {one.name}, keys: [{one.public!r}], gates: ['{gate}']}}" for one, gate in entries]
    return parse_approvers("\n".join(("approvers:", *lines)), PLACE)


APPROVERS = listed((JANE, GATE), (TOM, "ethics"))
