"""The answer of GET /scaling, from which an autoscaler finds how many replicas Triton needs. Pure."""

from collections.abc import Sequence

from inference_api.routing.counters import Json
from inference_api.routing.document import SCHEMA_VERSION, Routes


def scaling_report(routes: Routes, live: Sequence[Json | None]) -> Json:
    """The sum of the workers' averages, and what the routes say. Flat, as autoscalers name one number by its path."""
    loads = [snapshot["imageLoad"] for snapshot in live if snapshot]
    in_flight = sum(one["inFlight"] for one in loads)
    waiting = sum(one["waiting"] for one in loads)
    warm = sum(routes.stable.version.number in replica.versions for replica in routes.replicas)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "images": round(in_flight + waiting, 3),
        "imagesInFlight": round(in_flight, 3),
        "imagesWaiting": round(waiting, 3),
        "warmReplicas": warm,
        "imagesPerWarmReplica": round((in_flight + waiting) / warm, 3),
        "replicaFloor": routes.replica_floor,
    }
