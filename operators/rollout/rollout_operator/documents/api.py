"""What an API pod reports on GET /routes, read without trust."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from rollout_operator.documents.codec import DOCUMENT, InvalidDocument, read
from rollout_operator.documents.counters import MAX_LATENCY_BUCKETS, Shadow, StepCounters, VersionCounters

MAX_BYTES = 1 << 20
MAX_VERSIONS = 16
MAX_SUSPENDED = 256  # characters: it goes into Events and the status


@dataclass(frozen=True)
class ApiState:
    """`id` and `revision` of the routes that every worker has applied; None and 0 before the first.

    `start_id` names the process, whose counters start at zero; `counters` and `shadow` are those of `step`.
    `suspended`: why some worker asks the canary no more under these routes. `rejected`: some worker sees others.
    """

    start_id: Annotated[str, Field(min_length=1)]
    id: str | None = None
    revision: Annotated[int, Field(ge=0, lt=2**53)] = 0
    step: str | None = None
    in_flight: Mapping[str, Annotated[int, Field(ge=0)]] = field(default_factory=dict)
    counters: Annotated[Mapping[str, VersionCounters], Field(max_length=MAX_VERSIONS)] = field(default_factory=dict)
    shadow: Shadow = field(default_factory=Shadow)
    latency_bounds_seconds: Annotated[tuple[float, ...], Field(max_length=MAX_LATENCY_BUCKETS)] = ()
    suspended: Annotated[str, Field(max_length=MAX_SUSPENDED)] | None = None
    rejected: Mapping[str, Any] | None = None

    __pydantic_config__ = DOCUMENT

    def in_flight_of(self, version: int) -> int:
        """Requests that were sent to this version and are not answered yet."""
        return self.in_flight.get(str(version), 0)

    @property
    def step_counters(self) -> StepCounters:
        """The counters of `step`, in the form that can be added up."""
        return StepCounters(self.counters, self.shadow, self.latency_bounds_seconds)


def parse_api_state(content: bytes) -> ApiState:
    """Raises InvalidDocument: an API pod that reports nonsense counts as one that does not answer."""
    if len(content) > MAX_BYTES:
        raise InvalidDocument((f"the report has more than {MAX_BYTES} bytes, which are all that is read",))
    state = read(ApiState, content)
    buckets = len(state.latency_bounds_seconds) + 1
    if list(state.latency_bounds_seconds) != sorted(state.latency_bounds_seconds):
        raise InvalidDocument(("latencyBoundsSeconds: must grow",))
    if any(len(one.latency_buckets) not in (0, buckets) for one in state.counters.values()):
        raise InvalidDocument((f"latencyBuckets: must have {buckets} numbers, one more than latencyBoundsSeconds",))
    return state
