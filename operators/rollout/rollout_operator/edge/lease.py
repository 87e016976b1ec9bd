"""Who may write: the holder of one Lease. Pure: records in, records out; `leadership` acts on it.

The rules are those of Kubernetes' own leader election (k8s.io/client-go/tools/leaderelection): whether the holder is
alive is judged by how long the record did not change on our own clock, so that clocks need not agree.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from rollout_operator.documents.codec import Json


@dataclass(frozen=True)
class Sighting:
    """The newest record that was seen, and when it was first seen so, on our monotonic clock.

    `promised_seconds`: how long its holder may believe that it leads without renewing it; 0 when it does not say.
    """

    holder: str
    renewed: str
    promised_seconds: float
    since_seconds: float


def sight(lease: Json, before: Sighting | None, now_seconds: float) -> Sighting:
    """The Lease as it is now. When holder and renewal are as `before`, that sighting stays, with its time."""
    spec = lease.get("spec") or {}
    holder, renewed = spec.get("holderIdentity") or "", spec.get("renewTime") or ""
    if before and (before.holder, before.renewed) == (holder, renewed):
        return before
    return Sighting(holder, renewed, spec.get("leaseDurationSeconds") or 0, now_seconds)


def may_take(seen: Sighting, identity: str, lease_seconds: float, now_seconds: float) -> bool:
    """It is ours, was given back, or its holder gave no sign of life for as long as it promised, else `lease_seconds`.

    The holder's own promise counts, as it may have been configured otherwise.
    """
    silent_seconds = now_seconds - seen.since_seconds
    return seen.holder in ("", identity) or silent_seconds >= (seen.promised_seconds or lease_seconds)


def build_lease(name: str, identity: str, lease_seconds: int, wall_seconds: float, before: Json | None) -> Json:
    """The record with which `identity` holds it from now on; an empty one gives it back."""
    now = datetime.fromtimestamp(wall_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    old = (before or {}).get("spec") or {}
    is_same = old.get("holderIdentity") == identity
    spec = {
        "holderIdentity": identity,
        "leaseDurationSeconds": lease_seconds,
        "acquireTime": old.get("acquireTime") if is_same and old.get("acquireTime") else now,
        "renewTime": now,
        "leaseTransitions": int(old.get("leaseTransitions") or 0) + (0 if is_same else 1),
    }
    metadata = before["metadata"] if before else {"name": name}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
