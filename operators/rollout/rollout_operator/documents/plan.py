"""The plan: what agents shall hold. Fields in docs/contracts.md."""

from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import Field

from rollout_operator.documents.codec import DOCUMENT, SCHEMA_VERSION, Digest, Json, VersionNumber, canonical_id, dump
from rollout_operator.documents.published import read_published
from rollout_operator.documents.release import Acceptance, Release
from rollout_operator.documents.spec import Warmup


@dataclass(frozen=True)
class Canary:
    """`replicas`: those that may load it now; None: all. `retry`: so often replicas were told to try it anew."""

    version: VersionNumber
    digest: Digest
    uri: str
    replicas: tuple[str, ...] | None = None
    acceptance: Acceptance | None = None
    retry: Annotated[int, Field(ge=0, lt=2**31)] | None = None

    __pydantic_config__ = DOCUMENT

    @property
    def release(self) -> Release:
        return Release(self.version, self.digest, self.uri, self.acceptance)


@dataclass(frozen=True)
class PlanLoad:
    """How long Triton may take to load a version."""

    timeout_seconds: int

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Sibling:
    """Another replica's agent, from which a bundle can be fetched."""

    name: str
    url: str

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class PlanTrace:
    """The work on `version` belongs to this span, in W3C's form."""

    version: VersionNumber
    traceparent: str

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Plan:
    """`revision` grows with every write; `id` is that of the document it was read from."""

    model: str
    load: PlanLoad
    warmup: Warmup
    stable: Release | None = None
    canary: Canary | None = None
    previous: Release | None = None
    siblings: tuple[Sibling, ...] = ()
    trace: PlanTrace | None = None
    revision: int = 0
    schema_version: int = SCHEMA_VERSION
    id: str = field(default="", compare=False)

    __pydantic_config__ = DOCUMENT

    @property
    def releases(self) -> tuple[Release, ...]:
        """What it names, stable first."""
        parts = (self.stable, self.canary.release if self.canary else None, self.previous)
        return tuple(part for part in parts if part)

    def document(self) -> Json:
        """As JSON, with its `id`."""
        document = dump(replace(self, id=""))
        return document | {"id": canonical_id(document)}

    def says_the_same(self, other: "Plan | None") -> bool:
        """Whatever the revision, and down to the addresses, which a Release does not compare."""
        return other is not None and dump(replace(self, revision=0, id="")) == dump(replace(other, revision=0, id=""))


def parse_plan(content: str) -> Plan:
    """Raises InvalidDocument."""
    return read_published(Plan, content)
