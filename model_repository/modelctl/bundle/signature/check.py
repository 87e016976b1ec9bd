"""Whether a signature shows that a trusted signer signed this bundle. Pure: bytes, signers and the time come in."""

from dataclasses import dataclass
from datetime import datetime

from modelctl.bundle.errors import BadSignature
from modelctl.bundle.signature import certificates, envelope, statement
from modelctl.bundle.signature.envelope import Envelope
from modelctl.bundle.signature.keys import SHOWN, PublicKey
from modelctl.bundle.signature.signers import Signer, Signers

SUFFIX = ".sig"  # behind the bundle's address: where its signature lies


@dataclass(frozen=True)
class Signed:
    """`signer`: the name in the list. `key`: fingerprint of the key. `until`: when its certificate ends."""

    signer: str
    key: str
    until: datetime | None = None

    def __str__(self) -> str:
        return f"{self.signer}, key {self.key[:SHOWN]}"


@dataclass(frozen=True)
class _Candidate:
    """One to whom the envelope points, and the key with which the signature must hold."""

    signer: Signer
    key: PublicKey
    until: datetime | None = None


def check(signature: bytes, digest: str, model: str | None, signers: Signers, now: datetime) -> Signed:
    """Raises BadSignature with the reason, in which nothing but the list of signers is believed.

    `digest`: `sha256:<hex>` of the bundle. `model`: whose bundle it is; None when any may sign it.
    """
    if signers.problem:
        raise BadSignature(f"nobody is trusted: {signers.problem}")
    found = envelope.parse(signature)
    candidate = _by_certificate(found, signers, now) if found.certificates else _by_key(found, signers)
    candidate.key.check(found.signature, envelope.signed_bytes(found.payload))
    signed = statement.signed_digest(found.payload)
    if signed != digest:
        raise BadSignature(f"the signature is for another bundle, with digest {signed}; sign this one")
    if model is not None and not candidate.signer.may_sign(model):
        raise BadSignature(f"{candidate.signer.name} may not sign bundles of {model}, says {signers.place}")
    return Signed(candidate.signer.name, candidate.key.fingerprint, candidate.until)


def _by_key(found: Envelope, signers: Signers) -> _Candidate:
    known = [_Candidate(signer, key) for signer in signers.everybody for key in signer.keys]
    named = [one for one in known if one.key.fingerprint == found.hint]
    if named:
        return named[0]
    said = f"with the key {ascii(found.hint[:SHOWN])[1:-1]}" if found.hint else "and names no key"
    raise BadSignature(f"the bundle is signed {said}, which is none of those in {signers.place}")


def _by_certificate(found: Envelope, signers: Signers, now: datetime) -> _Candidate:
    subject = certificates.subject_of(found.certificates)
    named = [signer for signer in signers.everybody if subject in signer.subjects]
    if not named:
        raise BadSignature(f"the certificate of {ascii(subject)[1:-1][:200]} is none of those in {signers.place}")
    problems = []
    for signer in named:
        try:
            holder = certificates.holder(found.certificates, signer.authorities, now)
        except BadSignature as problem:
            problems.append(problem)
        else:
            return _Candidate(signer, holder.key, holder.until)
    raise problems[0]
