"""The routes document: which versions get which share of the traffic, and which replicas serve them.

The document is untrusted. Every error names the field and says what to write. Nothing here does I/O.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from inference_api.imaging import inputs, preprocessing
from inference_api.imaging.inputs import Inputs
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.routing import contract
from inference_api.routing.contract import FIRST, MAX_LABELS, Contract

SCHEMA_VERSION = 1
MAX_DOCUMENT_BYTES = 1024 * 1024  # a ConfigMap cannot be larger
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_MODEL = re.compile(r"[A-Za-z0-9_.-]{1,128}")


class InvalidRoutes(ValueError):
    """The document cannot be put in force. The text names the field and what to write; `id` is the document's own."""

    def __init__(self, message: str, id: str | None = None) -> None:
        super().__init__(message)
        self.id = id


@dataclass(frozen=True, slots=True)
class Version:
    """One model version. `labels` are the classes or findings in the order of the output.

    `inputs`: what it is for; None: any.
    """

    number: int
    digest: str
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    inputs: Inputs | None = None
    contract: Contract = FIRST


@dataclass(frozen=True, slots=True)
class Replica:
    """One Triton: its HTTP endpoint, the versions that are warm there, and in which process; empty: nobody knows."""

    name: str
    host: str
    port: int
    versions: frozenset[int]
    server_id: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """A version and the share of the traffic that it gets, in percent."""

    version: Version
    weight: float


@dataclass(frozen=True, slots=True)
class Routes:
    """A valid routes document. `shadow_percent` is 0 when nothing is copied; `revision` is 0 when there is none.

    `replica_floor`: the fewest replicas that an autoscaler may leave while a release runs; 0 when none does.
    """

    id: str
    revision: int
    model: str
    step: str
    stable: Share
    canary: Share | None
    shadow_percent: float
    header: str
    salt: str
    replicas: tuple[Replica, ...]
    replica_floor: int = 0

    @property
    def canary_weight(self) -> float:
        """In percent; 0 without a canary."""
        return self.canary.weight if self.canary else 0.0

    @property
    def versions(self) -> tuple[Version, ...]:
        """Stable, then the canary when there is one."""
        return (self.stable.version, self.canary.version) if self.canary else (self.stable.version,)

    def same_traffic(self, other: "Routes | None") -> bool:
        """Whether both have the same versions, weights and step; their replicas may differ."""
        return other is not None and (
            (self.model, self.step, self.stable, self.canary, self.shadow_percent, self.salt)
            == (other.model, other.step, other.stable, other.canary, other.shadow_percent, other.salt)
        )


def parse(content: bytes) -> Routes:
    """Reads a document. Raises InvalidRoutes."""
    document = _document(content)
    id = _id(document)
    try:
        return _routes(document, id)
    except InvalidRoutes as error:
        raise InvalidRoutes(str(error), id) from None


