"""What the agent can do; decide picks one of these at a time."""

from dataclasses import dataclass

from replica_agent.plan import Release
from replica_agent.state import Reason


@dataclass(frozen=True)
class Fetch:
    release: Release


@dataclass(frozen=True)
class Install:
    release: Release


@dataclass(frozen=True)
class Load:
    """Load `release`; `versions` is the whole policy, what is loaded already included."""

    release: Release
    versions: tuple[int, ...]


@dataclass(frozen=True)
class Prove:
    """`paced`: patients may be served from this replica meanwhile."""

    release: Release
    paced: bool


@dataclass(frozen=True)
class Drop:
    """Load again with a policy of `versions` only."""

    versions: tuple[int, ...]


@dataclass(frozen=True)
class Pin:
    """Write config.pbtxt with a policy of this one version."""

    version: int


@dataclass(frozen=True)
class Discard:
    """Delete from disk."""

    digests: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()


@dataclass(frozen=True)
class Cancel:
    job: "Job"


@dataclass(frozen=True)
class Fail:
    release: Release
    reason: Reason
    message: str


@dataclass(frozen=True)
class Wait:
    """Nothing more can be decided until Triton has answered."""


Job = Fetch | Install | Load | Prove | Drop
Action = Job | Pin | Discard | Cancel | Fail | Wait
