"""What a watch still shows though it was deleted.

A watch that cannot be resumed (the API server was away, and forgot the version where it ended) begins anew with a list,
and Kopf does not miss in it what was deleted in between. What contradicts itself is therefore asked for by name.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Protocol

from rollout_operator.documents.codec import Json
from rollout_operator.edge.errors import Missing
from rollout_operator.edge.ownership import Owner
from rollout_operator.edge.pods import PodRecord

MAX_ASKED = 16  # pods in one look


class ByName(Protocol):
    def read_pod(self, name: str) -> Json: ...

    def read_rollout(self, name: str) -> Json: ...


def stale_among(cluster: ByName, silent: Iterable[PodRecord]) -> frozenset[str]:
    """Uids of the pods that are said to be Ready, do not answer, and are not there; others are gone in five minutes."""
    doubtful = (pod for pod in silent if pod.not_ready_since is None)
    asked = islice(doubtful, MAX_ASKED)
    return frozenset(pod.uid for pod in asked if not _is_there(cluster.read_pod, pod.name, pod.uid))


def first_there(cluster: ByName, owners: Iterable[Owner]) -> str:
    """Name of the first rollout that still exists; empty when none does."""
    return next((one.name for one in owners if _is_there(cluster.read_rollout, one.name, one.uid)), "")


def _is_there(read: Callable[[str], Json], name: str, uid: str) -> bool:
    try:
        return bool(read(name)["metadata"].get("uid") == uid)
    except Missing:
        return False
