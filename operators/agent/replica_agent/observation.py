"""Everything that a decision depends on, as one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from replica_agent.actions import Job
from replica_agent.plan import Plan, Release, Role
from replica_agent.state import Failure, IndexState, Progress, Proof


@dataclass(frozen=True)
class Facts:
    """What a bundle says about itself, as far as decisions and reports need it."""

    config_sha256: str
    memory_bytes: int
    labels: tuple[str, ...]
    preprocessing: Mapping[str, Any]


@dataclass(frozen=True)
class Installed:
    """A version directory: the digest it was unpacked from."""

    digest: str
    facts: Facts


@dataclass(frozen=True)
class Observation:
    """Everything a decision depends on, at one moment.

    `index` is None while Triton cannot be asked. `proofs` and `loaded_here` hold for the present connection only.
    `failures` is keyed by Plan.attempt; `attempts` are those on disk whose end is not known. `pinned` is the version
    that config.pbtxt names. `stuck`: versions that do not finish unloading, because an inference in them hangs.
    `paused`: something went wrong a moment ago, or `index` is old.
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
    jobs: frozenset[Job] = frozenset()
    loaded_here: frozenset[int] = frozenset()
    fetching: Mapping[str, Progress] = field(default_factory=dict)
    stuck: frozenset[int] = frozenset()
    paused: bool = False
    now_seconds: float = 0.0

    @property
    def wanted(self) -> tuple[tuple[Role, Release], ...]:
        return self.plan.wanted(self.replica) if self.plan else ()

    def versions(self, *states: IndexState) -> frozenset[int]:
        return frozenset(version for version, state in (self.index or {}).items() if state in states)

    @property
    def loaded(self) -> frozenset[int]:
        return self.versions(IndexState.READY)

    def is_installed(self, release: Release) -> bool:
        found = self.installed.get(release.version)
        return found is not None and found.digest == release.digest

    def is_loaded(self, release: Release) -> bool:
        return release.version in self.loaded and self.is_installed(release)

    def is_warm(self, release: Release) -> bool:
        return self.is_loaded(release) and release.version in self.proofs

    def failure(self, release: Release) -> Failure | None:
        return self.failures.get(self.plan.attempt(release)) if self.plan else None

    def is_blocked(self, role: Role, release: Release) -> bool:
        """It failed, and is not to be tried again yet. Stable always is, in time: nothing else can help."""
        failure = self.failure(release)
        if failure is None:
            return False
        if failure.retry_at_seconds is None:
            return role is not Role.STABLE
        return self.now_seconds < failure.retry_at_seconds

    def has_failed_for_good(self, release: Release) -> bool:
        failure = self.failure(release)
        return failure is not None and failure.retry_at_seconds is None

    def facts(self, release: Release) -> Facts | None:
        if self.is_installed(release):
            return self.installed[release.version].facts
        return self.bundles.get(release.digest)
