"""JSON from outside becomes frozen values, and back. Nothing here does I/O.

A value is a frozen dataclass that carries `__pydantic_config__ = DOCUMENT`; its fields are camelCase in JSON.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

Json = dict[str, Any]
T = TypeVar("T")

SCHEMA_VERSION = 1
_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}
DOCUMENT = ConfigDict(alias_generator=to_camel, extra="ignore", allow_inf_nan=False, strict=True)


class InvalidDocument(ValueError):
    """The document cannot be used. `problems`: one sentence each, which names the field and says what to write."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read(kind: type[T], content: str | bytes) -> T:
    """The value in a JSON text; raises InvalidDocument."""
    adapter: TypeAdapter[T] = _adapter(kind)
    try:
        return adapter.validate_json(content)
    except ValidationError as error:
        raise InvalidDocument(tuple(_explain(dict(problem)) for problem in error.errors()[:20])) from None


def dump(value: object) -> Json:
    """The JSON object of a value; None is left out."""
    adapter: TypeAdapter[object] = _adapter(type(value))
    document: Json = adapter.dump_python(value, mode="json", by_alias=True, exclude_none=True)
    return document


def canonical_id(document: Json) -> str:
    """sha256 hex of the canonical JSON of the document without `id`."""
    rest = {key: value for key, value in document.items() if key != "id"}
    return sha256(rest)


def sha256(value: object) -> str:
    """Hex digest of the canonical JSON of a value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def format_time(seconds: int) -> str:
    """Kubernetes' way to write a time.

    >>> format_time(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(value: object) -> object:
    """Whole seconds since 1970; what is no such text is left for the validator to refuse."""
    if not isinstance(value, str):
        return value
    moment = datetime.fromisoformat(value)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


# Whole seconds since 1970 in values, RFC 3339 in documents.
Time = Annotated[int, BeforeValidator(parse_time), PlainSerializer(format_time, return_type=str)]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
VersionNumber = Annotated[int, Field(ge=1, lt=2**63)]


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Building one takes milliseconds, so each is built once."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def _explain(problem: Json) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "missing":
        message = "is missing; write it"
    elif problem["type"] == "string_pattern_mismatch" and "sha256" in message:
        message = "write sha256: and 64 lower-case hex digits"
    return f"{where}: {message}" if where else message
