"""A simulated agent: does what the plan says, and takes its time for it. Pure; the time is an argument."""

import json
from dataclasses import dataclass
from typing import Any

from modelctl.defaults import LABELS

Json = dict[str, Any]

PREPROCESSING: Json = {
    "resample": "bilinear",
    "scale": 1 / 255,
    "mean": [0.0] * 3,
    "std": [1.0] * 3,
    "intensity": None,
}
WARMUP: Json = {"p50Ms": 11.2, "p95Ms": 13.9, "iterations": 20, "settled": True, "golden": {"matched": 32, "total": 32}}
# Share of the time from the plan to warm at which each state ends.
STAGES = ((0.2, "Fetching"), (0.3, "Verifying"), (0.5, "Loading"), (1.0, "Warming"))


@dataclass(frozen=True)
class Held:
    version: int
    digest: str
    uri: str
    role: str
    since_seconds: float


class Agent:
    """`warm_seconds`: from the plan that names a version until it is warm."""

    def __init__(self, name: str, warm_seconds: float) -> None:
        self._name, self._warm_seconds = name, warm_seconds
        self._held: tuple[Held, ...] = ()
        self._id: str | None = None
        self._revision = 0

    def follow(self, plan: Json, now_seconds: float) -> None:
        """Old is no instruction; what the plan does not name is dropped at once."""
        if plan["revision"] <= self._revision:
            return
        self._id, self._revision = plan["id"], plan["revision"]
        since = {one.digest: one.since_seconds for one in self._held}
        self._held = tuple(
            Held(one["version"], one["digest"], one["uri"], role, since.get(one["digest"], now_seconds))
            for role in ("stable", "canary", "previous")
            if (one := plan.get(role)) and self._may_hold(one)
        )

    def answer(self, now_seconds: float) -> bytes:
        """Of GET /state."""
        document = {
            "schemaVersion": 1,
            "replica": self._name,
            "startId": f"start-of-{self._name}",
            "id": self._id,
            "revision": self._revision,
            "rejected": None,
            "triton": {"ready": True, "restarts": 0, "endedAnswering": None, "serverId": f"medinfer-{self._name}"},
            "versions": [self._report(one, now_seconds) for one in self._held],
        }
        return json.dumps(document, separators=(",", ":")).encode()

    def _may_hold(self, planned: Json) -> bool:
        """Without a list of replicas: all. With an empty list: none."""
        replicas = planned.get("replicas")
        return replicas is None or self._name in replicas

    def _report(self, one: Held, now_seconds: float) -> Json:
        state = stage((now_seconds - one.since_seconds) / self._warm_seconds)
        verified = state not in ("Fetching", "Verifying")
        return {
            "version": one.version,
            "digest": one.digest,
            "uri": one.uri if verified else None,
            "labels": LABELS if verified else None,
            "preprocessing": PREPROCESSING if verified else None,
            "role": one.role,
            "state": state,
            "reason": None,
            "message": "",
            "progress": None,
            "warmup": WARMUP if state == "Warm" else None,
        }


def stage(share: float) -> str:
    """Of the time from the plan to warm.

    >>> stage(0.0), stage(0.4), stage(1.0)
    ('Fetching', 'Loading', 'Warm')
    """
    return next((name for end, name in STAGES if share < end), "Warm")
