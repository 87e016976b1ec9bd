"""Everything that a decision depends on, as one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from replica_agent.actions import Job
from replica_agent.plan import Plan, Release, Role
from replica_agent.state import Failure, IndexState, Progress, Proof, Signature


@dataclass(frozen=True)
class Facts:
    """What decisions and reports need of a bundle's model.json.

    `input`, `output`: of its contract, without the labels; None for a bundle of schemaVersion 1. `inputs`: what
    files it is for; None: any.
    """

    config_sha256: str
    memory_bytes: int
    labels: tuple[str, ...]
    preprocessing: Mapping[str, Any]
    input: Mapping[str, Any] | None = None
    output: Mapping[str, Any] | None = None
    inputs: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Installed:
    """A version directory, and the digest of the bundle that was unpacked into it."""

    digest: str
    facts: Facts


@dataclass(frozen=True)
class Observation:
    """Everything a decision depends on, at one moment.

    `live`: the plan was read from its source since the agent started. `bundles`, `signatures` and `fetching` are keyed
    by digest, `installed`, `index` and `proofs` by version, `failures` by Plan.attempt. `attempts` are those on disk
    whose end is not known; `deaths` counts how often Triton died during one, by the same names. `pinned` is the version
    that config.pbtxt names. `index` is None while Triton cannot be asked. `proofs` and `loaded_here` hold for the
    current connection only. `stuck`: versions that do not finish unloading, because an inference in them hangs.
    `paused`: a job failed unexpectedly a moment ago, or `index` is old. `signatures` is empty where bundles are not
    verified; `signatures_due`: digests whose signature may be looked for now. `sets`: digests
    of the acceptance sets that are here.
    """

    replica: str
    plan: Plan | None = None
    live: bool = False
    bundles: Mapping[str, Facts] = field(default_factory=dict)
    installed: Mapping[int, Installed] = field(default_factory=dict)
    pinned: int | None = None
    index: Mapping[int, IndexState] | None = None
    proofs: Mapping[int, Proof] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)
    attempts: frozenset[str] = frozenset()
    deaths: Mapping[str, int] = field(default_factory=dict)
    jobs: frozenset[Job] = frozenset()
    loaded_here: frozenset[int] = frozenset()
    sets: frozenset[str] = frozenset()
    fetching: Mapping[str, Progress] = field(default_factory=dict)
    stuck: frozenset[int] = frozenset()
    signatures: Mapping[str, Signature] = field(default_factory=dict)
    signatures_due: frozenset[str] = frozenset()
    paused: bool = False
    now_seconds: float = 0.0

    @property
    def wanted(self) -> tuple[tuple[Role, Release], ...]:
        """What the plan wants on this replica, in the order in which it is loaded."""
        return self.plan.wanted(self.replica) if self.plan else ()

    def versions(self, *states: IndexState) -> frozenset[int]:
        """The versions that Triton has in one of `states`."""
        return frozenset(version for version, state in (self.index or {}).items() if state in states)

    @property
    def loaded(self) -> frozenset[int]:
        """The versions that Triton can serve."""
        return self.versions(IndexState.READY)

    def is_installed(self, release: Release) -> bool:
        """Its version directory holds exactly these bytes."""
        found = self.installed.get(release.version)
        return found is not None and found.digest == release.digest

    def is_loaded(self, release: Release) -> bool:
        """Triton can serve exactly these bytes."""
        return release.version in self.loaded and self.is_installed(release)

    def is_warm(self, release: Release) -> bool:
        """It is loaded, and proved on the current connection, also by the acceptance set that the plan names now."""
        proof = self.proofs.get(release.version)
        if proof is None or not self.is_loaded(release):
            return False
        wanted, accepted = release.acceptance, proof.accepted
        return wanted is None or (accepted is not None and accepted.digest == wanted.digest)

    def lacks_set(self, release: Release) -> bool:
        """Its acceptance set is not here."""
        return release.acceptance is not None and release.acceptance.digest not in self.sets

    def failure(self, release: Release) -> Failure | None:
        """How its last attempt under this plan failed."""
        return self.failures.get(self.plan.attempt(release)) if self.plan else None

    def deaths_of(self, release: Release) -> int:
        """How often Triton died while it was loaded or warmed under this plan, since it was last proved here."""
        return self.deaths.get(self.plan.attempt(release), 0) if self.plan else 0

    def is_blocked(self, role: Role, release: Release) -> bool:
        """It failed and is not tried again yet. Stable is always tried again after a pause: nothing else can help."""
        failure = self.failure(release)
        if failure is None:
            return False
        if failure.retry_at_seconds is None:
            return role is not Role.STABLE
        return self.now_seconds < failure.retry_at_seconds

    def has_failed_for_good(self, release: Release) -> bool:
        """It failed, and only another plan clears that."""
        failure = self.failure(release)
        return failure is not None and failure.retry_at_seconds is None

    def facts(self, release: Release) -> Facts | None:
        """From its version directory or the cache; None when it is in neither."""
        if self.is_installed(release):
            return self.installed[release.version].facts
        return self.bundles.get(release.digest)
