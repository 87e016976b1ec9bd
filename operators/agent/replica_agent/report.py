"""What /state reports, derived from the same observation as the decisions."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from replica_agent.actions import BACKGROUND, Prove
from replica_agent.observation import Facts, Observation
from replica_agent.plan import Acceptance, Release, Role
from replica_agent.plan_source import Refusal
from replica_agent.state import IndexState, Progress, Proof, Reason, Signature, State

Json = dict[str, Any]


@dataclass(frozen=True)
class VersionReport:
    """One version on this replica; the fields are those of /state in docs/contracts.md.

    `signature`: None where bundles are not verified.
    """

    version: int
    digest: str
    role: Role
    state: State
    reason: Reason | None = None
    message: str = ""
    progress: Progress | None = None
    proof: Proof | None = None
    uri: str | None = None
    facts: Facts | None = None
    deaths: int = 0
    signature: Signature | None = None
    acceptance: Acceptance | None = None


def report_versions(seen: Observation) -> tuple[VersionReport, ...]:
    """An entry for each version that the plan wants here, then one for each that is still loaded without it."""
    wanted = [_report(seen, role, release) for role, release in seen.wanted]
    held = {release.version for _, release in seen.wanted if seen.is_installed(release)}
    others = sorted(seen.versions(IndexState.READY, IndexState.LOADING, IndexState.UNLOADING) - held)
    return (*wanted, *(_report_stray(seen, version) for version in others))


def is_ready(seen: Observation) -> bool:
    """Stable is warm here, or the canary of a first install, which has no stable. Any other canary does not count."""
    first = next(iter(seen.wanted), None)
    return first is not None and first[0] in (Role.STABLE, Role.CANARY) and seen.is_warm(first[1])


def to_document(version: VersionReport) -> Json:
    """One entry of /state's `versions`."""
    progress, proof, facts = version.progress, version.proof, version.facts
    return {
        "version": version.version,
        "digest": version.digest,
        "uri": version.uri,
        "labels": facts and list(facts.labels),
        "preprocessing": facts and facts.preprocessing,
        "input": facts and facts.input,
        "output": facts and facts.output,
        "inputs": facts and facts.inputs,
        "role": version.role.value,
        "state": version.state.value,
        "reason": version.reason and version.reason.value,
        "message": version.message,
        "deaths": version.deaths,
        "signature": version.signature and _signature_to_document(version.signature),
        "acceptance": version.acceptance and version.acceptance.model_dump(mode="json"),
        "progress": progress and {"bytes": progress.bytes, "totalBytes": progress.total_bytes},
        "warmup": proof
        and {
            "p50Ms": round(proof.p50_ms, 3),
            "p95Ms": round(proof.p95_ms, 3),
            "iterations": proof.iterations,
            "settled": proof.settled,
            "golden": {"matched": proof.golden_matched, "total": proof.golden_total},
            "acceptance": proof.accepted and asdict(proof.accepted),
        },
    }


def _signature_to_document(signature: Signature) -> Json:
    return {
        "verified": not signature.problem,
        "signer": signature.signer,
        "key": signature.key,
        "until": signature.until and signature.until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "message": signature.problem,
    }


def refusal_to_document(refusal: Refusal | None) -> Json | None:
    """/state's `rejected`."""
    return {"id": refusal.id, "reason": refusal.reason} if refusal else None


def _report(seen: Observation, role: Role, release: Release) -> VersionReport:
    """Once a bundle was verified, its labels, preprocessing and address are reported whatever happened after."""
    facts = seen.facts(release)
    uri = release.uri if facts else None
    found, signature = _state_of(seen, role, release), seen.signatures.get(release.digest)
    known = replace(found, uri=uri, facts=facts, deaths=seen.deaths_of(release), signature=signature)
    return replace(known, acceptance=release.acceptance)


def _state_of(seen: Observation, role: Role, release: Release) -> VersionReport:
    failure = seen.failure(release)
    progress = seen.fetching.get(release.digest)
    if seen.is_warm(release):
        return VersionReport(release.version, release.digest, role, State.WARM, proof=seen.proofs[release.version])
    if failure and seen.is_blocked(role, release):
        return VersionReport(release.version, release.digest, role, State.FAILED, failure.reason, failure.message)
    state, message = _under_way(seen, role, release)
    if seen.deaths_of(release):
        message = message or "second try: Triton died during the first"
    return VersionReport(release.version, release.digest, role, state, message=message, progress=progress)


def _under_way(seen: Observation, role: Role, release: Release) -> tuple[State, str]:
    progress = seen.fetching.get(release.digest)
    if progress or seen.facts(release) is None:
        return (State.VERIFYING if progress and progress.complete else State.FETCHING), ""
    if seen.lacks_set(release):
        return State.FETCHING, "fetches the acceptance set"
    proving = any(isinstance(job, Prove) and job.release == release for job in seen.jobs)
    if proving or seen.is_loaded(release):
        return State.WARMING, ""
    return State.LOADING, _waits_for(seen, role)


def _waits_for(seen: Observation, role: Role) -> str:
    stable = seen.plan.stable if seen.plan else None
    if seen.index is None:
        return "waits for Triton"
    if role is not Role.STABLE and stable and not seen.is_warm(stable):
        return f"waits until stable version {stable.version} is warm"
    if any(not isinstance(job, BACKGROUND) for job in seen.jobs):
        return ""
    return "waits until at most one other version is loaded" if len(seen.loaded) > 1 else ""


def _report_stray(seen: Observation, version: int) -> VersionReport:
    installed = seen.installed.get(version)
    digest, facts = (installed.digest, installed.facts) if installed else ("", None)
    if version in seen.proofs:
        return VersionReport(version, digest, Role.NONE, State.WARM, proof=seen.proofs[version], facts=facts)
    message = "an inference in it does not end; restart Triton to unload it" if version in seen.stuck else ""
    return VersionReport(version, digest, Role.NONE, State.UNLOADING, message=message, facts=facts)
