"""The plan: what this replica has to hold. Nothing in the document is trusted before it is parsed."""

import json
import re
from enum import StrEnum
from typing import Annotated, Any, Literal

from medinfer_common.tracing import trace_context
from medinfer_common.tracing.trace_context import Parent
from modelctl.bundle import canonical
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from replica_agent.uri_schemes import problem

MAX_BYTES = 1 << 20  # what a ConfigMap can hold


class InvalidPlan(Exception):
    """The document is no plan; the message names the field and what to write."""


class Role(StrEnum):
    """What a version is for in the plan."""

    STABLE = "stable"
    CANARY = "canary"
    PREVIOUS = "previous"
    NONE = ""  # loaded, but not in the plan


def _check_digest(value: str) -> str:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", value):
        raise ValueError(f"write sha256: and 64 lower-case hex digits, not {value[:80]!r}")
    return value


def _check_uri(value: str) -> str:
    if found := problem(value):
        raise ValueError(f"{found}, not {value[:80]!r}")
    return value


def _check_model(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", value):
        raise ValueError(f"write a model name of letters, digits, '_', '.' and '-', not {value[:80]!r}")
    return value


def _check_traceparent(value: str) -> str:
    if trace_context.parse(value.encode()) is None:
        raise ValueError(f"write a traceparent as W3C has it, not {value[:80]!r}")
    return value


def _to_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Acceptance(_Part):
    """A hospital's acceptance set, named by its bytes."""

    uri: Annotated[str, AfterValidator(_check_uri)]
    digest: Annotated[str, AfterValidator(_check_digest)]


class Release(_Part):
    """One version, named by its number and its bytes. `acceptance`: the set that it has to pass; None: none."""

    version: Annotated[int, Field(ge=1, lt=2**63)]
    uri: Annotated[str, AfterValidator(_check_uri)]
    digest: Annotated[str, AfterValidator(_check_digest)]
    acceptance: Acceptance | None = None


class Canary(Release):
    """`replicas` names those that hold it; None means all. `retry`: another number forgets how its tries ended."""

    replicas: Annotated[tuple[str, ...] | None, BeforeValidator(_to_tuple)] = None
    retry: Annotated[int, Field(ge=0, lt=2**31)] = 0

    @property
    def release(self) -> Release:
        """The canary without its replicas."""
        return Release(version=self.version, uri=self.uri, digest=self.digest, acceptance=self.acceptance)


class Load(_Part):
    """Limits of one load."""

    timeout_seconds: Seconds = Field(300.0, alias="timeoutSeconds")


class GoldenLimits(_Part):
    """`atol`: how far a probability may be from the recorded one."""

    atol: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.02


class Warmup(_Part):
    """Limits of one proof."""

    batch_sizes: Annotated[
        tuple[Annotated[int, Field(ge=1, le=1024)], ...], BeforeValidator(_to_tuple), Field(min_length=1, max_length=16)
    ] = Field((1, 4, 8, 16), alias="batchSizes")
    max_seconds: Seconds = Field(120.0, alias="maxSeconds")
    golden: GoldenLimits = GoldenLimits()


class Sibling(_Part):
    """Another replica, whose agent serves its bundles at `url`."""

    name: str
    url: Annotated[str, Field(pattern=r"^https?://.")]


class PlanTrace(_Part):
    """The work on `version` belongs to the span that `traceparent` names."""

    version: Annotated[int, Field(ge=1, lt=2**63)]
    traceparent: Annotated[str, AfterValidator(_check_traceparent)]

    @property
    def parent(self) -> Parent | None:
        """That span."""
        return trace_context.parse(self.traceparent.encode())


class Plan(_Part):
    """A valid plan; docs/contracts.md describes the fields."""

    schema_version: Literal[1] = Field(alias="schemaVersion")
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    revision: Annotated[int, Field(ge=0, lt=2**53)] = 0
    model: Annotated[str, AfterValidator(_check_model)]
    stable: Release | None = None
    canary: Canary | None = None
    previous: Release | None = None
    load: Load = Field(default_factory=lambda: Load.model_validate({}))
    warmup: Warmup = Field(default_factory=lambda: Warmup.model_validate({}))
    siblings: Annotated[tuple[Sibling, ...], BeforeValidator(_to_tuple)] = ()
    trace: PlanTrace | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Plan":
        named = [part for part in (self.stable, self.canary, self.previous) if part]
        if self.stable is None and self.canary is None:
            raise ValueError("name a version under stable or canary")
        if len({part.version for part in named}) < len(named):
            raise ValueError("stable, canary and previous must have distinct version numbers")
        if len({part.digest for part in named}) < len(named):
            raise ValueError("stable, canary and previous must have distinct digests")
        return self

    @property
    def releases(self) -> tuple[Release, ...]:
        """Every version that the plan names, for any replica."""
        canary = self.canary.release if self.canary else None
        return tuple(release for release in (self.stable, canary, self.previous) if release)

    def wanted(self, replica: str) -> tuple[tuple[Role, Release], ...]:
        """What `replica` has to hold, in the order in which it is loaded."""
        canary = self.canary
        if canary and canary.replicas is not None and replica not in canary.replicas:
            canary = None
        roles = (
            (Role.STABLE, self.stable),
            (Role.CANARY, canary.release if canary else None),
            (Role.PREVIOUS, self.previous),
        )
        return tuple((role, release) for role, release in roles if release)

    def attempt(self, release: Release) -> str:
        """Names an attempt of `release`. What failed for good under a name is tried again only under another name."""
        parts = (release, self.load, self.warmup)
        named: list[object] = [part.model_dump(mode="json", by_alias=True, exclude_none=True) for part in parts]
        if self.canary and self.canary.retry and self.canary.release == release:
            named.append(self.canary.retry)
        return canonical.sha256(named)


def parse_plan(text: bytes) -> Plan:
    """Parses an untrusted document; raises InvalidPlan naming the first fields that are wrong and what to write."""
    if len(text) > MAX_BYTES:
        raise InvalidPlan(f"the plan has {len(text)} bytes; {MAX_BYTES} are allowed")
    document = _read_json(text)
    try:
        computed = canonical.sha256({key: value for key, value in document.items() if key != "id"})
    except ValueError:
        raise InvalidPlan("the plan holds a number that JSON cannot express; write a smaller one") from None
    if document.get("id") is None:
        document["id"] = computed
    if document["id"] != computed:
        raise InvalidPlan(f"id: is not the sha256 of the content, which is {computed}; write that, or leave id out")
    try:
        return Plan.model_validate(document)
    except ValidationError as error:
        raise InvalidPlan("; ".join(_explain(dict(problem)) for problem in error.errors()[:3])) from None


def claimed_id(text: bytes) -> str | None:
    """The id that a refused document claims, for the report; None when it claims none."""
    try:
        claimed = _read_json(text).get("id")
    except InvalidPlan:
        return None
    return claimed[:64] if isinstance(claimed, str) else None


def _read_json(text: bytes) -> dict[str, Any]:
    if not text.strip():
        raise InvalidPlan("the plan is empty; write a plan, or leave it to the operator")
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidPlan(f"the plan is not JSON ({str(error)[:120]}); correct it there") from None
    if not isinstance(document, dict):
        raise InvalidPlan("the plan must be a JSON object")
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _explain(problem: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "missing":
        message = "is missing; write it"
    return f"{where}: {message}" if where else message
