"""What the user wants: the spec of a ModelRollout, read without trust.

The API server's CEL rules have usually refused already what is refused here; an old object, or one written while the
CRD was not there, comes through all the same.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from rollout_operator.approvals.statement import Statement
from rollout_operator.documents.codec import DOCUMENT, Digest, InvalidDocument, Json, VersionNumber, dump, read, sha256
from rollout_operator.documents.release import Acceptance, Release
from rollout_operator.documents.step_kinds import Step, step_problems
from rollout_operator.documents.uri_schemes import problem

Positive = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(ge=0, le=1)]
Ratio = Annotated[float, Field(ge=1)]


class OnFailure(StrEnum):
    """What happens to a canary that failed."""

    ROLLBACK = "Rollback"  # weight 0, then the canary is dropped
    HOLD = "Hold"  # weight 0, and the canary stays loaded for inspection


class OnInsufficientData(StrEnum):
    """What happens when a step is over and its samples are too few to judge."""

    HOLD = "Hold"
    FAIL = "Fail"


@dataclass(frozen=True)
class Reference:
    """The name of a workload in the same namespace."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Artifact:
    """Where the bundle is, and the sha256 of its bytes."""

    uri: str
    digest: Digest

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Load:
    """How the version is loaded. `max_concurrent_replicas`: how many replicas may load it at one time."""

    timeout_seconds: Positive = 300
    max_concurrent_replicas: Positive = 1

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Golden:
    """`atol`: by how much a probability may differ from the recorded one."""

    atol: Rate = 0.02

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Warmup:
    """What an agent does with a version before it calls it warm."""

    batch_sizes: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=16)] = (1, 4, 8, 16)
    max_seconds: Positive = 120
    golden: Golden = Golden()

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Assignment:
    """`header`: the request header that names the study."""

    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$")] = "X-Study-Id"

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Strategy:
    """The steps to full traffic, and what happens when a release fails or stops moving."""

    steps: tuple[Step, ...]
    progress_deadline_seconds: Positive = 7200
    on_failure: OnFailure = OnFailure.ROLLBACK
    keep_previous_seconds: NotNegative = 1800

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class AnalysisSpec:
    """The limits for a canary. Rates are shares of 1; ratios are multiples of stable's p95."""

    interval_seconds: Positive = 10
    failure_limit: Positive = 2
    min_samples: Positive = 100
    on_insufficient_data: OnInsufficientData = OnInsufficientData.HOLD
    max_error_rate: Rate = 0.01
    max_latency_ratio: Ratio = 1.5
    max_stable_slowdown: Ratio = 1.3
    min_agreement: Rate = 0.95
    min_agreement_per_class: Rate = 0.90

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Approval:
    """A line that opens one gate for one version and its bytes. `by`: who approved.

    `signature`: an SSHSIG over the Statement of this line, and `time` when it was made; both None when unsigned.
    """

    gate: str
    version: VersionNumber
    digest: Digest
    by: Annotated[str, Field(min_length=1)]
    time: str | None = None
    signature: str | None = None

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Notify:
    """`url`: a webhook for each transition; empty: none."""

    url: str = ""

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Spec:
    """`name`, `namespace` and `generation` are the object's, everything else its spec."""

    triton_ref: Reference
    api_ref: Reference
    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]
    version: VersionNumber
    artifact: Artifact
    strategy: Strategy
    acceptance: Acceptance | None = None
    load: Load = Load()
    warmup: Warmup = Warmup()
    assignment: Assignment = Assignment()
    analysis: AnalysisSpec = AnalysisSpec()
    approvals: tuple[Approval, ...] = ()
    suspend: bool = False
    retry: str = ""
    notify: Notify = Notify()
    revision_history_limit: Positive = 10
    name: Annotated[str, Field(exclude=True)] = field(default="", compare=False)
    namespace: Annotated[str, Field(exclude=True)] = field(default="", compare=False)
    generation: Annotated[int, Field(exclude=True)] = 0

    __pydantic_config__ = DOCUMENT

    @property
    def wanted(self) -> Release:
        """The release that the spec asks for."""
        return Release(self.version, self.artifact.digest, self.artifact.uri, self.acceptance)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Those of the strategy."""
        return self.strategy.steps

    @property
    def steps_hash(self) -> str:
        """Another hash means that the steps were edited; the first 16 hex digits of a sha256."""
        return sha256([dump(step) for step in self.steps])[:16]

    def approvals_of(self, step: Step) -> tuple[Approval, ...]:
        """Those of this step's gate. An approval counts for one version and its bytes only.

        Whether one opens the gate is for `decide.opening`: with approvers configured its signature must hold.
        """
        wanted = (step.kind.gate_name, self.wanted.version, self.wanted.digest)
        found = (line for line in self.approvals if (line.gate, line.version, line.digest) == wanted)
        return tuple(found) if step.kind.gate_name else ()

    def statement_of(self, approval: Approval) -> Statement:
        """What its signature must be over."""
        return Statement(
            self.namespace,
            self.name,
            self.model,
            approval.version,
            approval.digest,
            approval.gate,
            approval.time or "",
        )


class InvalidSpec(InvalidDocument):
    """The spec of this generation cannot be used."""

    def __init__(self, problems: tuple[str, ...], generation: int) -> None:
        super().__init__(problems)
        self.generation = generation


def parse_spec(body: dict[str, Any]) -> Spec:
    """The spec in a ModelRollout as the API server gives it; raises InvalidSpec with every problem."""
    metadata: Json = body.get("metadata") or {}
    generation = int(metadata.get("generation", 0))
    try:
        spec = read(Spec, json.dumps(body.get("spec") or {}))
    except InvalidDocument as error:
        raise InvalidSpec(error.problems, generation) from None
    problems = tuple(_problems(spec))
    if problems:
        raise InvalidSpec(problems, generation)
    name, namespace = (str(metadata.get(key, "")) for key in ("name", "namespace"))
    return replace(spec, name=name, namespace=namespace, generation=generation)


def _problems(spec: Spec) -> Iterator[str]:
    if found := problem(spec.artifact.uri):
        yield f"artifact.uri: {found}"
    yield from step_problems(spec.steps)
