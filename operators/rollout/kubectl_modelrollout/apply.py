"""Writes an edit of the spec to the cluster."""

from typing import Protocol

from rollout_operator.documents.codec import Json

from kubectl_modelrollout.edits import Edit
from kubectl_modelrollout.errors import Conflict, Problem

ATTEMPTS = 20


class Writes(Protocol):
    """What an edit asks of the API server."""

    def find_rollout(self, name: str | None) -> Json: ...

    def patch_rollout(self, name: str, change: Json) -> None: ...


def apply(cluster: Writes, body: Json, edit: Edit) -> None:
    """`body`: what the edit was made from. Raises Problem when somebody edited the spec since.

    The operator writes the status every second of a release: that changes the resourceVersion, but no generation.
    """
    seen = body["metadata"]
    for _ in range(ATTEMPTS):
        change = {"metadata": {"resourceVersion": body["metadata"]["resourceVersion"]}, "spec": edit.change}
        try:
            return cluster.patch_rollout(seen["name"], change)
        except Conflict:
            body = cluster.find_rollout(seen["name"])
        if (body["metadata"]["uid"], body["metadata"]["generation"]) != (seen["uid"], seen["generation"]):
            raise Problem("somebody edited the ModelRollout meanwhile; check the edit, then run the command again")
    raise Problem("the ModelRollout was written by others during each of the attempts; run the command again")
