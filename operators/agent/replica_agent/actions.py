"""What the agent can do. `decide` picks one action at a time; the jobs among them take longer than one turn."""

from dataclasses import dataclass

from replica_agent.plan import Release
from replica_agent.state import Reason


@dataclass(frozen=True)
class Fetch:
    """Fetch the bundle of `release` into the cache, and verify it."""

    release: Release


@dataclass(frozen=True)
class FindSignature:
    """Look for a signature of `release` that shows who signed it."""

    release: Release


@dataclass(frozen=True)
class FetchSet(Fetch):
    """Fetch the acceptance set of `release` into the cache."""


@dataclass(frozen=True)
class Install:
    """Unpack the cached bundle of `release` into Triton's model repository."""

    release: Release


@dataclass(frozen=True)
class Load:
    """Load `release`; `versions` is the whole version policy, with what is loaded already."""

    release: Release
    versions: tuple[int, ...]


@dataclass(frozen=True)
class Prove:
    """Check golden outputs and warm up. `paced`: requests may be served from this replica meanwhile."""

    release: Release
    paced: bool


@dataclass(frozen=True)
class Drop:
    """Load again with a version policy of `versions` only."""

    versions: tuple[int, ...]


@dataclass(frozen=True)
class Pin:
    """Write config.pbtxt with a version policy of this one version."""

    version: int


@dataclass(frozen=True)
class Discard:
    """Delete cached bundles, version directories and acceptance sets."""

    digests: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()
    sets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cancel:
    """Stop a job that the plan no longer wants."""

    job: "Job"


@dataclass(frozen=True)
class Fail:
    """Record that `release` failed, without a job."""

    release: Release
    reason: Reason
    message: str


@dataclass(frozen=True)
class TryAgain:
    """Triton died during an attempt of `release`. Record that, and begin once more."""

    release: Release


@dataclass(frozen=True)
class Wait:
    """Nothing more can be decided until Triton has answered."""


# Beside these Triton is used as ever.
BACKGROUND = Fetch | FindSignature
Job = Fetch | FindSignature | Install | Load | Prove | Drop
Action = Job | Pin | Discard | Cancel | Fail | TryAgain | Wait
