"""Who signed the bytes, as the agents found: for the condition ArtifactVerified, and for the record of a try."""

from collections.abc import Iterator
from dataclasses import dataclass

from rollout_operator.decide.situation import Situation
from rollout_operator.documents.agent import SignatureReport
from rollout_operator.documents.release import Release

REFUSED = "SignatureRefused"
SHOWN = 16  # digits of a fingerprint


@dataclass(frozen=True)
class Artifact:
    """Status, reason and message of the condition."""

    status: str
    reason: str
    message: str


def verified_artifact(s: Situation) -> Artifact | None:
    """Of a version that was refused for it, else of the canary, else of stable; None: no agent has told of it."""
    failure = s.status.last_failure
    if failure and failure.reason == REFUSED and failure.release == s.wanted:
        return Artifact("False", REFUSED, f"{failure.release}: {failure.message}")
    release = s.status.canary or s.status.stable
    return _of(s, release) if release else None


def _of(s: Situation, release: Release) -> Artifact | None:
    told = list(_reports(s, release))
    bad = next(((name, one) for name, one in told if one and not one.verified), None)
    good = next((one for _, one in told if one), None)
    if bad:
        return Artifact("False", "Unsigned", f"{release} on {bad[0]}: {bad[1].message}")
    if good:
        return Artifact("True", "Signed", f"{release} is signed by {good.signer}, key {good.key[:SHOWN]}")
    return Artifact("Unknown", "VerificationOff", "agents do not check who signed bundles") if told else None


def signer(s: Situation, release: Release) -> SignatureReport | None:
    """What shows who signed it, where every agent that told of it found it good."""
    told = [one for _, one in _reports(s, release)]
    return told[0] if told and all(one and one.verified for one in told) else None


def _reports(s: Situation, release: Release) -> Iterator[tuple[str, SignatureReport | None]]:
    """By replica, in the order of their names."""
    for one in sorted(s.seen.replicas, key=lambda replica: replica.name):
        report = one.state.of(release) if one.state else None
        if report:
            yield one.name, report.signature
