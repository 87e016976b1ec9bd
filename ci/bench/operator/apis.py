"""A simulated API pod: applies the routes at once, and counts requests that all went well. Pure."""

import json
from typing import Any

from inference_api.routing.counters import LATENCY_BOUNDS_SECONDS
from modelctl.defaults import LABELS

Json = dict[str, Any]

# Of the answers: about 10, 13 and 20 ms.
LATENCY_SHARES = {17: 0.5, 19: 0.4, 22: 0.1}


class Api:
    def __init__(self, name: str, requests_per_second: float) -> None:
        self._name, self._rate = name, requests_per_second
        self._routes: Json | None = None
        self._since_seconds = 0.0

    def follow(self, routes: Json, now_seconds: float) -> None:
        """Old is no instruction; another step counts from zero."""
        before = self._routes
        if before and routes["revision"] <= before["revision"]:
            return
        if before is None or before["step"] != routes["step"]:
            self._since_seconds = now_seconds
        self._routes = routes

    def answer(self, now_seconds: float) -> bytes:
        """Of GET /routes."""
        routes = self._routes or {}
        requests = (now_seconds - self._since_seconds) * self._rate if routes else 0
        shares = [share for share in (routes.get("stable"), routes.get("canary")) if share]
        document = {
            "schemaVersion": 1,
            "startId": f"start-of-{self._name}",
            "id": routes.get("id"),
            "revision": routes.get("revision", 0),
            "rejected": None,
            "workers": 1,
            "draining": False,
            "openConnections": 1,
            "inFlight": {str(share["version"]): 0 for share in shares},
            "stable": routes.get("stable"),
            "canary": routes.get("canary"),
            "suspended": None,
            "step": routes.get("step"),
            "counters": {str(share["version"]): counters(int(requests * share["weight"] / 100)) for share in shares},
            "latencyBoundsSeconds": LATENCY_BOUNDS_SECONDS,
            "shadow": shadow(int(requests * (routes.get("shadow") or {}).get("percent", 0) / 100)),
        }
        return json.dumps(document, separators=(",", ":")).encode()


def counters(requests: int) -> Json:
    buckets = [0] * (len(LATENCY_BOUNDS_SECONDS) + 1)
    for bucket, share in LATENCY_SHARES.items():
        buckets[bucket] = int(requests * share)
    return {
        "requests": requests,
        "errors": 0,
        "fallbacks": 0,
        "latencySumSeconds": requests * 0.012,
        "latencyBuckets": buckets,
        "classes": {label: requests // len(LABELS) for label in LABELS},
    }


def shadow(samples: int) -> Json:
    """Both versions say the same, each class as often as the others."""
    each = samples // len(LABELS)
    matrix = [[each if row == column else 0 for column in range(len(LABELS))] for row in range(len(LABELS))]
    samples = each * len(LABELS)
    return {"samples": samples, "agreed": samples, "failed": 0, "dropped": 0, "matrix": matrix if samples else []}
