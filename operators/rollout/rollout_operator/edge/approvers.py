"""Reads the list of approvers anew for each reconcile, so that a change of it needs no restart."""

from typing import Protocol

from rollout_operator.approvals.approvers import KEY, Approvers, parse_approvers
from rollout_operator.documents.codec import Json
from rollout_operator.edge.errors import ClusterError, Missing


class ReadsApprovers(Protocol):
    """Raises Missing when the object is not there, and other ClusterErrors."""

    def read_config_map(self, name: str, namespace: str = "") -> Json: ...


def read_approvers(cluster: ReadsApprovers, name: str, namespace: str) -> Approvers | None:
    """None: no ConfigMap is named. Raises nothing: what cannot be read opens no gate, and harms nothing else."""
    if not name:
        return None
    place = f"ConfigMap {namespace}/{name}"
    try:
        data = cluster.read_config_map(name, namespace).get("data") or {}
    except Missing:
        return parse_approvers(None, place)
    except ClusterError as error:
        return Approvers(problem=f"{place} cannot be read: {error}", place=place)
    return parse_approvers(data.get(KEY), place)
