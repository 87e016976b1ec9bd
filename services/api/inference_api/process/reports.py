"""Sums what the workers published, for GET /routes, which the operator reads, and for /metrics. Pure.

`gone` is the sum of ended workers, `live` the snapshot of each live one, or None where there is none yet.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from inference_api.routing import counters
from inference_api.routing.counters import LATENCY_BOUNDS_SECONDS, Json
from inference_api.routing.document import SCHEMA_VERSION, Routes, Share

_STEPS_KEPT = 4


def fold(gone: Json, snapshot: Json) -> Json:
    """Adds to `gone` what one more ended worker counted. Its requests in flight ended with it."""
    steps: dict[str, Json] = dict(gone.get("steps", {}))
    if step := snapshot.get("step"):
        steps[step] = counters.add(steps.pop(step, {}), step_counters(snapshot))
    return {
        "access": _fold_clients("requests", gone.get("access"), snapshot.get("access")),
        "quota": _fold_clients("refused", gone.get("quota"), snapshot.get("quota")),
        "withoutEvidence": counters.add(gone.get("withoutEvidence", {}), snapshot.get("withoutEvidence", {})),
        "totals": counters.add(gone.get("totals", {}), snapshot.get("totals", {})),
        "measured": counters.add(gone.get("measured", {}), snapshot.get("measured", {})),
        "steps": dict(list(steps.items())[-_STEPS_KEPT:]),
    }


def step_counters(snapshot: Json) -> Json:
    """What one worker counted since its step began."""
    return counters.subtract(snapshot["totals"], snapshot["stepBase"])


def totals(gone: Json, live: Sequence[Json | None]) -> Json:
    """Everything counted since the start."""
    total: Json = gone.get("totals", {})
    for snapshot in live:
        total = counters.add(total, snapshot["totals"]) if snapshot else total
    return total


def versions(gone: Json, live: Sequence[Json | None]) -> Json:
    """Every request since the start by version, whether or not a release may be judged by it."""
    total: Json = counters.add(totals(gone, live).get("versions", {}), gone.get("withoutEvidence", {}))
    for snapshot in live:
        total = counters.add(total, snapshot.get("withoutEvidence", {})) if snapshot else total
    return total


def measured(gone: Json, live: Sequence[Json | None]) -> Json:
    """What process/measurements.py measured since the start."""
    total: Json = gone.get("measured", {})
    for snapshot in live:
        total = counters.add(total, snapshot.get("measured", {})) if snapshot else total
    return total


def access(gone: Json, live: Sequence[Json | None]) -> Json | None:
    """Requests by client since the start, and why the newest access document was refused; None: everybody may ask."""
    known = [snapshot["access"] for snapshot in live if snapshot and snapshot.get("access")]
    if not known:
        return None
    return {
        "requests": _by_client("requests", gone.get("access"), known),
        "rejected": next((one["rejected"] for one in known if one["rejected"]), None),
        "issuers": _oldest(one.get("issuers", {}) for one in known),
    }


def quota(gone: Json, live: Sequence[Json | None]) -> Json:
    """Requests refused since the start by client with a quota, and workers that miss the ledger."""
    known = [snapshot["quota"] for snapshot in live if snapshot and snapshot.get("quota")]
    return {
        "refused": _by_client("refused", gone.get("quota"), known),
        "degradedWorkers": sum(one["isDegraded"] for one in known),
    }


def in_flight(live: Sequence[Json | None]) -> Json:
    """Requests that may still reach a version, by version."""
    total: Json = {}
    for snapshot in live:
        total = counters.add(total, snapshot["inFlight"]) if snapshot else total
    return total


def routes_report(
    start_id: str, draining: bool, routes: Routes | None, gone: Json, live: Sequence[Json | None]
) -> Json:
    """The answer of GET /routes. `id` is null until every live worker has applied the same document."""
    ids = {snapshot["id"] if snapshot else None for snapshot in live}
    step = routes.step if routes else None
    counted = _step_counters(step, gone, live)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "startId": start_id,
        "id": ids.pop() if len(ids) == 1 else None,
        "revision": min((snapshot["revision"] if snapshot else 0 for snapshot in live), default=0),
        "rejected": next((snapshot["rejected"] for snapshot in live if snapshot and snapshot["rejected"]), None),
        "workers": len(live),
        "draining": draining,
        "openConnections": sum(snapshot["openConnections"] for snapshot in live if snapshot),
        "inFlight": in_flight(live),
        "stable": _share(routes.stable if routes else None),
        "canary": _share(routes.canary if routes else None),
        "suspended": next((snapshot["suspended"] for snapshot in live if snapshot and snapshot["suspended"]), None),
        "step": step,
        "counters": counted.get("versions", {}),
        "latencyBoundsSeconds": LATENCY_BOUNDS_SECONDS,
        "shadow": counted.get("shadow", counters.empty_shadow()),
    }


def status_report(routes: Routes | None, draining: bool) -> Json:
    """The answer of GET /status, which is public: no count, because a count that grows by one tells of one patient."""
    canary = routes.canary if routes else None
    return {
        "stable": _share(routes.stable if routes else None),
        "canary": _share(canary),
        "releasing": canary is not None,
        "draining": draining,
    }


def _oldest(ages: Iterable[Json]) -> Json:
    """The age of each issuer's keys in the worker whose are the oldest; None: one worker has none."""
    oldest: Json = {}
    for one in ages:
        for issuer, age in one.items():
            before = oldest.get(issuer, 0.0)
            oldest[issuer] = None if age is None or before is None else max(age, before)
    return oldest


def _fold_clients(what: str, gone: Json | None, ended: Json | None) -> Json | None:
    """Keeps the clients of the newest document alone: their number is bounded, that of all there ever were is not."""
    if not ended or not ended[what]:
        return gone
    before = gone[what] if gone else {}
    return {what: {name: before.get(name, 0) + count for name, count in ended[what].items()}}


def _by_client(what: str, gone: Json | None, live: Sequence[Json]) -> Json:
    """Sums what was counted of each client that a live worker knows."""
    total: Json = gone[what] if gone else {}
    for one in live:
        total = counters.add(total, one[what])
    return {name: total[name] for name in sorted({name for one in live for name in one[what]})}


def _step_counters(step: str | None, gone: Json, live: Sequence[Json | None]) -> Json:
    total: Json = gone.get("steps", {}).get(step, {})
    for snapshot in live:
        if snapshot and snapshot["step"] == step:
            total = counters.add(total, step_counters(snapshot))
    return total


def _share(share: Share | None) -> dict[str, Any] | None:
    return None if share is None else {"version": share.version.number, "weight": share.weight}
