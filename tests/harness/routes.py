"""Routes documents for tests of the API."""

import copy
from typing import Any

LABELS = ["Glioma", "Meningioma", "Pituitary", "No Tumor"]
PREPROCESSING = {
    "resample": "bicubic",
    "scale": 1 / 255,
    "mean": [0, 0, 0],
    "std": [1, 1, 1],
    "intensity": None,
}


def document(**changes: Any) -> dict[str, Any]:
    """Version 1 at 90 %, version 2 at 10 %, both on two replicas; `changes` replace whole fields, None included."""
    version = {"labels": LABELS, "preprocessing": PREPROCESSING}
    routes = {
        "schemaVersion": 1,
        "model": "resnet_medical",
        "step": "step-1",
        "stable": {"version": 1, "weight": 90},
        "canary": {"version": 2, "weight": 10},
        "shadow": None,
        "assignment": {"header": "X-Study-Id", "salt": "sha256:22"},
        "versions": {
            "1": version | {"digest": "sha256:" + "1" * 64},
            "2": version | {"digest": "sha256:" + "2" * 64},
        },
        "replicas": [
            {"name": "a", "url": "http://127.0.0.71:8000", "versions": [1, 2]},
            {"name": "b", "url": "http://127.0.0.72:8000", "versions": [1, 2]},
        ],
    }
    return copy.deepcopy(routes | changes)


def only_stable(**changes: Any) -> dict[str, Any]:
    """Version 1 at 100 %, no canary."""
    return document(stable={"version": 1, "weight": 100}, canary=None, **changes)
