"""What one line says. docs/contracts.md has the schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from inference_api.routing.document import Routes, Version

SCHEMA_VERSION = 1
ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for what. `study` and `images` are pseudonyms; `study` is None when the request names none."""

    request_id: str
    client: str | None
    study: str | None
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Who answered. `role`: stable, canary, or fallback: stable, because the canary did not.

    `probabilities`: of each image, in the order of the version's labels; `classes`: the most probable label of each.
    `findings`: of each image, those over their thresholds; empty for a version that names one class.
    """

    version: Version
    replica: str
    role: str
    classes: Sequence[str]
    probabilities: Sequence[Sequence[float]]
    findings: Sequence[Sequence[str]] = ()


def answered(
    asked: Asked, diagnosis: Diagnosis, routes: Routes, wall_seconds: float, latency_seconds: float
) -> dict[str, Any]:
    """The line of a request that gets its diagnosis, `latency_seconds` after its body was read."""
    version = diagnosis.version
    line = _common(asked, ANSWERED, wall_seconds, latency_seconds)
    line["model"] = routes.model
    line["version"] = version.number
    line["digest"] = version.digest
    line["replica"] = diagnosis.replica
    line["routesRevision"] = routes.revision
    line["role"] = diagnosis.role
    line["predictions"] = predictions = [
        {"class": name, "probabilities": dict(zip(version.labels, row, strict=True))}
        for name, row in zip(diagnosis.classes, diagnosis.probabilities, strict=True)
    ]
    if diagnosis.findings:
        for prediction, findings in zip(predictions, diagnosis.findings, strict=True):
            prediction["findings"] = findings
    return line


def refused(asked: Asked, kind: str, wall_seconds: float, latency_seconds: float) -> dict[str, Any]:
    """The line of an accepted request that ends with a problem of this kind."""
    return _common(asked, kind, wall_seconds, latency_seconds)


def _common(asked: Asked, outcome: str, wall_seconds: float, latency_seconds: float) -> dict[str, Any]:
    return {
        "schemaVersion": SCHEMA_VERSION,
        "time": to_utc(wall_seconds),
        "requestId": asked.request_id,
        "client": asked.client,
        "study": asked.study,
        "images": asked.images,
        "outcome": outcome,
        "latencyMs": round(latency_seconds * 1000, 2),
    }


def to_utc(wall_seconds: float) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    seconds = int(wall_seconds)
    return f"{_to_utc(seconds)}.{int((wall_seconds - seconds) * 1000):03}Z"


@lru_cache(maxsize=1)
def _to_utc(seconds: int) -> str:
    """Kept for the other lines of this second: it costs as much as the rest of a line."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
