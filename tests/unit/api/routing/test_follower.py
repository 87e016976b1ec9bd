"""What is absent, empty or invalid is never an instruction."""

import json
import time

import pytest
from inference_api.routing.counters import Json
from inference_api.routing.document import Routes, document_id
from inference_api.routing.follower import Follower
from inference_api.routing.traffic import Traffic

from tests.harness.routes import document, only_stable
from tests.unit.api.some import some

TO_VERSION_2 = only_stable(step="promoted") | {"stable": {"version": 2, "weight": 100}}


class Scene:
    def __init__(self, content: bytes | str = "") -> None:
        self.content = content
        self.answering = True
        self.asked = 0
        self.traffic = Traffic(128)
        self.kept: list[bytes] = []
        self.follower = Follower(self.traffic, self, self._answers)

    @property
    def events(self) -> Json:
        events: Json = self.traffic.snapshot()["totals"]["events"]
        return events

    async def _answers(self, routes: Routes) -> bool:
        self.asked += 1
        return self.answering

    def read(self) -> bytes | str:
        return self.content

    def keep(self, content: bytes) -> None:
        self.kept.append(content)

    def write(self, routes: Json) -> None:
        self.content = json.dumps(routes).encode()


async def following() -> Scene:
    scene = Scene()
    scene.write(document())
    assert await scene.follower.poll()
    return scene


async def test_new_routes_are_put_in_force_once() -> None:
    scene = await following()
    assert some(scene.traffic.routes).id == document_id(document())
    assert not await scene.follower.poll()
    scene.write(document(step="step-2"))
    assert await scene.follower.poll()
    assert some(scene.traffic.routes).step == "step-2"
    assert scene.events["swaps"] == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param("routes.json cannot be read", "cannot be read", id="absent"),
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b'{"schemaVersion": 1, "mod', "not JSON", id="half-written"),
        pytest.param(json.dumps(document(step=None)).encode(), "step: must be a string", id="invalid"),
    ],
)
async def test_the_last_valid_routes_stay(content: bytes | str, reason: str) -> None:
    scene = await following()
    scene.content = content
    for _ in range(3):
        assert not await scene.follower.poll()
    assert some(scene.traffic.routes).id == document_id(document())
    assert reason in some(scene.traffic.rejected)["reason"]
    assert scene.events["rejected"] == 1


async def test_a_refusal_names_the_document_and_ends_with_the_next_good_one() -> None:
    scene = await following()
    refused = document(step=None)
    scene.write(refused)
    await scene.follower.poll()
    assert some(scene.traffic.rejected)["id"] == document_id(refused)
    scene.write(document())
    await scene.follower.poll()
    assert scene.traffic.rejected is None


async def test_another_stable_version_is_put_in_force_once_a_replica_answers_for_it() -> None:
    scene = await following()
    scene.write(TO_VERSION_2)
    scene.answering = False
    for _ in range(2):
        assert not await scene.follower.poll()
    assert some(scene.traffic.routes).stable.version.number == 1
    assert "no replica answers for stable version 2" in some(scene.traffic.rejected)["reason"]
    scene.answering = True
    assert await scene.follower.poll()
    assert (some(scene.traffic.routes).stable.version.number, scene.traffic.rejected) == (2, None)


async def test_taking_weight_away_waits_for_nobody() -> None:
    scene = await following()
    scene.answering = False
    scene.write(only_stable())
    assert await scene.follower.poll()
    assert scene.asked == 0


async def test_without_any_routes_the_first_are_put_in_force() -> None:
    scene = Scene("routes.json cannot be read")
    scene.answering = False
    assert not await scene.follower.poll()
    assert scene.traffic.routes is None
    scene.write(document())
    assert await scene.follower.poll()


async def test_routes_from_the_future_are_refused_with_a_reason_and_block_nothing() -> None:
    scene = await following()
    scene.write(document(step="hostile", revision=2**53 - 1))
    assert not await scene.follower.poll()
    assert "more than a day ahead of the clock" in str(scene.traffic.snapshot()["rejected"])
    assert some(scene.traffic.routes).step != "hostile"
    scene.write(document(step="mended", revision=int(time.time())))
    assert await scene.follower.poll()
    assert some(scene.traffic.routes).step == "mended"
