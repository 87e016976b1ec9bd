"""Carries out a Decision: status, plan, routes, each on the resourceVersion that it was decided on.

The status is written first, so that it is never behind what is published. Only when traffic is taken away the
routes come first.
"""

from collections.abc import Callable
from typing import Protocol

from rollout_operator.decide.decision import Decision
from rollout_operator.documents.codec import Json
from rollout_operator.edge.errors import Conflict
from rollout_operator.edge.objects import (
    PLAN_KEY,
    ROUTES_KEY,
    plan_name,
    routes_name,
    with_document,
    with_status,
    with_writer,
)
from rollout_operator.edge.observe import Observed
from rollout_operator.edge.rollout_objects import Objects


class WritesObjects(Protocol):
    """On the resourceVersion in the object: raises Conflict when another was stored meanwhile, else ClusterError."""

    def read_rollout(self, name: str) -> Json: ...

    def write_status(self, rollout: Json) -> Json: ...

    def write_config_map(self, config_map: Json) -> Json: ...


class Actor:
    """Writes what was decided.

    `check` raises NotLeader. It is called before each write, as the process may have been frozen since the last one.
    """

    def __init__(self, writes: WritesObjects, check: Callable[[], None], identity: str) -> None:
        self._writes, self._check, self._identity = writes, check, identity

    def claim(self, objects: Objects) -> None:
        """Writes plan and routes unchanged: a write that the previous leader still makes then meets a Conflict."""
        for config_map in (objects.plan_map, objects.routes_map):
            if config_map is not None:
                self._check()
                self._writes.write_config_map(with_writer(config_map, self._identity))

    def is_idle(self, decision: Decision, observed: Observed) -> bool:
        """The decision writes nothing."""
        return decision.plan is None and decision.routes is None and not _has_new_status(decision, observed.objects)

    def act(self, decision: Decision, observed: Observed) -> None:
        """Raises NotLeader and ClusterError. What was not written then is decided again at the next reconcile."""
        order = [self._write_status, self._write_plan, self._write_routes]
        if decision.is_urgent:
            order = [self._write_routes, self._write_status, self._write_plan]
        for write in order:
            write(decision, observed.objects)

    def _write_status(self, decision: Decision, objects: Objects) -> None:
        if _has_new_status(decision, objects):
            self._check()
            try:
                self._writes.write_status(with_status(objects.rollout, decision.status_document))
            except Conflict:
                if not decision.is_urgent:
                    raise
                self._write_status_again(decision, objects.rollout)

    def _write_status_again(self, decision: Decision, rollout: Json) -> None:
        """The routes are published already: a status that stays behind them would begin the steps anew. An edit of the
        spec at that moment, as `helm upgrade` makes, is no reason for that; another writer of the status is.
        """
        newest = self._writes.read_rollout(rollout["metadata"]["name"])
        is_same = newest["metadata"]["uid"] == rollout["metadata"]["uid"]
        if not is_same or newest.get("status") != rollout.get("status"):
            raise Conflict(f"the status of {rollout['metadata']['name']} has been written by another")
        self._check()
        self._writes.write_status(with_status(newest, decision.status_document))

    def _write_plan(self, decision: Decision, objects: Objects) -> None:
        if decision.plan:
            name, before = plan_name(objects.triton_name), objects.plan_map
            self._write(with_document(name, PLAN_KEY, decision.plan, before, self._identity))

    def _write_routes(self, decision: Decision, objects: Objects) -> None:
        if decision.routes:
            name, before = routes_name(objects.api_name), objects.routes_map
            self._write(with_document(name, ROUTES_KEY, decision.routes, before, self._identity))

    def _write(self, config_map: Json) -> None:
        self._check()
        self._writes.write_config_map(config_map)


def _has_new_status(decision: Decision, objects: Objects) -> bool:
    return decision.status_document != objects.rollout.get("status")
