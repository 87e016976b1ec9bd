"""Writes an edit of the spec to the cluster, and leaves its fields with their owners."""

from typing import Protocol

from rollout_operator.documents.codec import Json

from kubectl_modelrollout.edits import Edit
from kubectl_modelrollout.errors import Conflict, Problem
from kubectl_modelrollout.owners import Owners, give_back

ATTEMPTS = 20


class Writes(Protocol):
    """What an edit asks of the API server."""

    def find_rollout(self, name: str | None) -> Json: ...

    def patch_rollout(self, name: str, change: Json) -> Json: ...


def apply(cluster: Writes, body: Json, edit: Edit) -> bool:
    """`body`: what the edit was made from. Raises Problem when somebody edited the spec since.

    The operator writes the status every second of a release: that changes the resourceVersion, but no generation.
    Returns False if the edit is written and its fields could not be given back to their owners.
    """
    written = _write(cluster, body, edit)
    try:
        return _give_back(cluster, written, body["metadata"].get("managedFields", []))
    except Problem:
        return False


def _write(cluster: Writes, body: Json, edit: Edit) -> Json:
    """The object then."""
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


def _give_back(cluster: Writes, body: Json, before: Owners) -> bool:
    """With a patch of its own: together with the edit, the API server would make us the manager again."""
    seen = body["metadata"]
    for _ in range(ATTEMPTS):
        metadata = body["metadata"]
        owners = give_back(metadata.get("managedFields", []), before)
        change = {"metadata": {"resourceVersion": metadata["resourceVersion"], "managedFields": owners}}
        try:
            cluster.patch_rollout(seen["name"], change)
        except Conflict:
            body = cluster.find_rollout(seen["name"])
        else:
            return True
        if (body["metadata"]["uid"], body["metadata"]["generation"]) != (seen["uid"], seen["generation"]):
            return False
    return False
