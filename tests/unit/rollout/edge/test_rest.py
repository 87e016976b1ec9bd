"""Looks at a rollout at rest: what they need not read, and what ends the rest at once."""

import json
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from rollout_operator.documents.codec import canonical_id
from rollout_operator.edge.rest import WHOLE_LOOK_SECONDS, Sighting
from rollout_operator.edge.watching import Watches

from ci.stack.cluster_objects import PLAN, ROUTES, TRITON, ready_condition
from tests.unit.rollout.edge.api_server import ROLLOUT
from tests.unit.rollout.edge.fake_cluster import FakeCluster
from tests.unit.rollout.healthy_cluster import GOOD
from tests.unit.rollout.specs import digest, uri


async def at_rest() -> FakeCluster:
    """Healthy, shown by the watches, and looked at once more."""
    world = await FakeCluster().run_until("Healthy")
    await look(world)
    return world


async def look(world: FakeCluster) -> list[str]:
    """The kinds of objects that a look reads, in order. All watches show what there is, those of pods too."""
    read: list[str] = []
    world.server.before = lambda verb, kind, name: read.append(kind) if verb == "read" else None
    world.indexes.show()
    world.follow()
    world.clock.now_seconds += 1
    await world.reconcile()
    return read


async def test_nothing_that_somebody_watches_is_read() -> None:
    world = await at_rest()
    before, dice = list(world.server.log), random.Random(0)
    for _ in range(5):
        for api in world.pod_client.apis.values():
            api.serve(GOOD, dice, requests=60)
        world.pod_client.asked.clear()
        assert await look(world) == []
        assert len(world.pod_client.asked) == 4, "every pod is asked"
    assert world.server.log == before


async def test_a_whole_look_comes_again_whatever_the_watches_show() -> None:
    world = await at_rest()
    read = [await look(world) for _ in range(round(2 * WHOLE_LOOK_SECONDS))]
    assert 1 <= sum("ModelRollout" in kinds for kinds in read) <= 2


def set_map(name: str, key: str, text: str) -> Callable[[FakeCluster], object]:
    """Somebody writes it."""
    return lambda world: world.server.objects["ConfigMap", name].update(data={key: text})


def make_older(name: str, key: str) -> Callable[[FakeCluster], object]:
    """Somebody puts an old copy back."""

    def change(world: FakeCluster) -> None:
        document = json.loads(world.server.data(name, key))
        document["revision"] -= 1
        document["id"] = canonical_id(document)
        set_map(name, key, json.dumps(document))(world)

    return change


def forget_status(world: FakeCluster) -> None:
    rollout = world.server.rollout()
    del rollout["status"]
    rollout["metadata"]["resourceVersion"] = "somebody-else's"


def unready(pod: str) -> Callable[[FakeCluster], object]:
    return lambda world: world.server.objects["Pod", pod]["status"].update(conditions=[ready_condition(False)])


def scale(world: FakeCluster) -> None:
    world.server.objects["StatefulSet", TRITON]["spec"]["replicas"] = 3


def silence_agent(world: FakeCluster) -> None:
    world.pod_client.agents["triton-0"].up = False


def lose_the_version(world: FakeCluster) -> None:
    world.pod_client.agents["triton-0"].die()


def silence_api(world: FakeCluster) -> None:
    next(iter(world.pod_client.apis.values())).up = False


def restart_api(world: FakeCluster) -> None:
    next(iter(world.pod_client.apis.values())).start += 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(set_map(PLAN, "plan.json", ""), id="the-plan-is-emptied"),
        pytest.param(set_map(ROUTES, "routes.json", "{}"), id="the-routes-are-edited"),
        pytest.param(make_older(PLAN, "plan.json"), id="the-plan-is-old"),
        pytest.param(make_older(ROUTES, "routes.json"), id="the-routes-are-old"),
        pytest.param(lambda world: world.server.remove("ConfigMap", PLAN), id="the-plan-is-deleted"),
        pytest.param(lambda world: world.server.remove("ConfigMap", ROUTES), id="the-routes-are-deleted"),
        pytest.param(
            lambda world: world.server.edit_rollout(version=2, artifact={"uri": uri(2), "digest": digest(2)}),
            id="the-spec-is-edited",
        ),
        pytest.param(forget_status, id="the-status-is-removed"),
        pytest.param(unready("triton-0"), id="a-replica-is-not-Ready"),
        pytest.param(unready("api-0"), id="an-API-pod-is-not-Ready"),
        pytest.param(lambda world: world.server.remove("Pod", "triton-1"), id="a-replica-is-gone"),
        pytest.param(lambda world: world.add_api("api-2", "127.0.2.2"), id="an-API-pod-is-new"),
        pytest.param(scale, id="the-StatefulSet-is-scaled"),
        pytest.param(silence_agent, id="an-agent-is-silent"),
        pytest.param(lose_the_version, id="an-agent-says-something-else"),
        pytest.param(silence_api, id="an-API-pod-is-silent"),
        pytest.param(restart_api, id="an-API-pod-began-anew"),
        pytest.param(
            lambda world: world.server.add_rollout("older", "2025-01-01T00:00:00Z"), id="an-older-rollout-refers-to-it"
        ),
    ],
)
async def test_what_ends_the_rest_is_seen_by_the_next_look(change: Callable[[FakeCluster], object]) -> None:
    world = await at_rest()
    assert await look(world) == []
    change(world)
    assert "ModelRollout" in await look(world)


async def test_a_deletion_that_went_unseen_is_seen_once_the_watch_began_anew() -> None:
    world = await at_rest()
    world.server.remove("ModelRollout", ROLLOUT)
    assert await world.reconcile() is not None, "the watch still shows it"
    world.indexes.sightings[ROLLOUT] = replace(world.indexes.sightings[ROLLOUT], listing=1)
    assert await world.reconcile() is None


async def test_while_a_previous_version_is_kept_the_clock_decides() -> None:
    world = await at_rest()
    world.server.edit_rollout(version=2, artifact={"uri": uri(2), "digest": digest(2)})
    await world.run_until("Healthy")
    await look(world)
    assert "ModelRollout" in await look(world)


# What the watches tell.


def metadata(version: str, name: str = "r") -> dict[str, object]:
    return {"name": name, "uid": f"uid-{name}", "generation": 1, "resourceVersion": version}


Event = tuple[str | None, dict[str, object]]


@pytest.mark.parametrize(
    ("events", "seen"),
    [
        pytest.param([], None, id="never-seen"),
        pytest.param([(None, metadata("5"))], Sighting(0, "uid-r", "5"), id="listed"),
        pytest.param([(None, metadata("5")), ("MODIFIED", metadata("6"))], Sighting(0, "uid-r", "6"), id="written"),
        pytest.param([(None, metadata("5")), ("DELETED", metadata("6"))], None, id="deleted"),
        pytest.param([(None, metadata("5")), (None, metadata("5"))], Sighting(1, "uid-r", "5"), id="listed-again"),
        pytest.param(
            [(None, metadata("5")), (None, metadata("1", "s"))], Sighting(0, "uid-r", "5"), id="another-is-listed"
        ),
        pytest.param(
            [(None, metadata("5")), (None, metadata("1", "s")), (None, metadata("1", "s"))],
            Sighting(1, "uid-r", "5"),
            id="another-is-listed-again",
        ),
    ],
)
def test_a_sighting_is_of_what_came_last(events: list[Event], seen: Sighting | None) -> None:
    watches = Watches(lambda name: None, lambda pod: None)
    for event in events:
        watches.note_rollout(*event)
    assert watches.sighting("r") == seen
