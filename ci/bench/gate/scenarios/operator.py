"""The operator: its start, and visits to one rollout, with the unit tests' cluster in memory around it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ci.bench.gate.scenarios.program import Work
from ci.bench.gate.scenarios.still_loop import StillLoop

if TYPE_CHECKING:
    from tests.unit.rollout.edge.fake_cluster import FakeCluster

AT_REST, IN_RELEASE = "visit at rest", "visit in a release"
COUNTED: Mapping[str, int] = {AT_REST: 30, IN_RELEASE: 20}
TIMED: Mapping[str, int] = {AT_REST: 400, IN_RELEASE: 60}
REPLICAS, API_PODS = 4, 4
STEPS = [{"setWeight": 50}, {"pause": {"seconds": 100_000}}, {"setWeight": 100}]


class Operator:
    def __init__(self) -> None:
        self._loop = StillLoop()

    def start(self) -> None:
        import rollout_operator.main  # noqa: F401

    def ready(self) -> Mapping[str, Work]:
        asyncio.set_event_loop(self._loop)
        at_rest = self._loop.run_until_complete(_at_rest())
        in_release = self._loop.run_until_complete(_in_release())
        return {
            AT_REST: self._repeated(lambda: _look(at_rest)),
            IN_RELEASE: self._repeated(in_release.tick),
        }

    def _repeated(self, visit: Callable[[], Awaitable[object]]) -> Work:
        async def repeat(times: int) -> None:
            for _ in range(times):
                await visit()

        return lambda times: self._loop.run_until_complete(repeat(times))


async def _at_rest() -> "FakeCluster":
    """Healthy, with everything that the watches show."""
    from tests.unit.rollout.edge.fake_cluster import FakeCluster

    world = await FakeCluster(REPLICAS, API_PODS).run_until("Healthy")
    world.indexes.show()
    for _ in range(2):
        world.follow()
        await _look(world)
    return world


async def _look(world: "FakeCluster") -> None:
    """Its time stands still: no whole look becomes due."""
    await world.reconciler.reconcile(_name())


async def _in_release() -> "FakeCluster":
    """In a pause at half of the traffic: every visit reads, decides and writes what was counted."""
    from tests.unit.rollout.edge.fake_cluster import FakeCluster
    from tests.unit.rollout.specs import digest, uri

    world = await FakeCluster(REPLICAS, API_PODS).run_until("Healthy")
    artifact = {"uri": uri(2), "digest": digest(2)}
    world.server.edit_rollout(version=2, artifact=artifact, strategy={"steps": STEPS})
    for _ in range(60):
        await world.tick()
        if "pause" in str(world.status.get("message")):
            return world
    raise AssertionError(f"no pause but {world.phase}: {world.status.get('message')}")


def _name() -> str:
    from tests.unit.rollout.edge.api_server import ROLLOUT

    return ROLLOUT


def make(_: Path) -> Operator:
    return Operator()
