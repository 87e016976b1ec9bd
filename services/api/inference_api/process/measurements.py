"""What this process measures of its requests beyond what a release is judged by: numbers for boards and alerts.

Nothing of it is in GET /routes. Each number of labels is bounded.
"""

from collections import Counter
from enum import StrEnum

from inference_api.process.histogram import Histogram
from inference_api.routing.counters import Json
from inference_api.routing.traffic import MAX_VERSIONS

STAGE_BOUNDS_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
# Half of them above 0.9, where the answers of a trained classifier are.
CONFIDENCE_BOUNDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
# Those of prometheus-fastapi-instrumentator, for boards that were made for it.
HTTP_BOUNDS_SECONDS = (0.1, 0.5, 1.0)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER_METHOD = "other"
_SEPARATOR = " "


class Stage(StrEnum):
    """What a request does from its last byte to its answer, in this order."""

    QUEUE = "queue"  # waits for the event loop, a thread or memory to decode in
    DECODE = "decode"  # from the file to the tensor
    TRITON = "triton"  # is asked of replicas, all attempts together
    ANSWER = "answer"  # is written, with its line of the audit stream


class Measurements:
    """Changed by one event loop only."""

    def __init__(self) -> None:
        self._stages = {stage: Histogram(STAGE_BOUNDS_SECONDS) for stage in Stage}
        self._upload_bytes: Counter[str] = Counter()
        self._confidences: dict[int, Histogram] = {}
        self._http: dict[tuple[str, str, int], Histogram] = {}

    def note_stage(self, stage: Stage, seconds: float) -> None:
        """Counts how long a request was in this stage."""
        self._stages[stage].count(seconds)

    def note_upload(self, format: str, bytes: int) -> None:
        """Counts an uploaded file. `format`: a name of imaging/formats.py, or its OTHER."""
        self._upload_bytes[format] += bytes

    def note_confidence(self, version: int, confidence: float) -> None:
        """Counts the probability of the most probable class or finding of one image."""
        counted = self._confidences.get(version)
        if counted is None:
            counted = self._confidences[version] = Histogram(CONFIDENCE_BOUNDS)
            if len(self._confidences) > MAX_VERSIONS:
                del self._confidences[next(iter(self._confidences))]
        counted.count(confidence)

    def note_http(self, handler: str, method: str, status: int, seconds: float) -> None:
        """Counts an answer of the public port. `handler`: one of its paths, or that of none of them."""
        counted = self._http.get((handler, method, status))
        if counted is None:
            known = method if method in _METHODS else _OTHER_METHOD
            counted = self._http.setdefault((handler, known, status), Histogram(HTTP_BOUNDS_SECONDS))
        counted.count(seconds)

    def document(self) -> Json:
        """What was measured as JSON, copied."""
        return {
            "stages": {stage: counted.document() for stage, counted in self._stages.items()},
            "uploadBytes": dict(self._upload_bytes),
            "confidences": {str(version): counted.document() for version, counted in self._confidences.items()},
            "http": {_SEPARATOR.join(map(str, key)): counted.document() for key, counted in self._http.items()},
        }


def http_labels(key: str) -> tuple[str, str, str]:
    """Handler, method and status of a key in `http`."""
    handler, method, status = key.split(_SEPARATOR)
    return handler, method, status