def document_id(document: Mapping[str, object]) -> str:
    """The sha256 hex of the canonical JSON of the document without `id`."""
    rest = {name: value for name, value in document.items() if name != "id"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _document(content: bytes) -> dict[str, object]:
    if len(content) > MAX_DOCUMENT_BYTES:
        raise InvalidRoutes(f"the document has {len(content)} bytes; at most {MAX_DOCUMENT_BYTES} are read")
    if not content.strip():
        raise InvalidRoutes("the document is empty; write a routes document")
    try:
        document = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidRoutes(f"the document is not JSON ({error}); write a JSON object") from None
    if not isinstance(document, dict):
        raise InvalidRoutes("the document must be a JSON object")
    return document


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _id(document: dict[str, object]) -> str:
    computed = document_id(document)
    given = document.get("id")
    if given is not None and given != computed:
        message = f"id: is {str(given)[:80]}, but the content's is {computed}; leave id out or compute it again"
        raise InvalidRoutes(message, str(given)[:80])
    return computed


def _routes(document: dict[str, object], id: str) -> Routes:
    schema = document.get("schemaVersion")
    if schema != SCHEMA_VERSION:
        raise InvalidRoutes(f"schemaVersion: is {schema!r}; this API reads {SCHEMA_VERSION}")
    versions = _object(document.get("versions"), "versions")
    stable = _share(document.get("stable"), "stable", versions)
    canary = None if document.get("canary") is None else _share(document["canary"], "canary", versions)
    _check_weights(stable, canary)
    assignment = _object(document.get("assignment"), "assignment")
    replicas = tuple(_replicas(document.get("replicas")))
    if not any(stable.version.number in replica.versions for replica in replicas):
        raise InvalidRoutes(f"replicas: none holds stable version {stable.version.number}; name one that does")
    return Routes(
        id=id,
        revision=_revision(document.get("revision")),
        model=_match(document.get("model"), "model", _MODEL, "Triton's name of the model"),
        step=_text(document.get("step"), "step", 256),
        stable=stable,
        canary=canary,
        shadow_percent=_shadow_percent(document.get("shadow"), canary),
        header=_match(assignment.get("header"), "assignment.header", _HEADER, "a header's name, like X-Study-Id"),
        salt=_text(assignment.get("salt"), "assignment.salt", 256),
        replicas=replicas,
        replica_floor=_replica_floor(document.get("replicaFloor")),
    )


def _replica_floor(value: object) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise InvalidRoutes(f"replicaFloor: is {str(value)[:80]!r}; write a number of replicas, or leave it out")
    return value


def _revision(value: object) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise InvalidRoutes(f"revision: is {str(value)[:80]!r}; write a whole number that grows, or leave it out")
    return value


def _share(value: object, where: str, versions: Mapping[str, object]) -> Share:
    fields = _object(value, where)
    number = _version_number(fields.get("version"), f"{where}.version")
    weight = _percent(fields.get("weight"), f"{where}.weight")
    if str(number) not in versions:
        raise InvalidRoutes(f"versions: has no entry {number}, which {where} names; add it")
    return Share(_version(number, versions[str(number)], f"versions.{number}"), weight)


def _check_weights(stable: Share, canary: Share | None) -> None:
    total = stable.weight + (canary.weight if canary else 0)
    if not math.isclose(total, 100):
        raise InvalidRoutes(f"stable.weight, canary.weight: sum to {total:g}; they must sum to 100")
    if canary and canary.version.number == stable.version.number:
        raise InvalidRoutes(f"canary.version: is {stable.version.number} like stable's; name another or set it null")


def _version(number: int, value: object, where: str) -> Version:
    fields = _object(value, where)
    labels = fields.get("labels")
    if not isinstance(labels, list) or not 0 < len(labels) <= MAX_LABELS or len(set(map(str, labels))) != len(labels):
        raise InvalidRoutes(f"{where}.labels: must be 1 to {MAX_LABELS} distinct strings in output order")
    try:
        tensors = contract.parse(fields, len(labels), where)
        prepared = preprocessing.parse(fields.get("preprocessing"), f"{where}.preprocessing", tensors.shape[0])
        purpose = inputs.parse(fields.get("inputs"), f"{where}.inputs")
    except ValueError as error:
        raise InvalidRoutes(str(error)) from None
    return Version(
        number=number,
        digest=_match(fields.get("digest"), f"{where}.digest", _DIGEST, "sha256: and 64 hex digits"),
        labels=tuple(_text(label, f"{where}.labels", 64) for label in labels),
        preprocessing=prepared,
        inputs=purpose,
        contract=tensors,
    )


def _shadow_percent(value: object, canary: Share | None) -> float:
    if value is None:
        return 0.0
    if canary is None:
        raise InvalidRoutes("shadow: is set without a canary to copy to; set canary, or shadow to null")
    return _percent(_object(value, "shadow").get("percent"), "shadow.percent")


def _replicas(value: object) -> Iterable[Replica]:
    if not isinstance(value, list) or not value:
        raise InvalidRoutes("replicas: must be a list with at least one {name, url, versions}")
    names: set[str] = set()
    for index, item in enumerate(value):
        replica = _replica(item, f"replicas[{index}]")
        if replica.name in names:
            raise InvalidRoutes(f"replicas[{index}].name: {replica.name} is there twice; give each its own name")
        names.add(replica.name)
        yield replica


def _replica(value: object, where: str) -> Replica:
    fields = _object(value, where)
    versions = fields.get("versions")
    if not isinstance(versions, list):
        raise InvalidRoutes(f"{where}.versions: must be a list of version numbers, empty when none is warm")
    host, port = _endpoint(fields.get("url"), f"{where}.url")
    return Replica(
        name=_text(fields.get("name"), f"{where}.name", 253),
        host=host,
        port=port,
        versions=frozenset(_version_number(item, f"{where}.versions") for item in versions),
        server_id=_server_id(fields.get("serverId"), f"{where}.serverId"),
    )


def _server_id(value: object, where: str) -> str:
    if value is None or value == "":
        return ""
    return _text(value, where, 128)


def _endpoint(value: object, where: str) -> tuple[str, int]:
    message = f"{where}: must be Triton's HTTP endpoint, like http://127.0.0.2:8000"
    if not isinstance(value, str) or not value.isascii() or re.search(r"[\s\x00-\x1f]", value):
        raise InvalidRoutes(message)
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        raise InvalidRoutes(message) from None
    if parts.scheme != "http" or not host or parts.path.strip("/") or parts.query or parts.username:
        raise InvalidRoutes(message)
    return host, port


def _object(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InvalidRoutes(f"{where}: must be an object, is {_kind(value)}")
    return value


def _text(value: object, where: str, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise InvalidRoutes(f"{where}: must be a string of 1 to {longest} characters, is {_kind(value)}")
    return value


def _match(value: object, where: str, pattern: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InvalidRoutes(f"{where}: must be {what}, is {_kind(value)}")
    return value


def _version_number(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**63:
        raise InvalidRoutes(f"{where}: must be a whole number from 1, is {_kind(value)}")
    return value


def _percent(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise InvalidRoutes(f"{where}: must be a number from 0 to 100, is {_kind(value)}")
    return float(value)


def _kind(value: object) -> str:
    return "missing" if value is None else json.dumps(value, default=str)[:60]
