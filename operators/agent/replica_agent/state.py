"""The words of /state, and the frozen values behind them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """Where a version is on this replica."""

    FETCHING = "Fetching"
    VERIFYING = "Verifying"
    LOADING = "Loading"
    WARMING = "Warming"
    WARM = "Warm"
    FAILED = "Failed"
    UNLOADING = "Unloading"


class Reason(StrEnum):
    """Why a version failed; docs/runbook.md says what to do about each."""

    FETCH_FAILED = "FetchFailed"
    SIGNATURE_REFUSED = "SignatureRefused"
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
    ACCEPTANCE_INVALID = "AcceptanceInvalid"
    ACCEPTANCE_FAILED = "AcceptanceFailed"


# These may pass with time, so they are tried again; the others say something about the bundle, which does not change.
# A signature may be put beside the bundle later, and a key into the list of signers.
TRANSIENT = frozenset(
    {
        Reason.FETCH_FAILED,
        Reason.SIGNATURE_REFUSED,
        Reason.INSUFFICIENT_MEMORY,
        Reason.INSUFFICIENT_DISK,
        Reason.LOAD_TIMEOUT,
    }
)


class IndexState(StrEnum):
    """The state of a version in Triton's repository index, in Triton's words."""

    READY = "READY"
    LOADING = "LOADING"
    UNLOADING = "UNLOADING"
    UNAVAILABLE = "UNAVAILABLE"


class VersionFailed(Exception):
    """A version cannot be fetched, loaded or proved on this replica."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


@dataclass(frozen=True)
class Failure:
    """`retry_at_seconds`: when it is tried again, on the agent's clock; None: not before the plan changes."""

    reason: Reason
    message: str
    retry_at_seconds: float | None = None
    count: int = 1


@dataclass(frozen=True)
class Accepted:
    """A version passed the acceptance set `digest`: `right` of `total` answers, which are enough."""

    digest: str
    right: int
    total: int


@dataclass(frozen=True)
class Proof:
    """How a version was proved. Latencies are those of the last batches of the smallest size.

    `accepted`: by the hospital's acceptance set; None where the plan named none.
    """

    p50_ms: float
    p95_ms: float
    iterations: int
    settled: bool
    golden_matched: int
    golden_total: int
    accepted: Accepted | None = None


@dataclass(frozen=True)
class Progress:
    """Progress of a fetch; once `complete` the bundle is being verified."""

    bytes: int = 0
    total_bytes: int | None = None
    complete: bool = False


@dataclass(frozen=True)
class Signature:
    """Who signed a bundle, or the `problem` for which nobody counts as its signer.

    `key`: fingerprint of the key. `until`: when the certificate of the signer ends; None: the signature has no end.
    """

    signer: str = ""
    key: str = ""
    until: datetime | None = None
    problem: str = ""
