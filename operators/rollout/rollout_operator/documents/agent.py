"""What an agent reports on GET /state, read without trust."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from rollout_operator.documents.codec import DOCUMENT, Digest, InvalidDocument, VersionNumber, read
from rollout_operator.documents.counters import MAX_LABELS
from rollout_operator.documents.release import Acceptance, Release

MAX_BYTES = 1 << 20


class VersionState(StrEnum):
    """What an agent is doing with a version, as `GET /state` reports it (docs/contracts.md)."""

    FETCHING = "Fetching"
    VERIFYING = "Verifying"
    LOADING = "Loading"
    WARMING = "Warming"
    WARM = "Warm"
    FAILED = "Failed"
    UNLOADING = "Unloading"


# Triton may hold it, or is about to.
HELD = frozenset({VersionState.LOADING, VersionState.WARMING, VersionState.WARM, VersionState.UNLOADING})


@dataclass(frozen=True)
class GoldenCount:
    """Golden outputs that matched, and how many there are."""

    matched: Annotated[int, Field(ge=0)] = 0
    total: Annotated[int, Field(ge=0)] = 0

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class AcceptedReport:
    """The acceptance set that the version passed there, and its right answers, of how many."""

    digest: Digest
    right: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0)]

    __pydantic_config__ = DOCUMENT

    def __str__(self) -> str:
        return f"{self.right}/{self.total}"


@dataclass(frozen=True)
class WarmupReport:
    """The end of warm-up: latencies in ms, requests made, and whether the latency became steady."""

    p50_ms: Annotated[float, Field(ge=0)] = 0
    p95_ms: Annotated[float, Field(ge=0)] = 0
    iterations: Annotated[int, Field(ge=0)] = 0
    settled: bool = False
    golden: GoldenCount = GoldenCount()
    acceptance: AcceptedReport | None = None

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class SignatureReport:
    """What the bundle's signature shows the agent now. `key`: fingerprint. `message`: why it is not verified."""

    verified: bool = False
    signer: Annotated[str, Field(max_length=253)] = ""
    key: Annotated[str, Field(max_length=128)] = ""
    message: str = ""

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class VersionReport:
    """`uri`, `labels`, `preprocessing`: None until the bundle is verified. `digest`: None when nobody knows it.

    `inputs`: what files the version is for; None: any. `input`, `output`: None for schemaVersion 1. `signature`: None
    where agents do not verify bundles. `acceptance`: the set that it has to pass.
    """

    version: VersionNumber
    digest: str | None
    state: VersionState
    role: str = ""
    uri: str | None = None
    reason: Annotated[str, Field(max_length=64)] | None = None
    message: str = ""
    labels: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_LABELS)] | None = None
    preprocessing: Mapping[str, Any] | None = None
    warmup: WarmupReport | None = None
    inputs: Mapping[str, Any] | None = None
    input: Mapping[str, Any] | None = None
    output: Mapping[str, Any] | None = None
    signature: SignatureReport | None = None
    acceptance: Acceptance | None = None

    __pydantic_config__ = DOCUMENT

    def is_of(self, release: Release) -> bool:
        """It is about this version with these bytes."""
        return (self.version, self.digest) == (release.version, release.digest)

    def has_passed(self, wanted: Acceptance | None) -> bool:
        """The version proved itself there by this acceptance set, too. An agent of an older release knows none."""
        passed = self.warmup.acceptance if self.warmup else None
        return wanted is None or (passed is not None and passed.digest == wanted.digest)


@dataclass(frozen=True)
class TritonReport:
    """`ended_answering`: whether it answered its health until it last ended; None: the agent does not know.

    `server_id`: of the process in which the versions are warm; empty: nobody knows.
    """

    ended_answering: bool | None = None
    server_id: Annotated[str, Field(max_length=128)] = ""

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class AgentState:
    """`id` and `revision` of the plan applied; None and 0 before the first. `rejected`: it sees another."""

    replica: str
    start_id: str = ""
    id: str | None = None
    revision: Annotated[int, Field(ge=0, lt=2**53)] = 0
    versions: tuple[VersionReport, ...] = ()
    rejected: Mapping[str, Any] | None = None
    triton: TritonReport = TritonReport()

    __pydantic_config__ = DOCUMENT

    def of(self, release: Release) -> VersionReport | None:
        """The report about this release; None when the agent has none."""
        return next((report for report in self.versions if report.is_of(release)), None)


def parse_agent_state(content: bytes) -> AgentState:
    """Raises InvalidDocument: an agent that reports nonsense counts as one that does not answer."""
    if len(content) > MAX_BYTES:
        raise InvalidDocument((f"the report has more than {MAX_BYTES} bytes, which are all that is read",))
    return read(AgentState, content)
