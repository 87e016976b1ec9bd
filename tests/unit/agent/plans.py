"""Plan documents for tests."""

import copy
from typing import Any


def artifact(version: int) -> dict[str, Any]:
    return {
        "version": version,
        "uri": f"https://store/resnet_medical-{version}.tar",
        "digest": f"sha256:{version:064x}",
    }


def document(**changes: Any) -> dict[str, Any]:
    """A plan, by default with version 1 as stable. A number under a role stands for the artifact of that version."""
    roles = {
        role: artifact(changes.pop(role)) if isinstance(changes.get(role), int) else None
        for role in ("stable", "canary", "previous")
    }
    if not any(roles.values()) and not {"stable", "canary"} & changes.keys():
        roles["stable"] = artifact(1)
    plan = {
        "schemaVersion": 1,
        "model": "resnet_medical",
        **roles,
        "load": {"timeoutSeconds": 300},
        "warmup": {"batchSizes": [1, 4, 8, 16], "maxSeconds": 120, "golden": {"atol": 0.02}},
    }
    return copy.deepcopy(plan | changes)
