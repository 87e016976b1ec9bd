"""Who may govern a server and a gateway: the oldest ModelRollout that names it. Pure."""

from dataclasses import dataclass
from typing import Any

from rollout_operator.edge.objects import gateway_name, server_name

Role = tuple[str, str]


@dataclass(frozen=True, order=True)
class Claim:
    """Of one rollout; smaller is older."""

    created: str
    name: str
    uid: str


def read_claim(rollout: Any) -> Claim:
    metadata = rollout["metadata"]
    return Claim(metadata.get("creationTimestamp") or "", metadata["name"], metadata.get("uid") or "")


def claimed(rollout: Any) -> list[Role]:
    """What it claims; a reference that is missing claims nothing."""
    names = {"server": server_name(rollout), "gateway": gateway_name(rollout)}
    return [(role, name) for role, name in names.items() if name]
