"""The routes: which version gets which share of the traffic, and who serves it. Fields in docs/contracts.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field

from rollout_operator.documents.codec import DOCUMENT, SCHEMA_VERSION, Digest, Json, VersionNumber, canonical_id, dump
from rollout_operator.documents.published import read_published


@dataclass(frozen=True)
class Share:
    """`weight` in percent."""

    version: VersionNumber
    weight: Annotated[int, Field(ge=0, le=100)]

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class ShadowShare:
    """The share of stable's requests that is copied to the canary."""

    percent: Annotated[int, Field(ge=1, le=100)]

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class AssignmentRule:
    """How a request is assigned: by the hash of `salt` and of the study named in `header`."""

    header: str
    salt: str

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class VersionMetadata:
    """What API pods must know of a version, from its bundle."""

    digest: Digest
    labels: tuple[str, ...]
    preprocessing: Mapping[str, Any]
    inputs: Mapping[str, Any] | None = None
    input: Mapping[str, Any] | None = None
    output: Mapping[str, Any] | None = None

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class RoutedReplica:
    """`instance` names the pod and the Triton container in which `versions` were last seen warm.

    `server_id`: of the process of Triton there; empty where it has none of its own, or an older agent does not tell it.
    """

    name: str
    url: str
    versions: tuple[VersionNumber, ...]
    instance: str = ""
    server_id: Annotated[str, Field(max_length=128)] = ""

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Routes:
    """`revision` grows with every write; `id` is that of the document it was read from.

    `replica_floor`: the fewest replicas that an autoscaler may leave; None when no release runs.
    """

    model: str
    step: str
    stable: Share
    assignment: AssignmentRule
    versions: Mapping[str, VersionMetadata]
    replicas: tuple[RoutedReplica, ...]
    canary: Share | None = None
    shadow: ShadowShare | None = None
    replica_floor: Annotated[int, Field(ge=1)] | None = None
    revision: int = 0
    schema_version: int = SCHEMA_VERSION
    id: str = field(default="", compare=False)

    __pydantic_config__ = DOCUMENT

    @property
    def canary_weight(self) -> int:
        """In percent; 0 without a canary."""
        return self.canary.weight if self.canary else 0

    @property
    def shadow_percent(self) -> int:
        """0 without a shadow."""
        return self.shadow.percent if self.shadow else 0

    def names(self, version: int) -> bool:
        """Whether an API pod that obeys this may send a request to `version`."""
        return version == self.stable.version or (self.canary is not None and version == self.canary.version)

    def replica(self, name: str) -> RoutedReplica | None:
        """The entry of this pod; None when there is none."""
        return next((replica for replica in self.replicas if replica.name == name), None)

    def document(self) -> Json:
        """As JSON, with its `id`."""
        document = dump(replace(self, id=""))
        return document | {"id": canonical_id(document)}

    def says_the_same(self, other: "Routes | None") -> bool:
        """Whatever the revision."""
        return other is not None and dump(replace(self, revision=0, id="")) == dump(replace(other, revision=0, id=""))


def parse_routes(content: str) -> Routes:
    """Raises InvalidDocument."""
    return read_published(Routes, content)
