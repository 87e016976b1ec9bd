"""The words of /state, and the frozen values behind them."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    FETCHING = "Fetching"
    VERIFYING = "Verifying"
    LOADING = "Loading"
    WARMING = "Warming"
    WARM = "Warm"
    FAILED = "Failed"
    UNLOADING = "Unloading"


class Reason(StrEnum):
    FETCH_FAILED = "FetchFailed"
    DIGEST_MISMATCH = "DigestMismatch"
    BUNDLE_INVALID = "BundleInvalid"
    CONFIG_CHANGED = "ConfigChanged"
    VERSION_REUSED = "VersionReused"
    INSUFFICIENT_MEMORY = "InsufficientMemory"
    INSUFFICIENT_DISK = "InsufficientDisk"
    LOAD_FAILED = "LoadFailed"
    LOAD_TIMEOUT = "LoadTimeout"
    TRITON_DIED = "TritonDied"
    WARMUP_ERROR = "WarmupError"
    GOLDEN_MISMATCH = "GoldenMismatch"


# Time may mend these, so they are tried again; the others say something about the bundle, which stays as it is.
TRANSIENT = frozenset({Reason.FETCH_FAILED, Reason.INSUFFICIENT_MEMORY, Reason.INSUFFICIENT_DISK, Reason.LOAD_TIMEOUT})


class IndexState(StrEnum):
    """Triton's own words."""

    READY = "READY"
    LOADING = "LOADING"
    UNLOADING = "UNLOADING"
    UNAVAILABLE = "UNAVAILABLE"


class VersionFailed(Exception):
    """A version cannot be had or cannot be trusted here."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


@dataclass(frozen=True)
class Failure:
    """`retry_at_seconds`: when it is tried again (clock of the agent), None: not before the plan changes."""

    reason: Reason
    message: str
    retry_at_seconds: float | None = None
    count: int = 1


@dataclass(frozen=True)
class Proof:
    """How a version proved itself; latencies are those of the smallest batch size once it had settled."""

    p50_ms: float
    p95_ms: float
    iterations: int
    settled: bool
    golden_matched: int
    golden_total: int


@dataclass(frozen=True)
class Progress:
    """Of a fetch; once `complete` the bundle is being verified."""

    bytes: int = 0
    total_bytes: int | None = None
    complete: bool = False
