"""Which ModelRollout owns a StatefulSet and a Deployment: the oldest one that refers to them. Pure."""

from dataclasses import dataclass
from typing import Any

from rollout_operator.edge.objects import api_name, triton_name

Role = tuple[str, str]


@dataclass(frozen=True, order=True)
class Owner:
    """A ModelRollout that refers to a workload; smaller is older."""

    created: str
    name: str
    uid: str


def read_owner(rollout: Any) -> Owner:
    """From a ModelRollout as the API server gives it."""
    metadata = rollout["metadata"]
    return Owner(metadata.get("creationTimestamp") or "", metadata["name"], metadata.get("uid") or "")


def owned_roles(rollout: Any) -> list[Role]:
    """The workloads that it refers to; a missing reference owns nothing."""
    names = {"triton": triton_name(rollout), "api": api_name(rollout)}
    return [(role, name) for role, name in names.items() if name]
