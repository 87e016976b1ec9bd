"""Objects that the watches still show although they were deleted.

A watch that cannot be resumed (the API server was unreachable, and no longer has the version where the watch ended)
starts again with a list, and Kopf does not notice what is missing in it. So the API server is asked by name for what
contradicts itself: a pod that is Ready and silent, an older rollout in the way.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Protocol

from rollout_operator.documents.codec import Json
from rollout_operator.edge.errors import Missing
from rollout_operator.edge.ownership import Owner
from rollout_operator.edge.pods import PodRecord

MAX_ASKED = 16  # pods in one reconcile


class ByName(Protocol):
    """Reads one object by name from the API server; raises Missing."""

    def read_pod(self, name: str) -> Json: ...

    def read_rollout(self, name: str) -> Json: ...


def stale_among(cluster: ByName, silent: Iterable[PodRecord]) -> frozenset[str]:
    """Uids of those that are Ready by the watches and do not exist. Others are given up after five minutes."""
    doubtful = (pod for pod in silent if pod.not_ready_since is None)
    asked = islice(doubtful, MAX_ASKED)
    return frozenset(pod.uid for pod in asked if not _is_there(cluster.read_pod, pod.name, pod.uid))


def first_there(cluster: ByName, owners: Iterable[Owner]) -> str:
    """The name of the first rollout that still exists; empty when none does."""
    return next((one.name for one in owners if _is_there(cluster.read_rollout, one.name, one.uid)), "")


def _is_there(read: Callable[[str], Json], name: str, uid: str) -> bool:
    try:
        return bool(read(name)["metadata"].get("uid") == uid)
    except Missing:
        return False
