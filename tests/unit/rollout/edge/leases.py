"""The Lease as an API server keeps it: every write carries the resourceVersion that was read."""

import copy
from collections.abc import Callable

from rollout_operator.documents.codec import Json
from rollout_operator.edge.errors import Conflict, Missing


class FakeLeases:
    """`before_write` runs in every write before it is judged; it may write, or raise."""

    def __init__(self) -> None:
        self.lease: Json | None = None
        self.writes = 0
        self.before_write: Callable[[], object] = lambda: None
        self.before_read: Callable[[], None] = lambda: None

    @property
    def holder(self) -> str:
        return str(self.lease["spec"]["holderIdentity"]) if self.lease else ""

    def read_lease(self, name: str) -> Json:
        self.before_read()
        if self.lease is None:
            raise Missing(name)
        return copy.deepcopy(self.lease)

    def write_lease(self, lease: Json) -> Json:
        self.before_write()
        now = self.lease["metadata"]["resourceVersion"] if self.lease else None
        if lease["metadata"].get("resourceVersion") != now:
            raise Conflict("the object has been modified")
        return self.put(lease)

    def put(self, lease: Json) -> Json:
        self.writes += 1
        self.lease = copy.deepcopy(lease)
        self.lease["metadata"]["resourceVersion"] = str(self.writes)
        return copy.deepcopy(self.lease)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, now_seconds: float = 1000.0) -> None:
        self.now_seconds = now_seconds

    def __call__(self) -> float:
        return self.now_seconds
