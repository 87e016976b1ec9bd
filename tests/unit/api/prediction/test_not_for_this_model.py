"""A file that a version is not for is refused by stable, and counts against no canary."""

import asyncio
import json
from typing import Any

import pytest
from inference_api.prediction import self_test
from inference_api.prediction.memory_budget import MemoryBudget
from inference_api.prediction.uploads import Decoder
from inference_api.routing.counters import empty_shadow
from inference_api.routing.document import InvalidRoutes, parse
from inference_api.transport.request_buffers import RequestBuffers

from ci.stack.waiting import until
from tests.harness.routes import document
from tests.unit.api.prediction.fake_triton import Scene as Dispatching
from tests.unit.api.prediction.test_clients import AT_CANARY, NAMED, SHADOWED, Scene

# The picture that the scene sends is smaller.
OTHERS = {"smallestSize": [65_535, 65_535]}


def versions(**inputs: Any) -> dict[str, Any]:
    """`v1`, `v2`: what these versions are for."""
    found = document()["versions"]
    return {number: value | {"inputs": inputs.get(f"v{number}")} for number, value in found.items()}


async def test_stable_that_is_not_for_it_refuses_it() -> None:
    scene = Scene(versions=versions(v1=OTHERS), **SHADOWED)
    await scene.ask(NAMED)
    assert (scene.statuses, scene.triton.asked) == ([422], [])
    assert scene.traffic.snapshot()["totals"]["events"]["refused:not-for-this-model"] == 1


async def test_a_canary_that_is_not_for_it_is_not_asked_and_stable_is_counted() -> None:
    scene = Scene(versions=versions(v2=OTHERS), **AT_CANARY)
    await scene.ask(NAMED, times=30)
    assert (set(scene.statuses), scene.versions()) == ({200}, {1})
    assert scene.judged() == {"1": 30, "2": 0}
    counters = scene.traffic.snapshot()["totals"]["versions"]
    assert [(one["errors"], one["fallbacks"]) for one in counters.values()] == [(0, 0)] * len(counters)


async def test_a_canary_alone_that_is_for_it_answers() -> None:
    scene = Scene(versions=versions(v1=OTHERS), **AT_CANARY)
    await scene.ask(NAMED)
    assert (scene.statuses, scene.versions()) == ([200], {2})


async def test_a_shadow_that_is_not_for_it_counts_nothing() -> None:
    scene = Scene(versions=versions(v2=OTHERS), **SHADOWED)
    await scene.ask(NAMED)
    assert scene.traffic.snapshot()["inFlight"] == {"1": 1, "2": 1}
    consumer = asyncio.create_task(scene.shadow.run())
    await until(lambda: not scene.traffic.snapshot()["inFlight"], "the copy is done with")
    consumer.cancel()
    assert (scene.versions(), scene.traffic.shadow) == ({1}, empty_shadow())


async def test_a_worker_becomes_ready_whatever_the_version_is_for() -> None:
    scene = Dispatching(parse(json.dumps(document(versions=versions(v1=OTHERS))).encode()))
    decoder = Decoder(10**6, 5, MemoryBudget(10**8), RequestBuffers())
    assert await self_test.run(decoder, scene.dispatcher, scene.routes, scene.triton.now + 10)


def test_routes_with_inputs_that_this_api_does_not_know_are_refused() -> None:
    with pytest.raises(InvalidRoutes, match=r"versions\.2\.inputs\.species is not known"):
        parse(json.dumps(document(versions=versions(v2={"species": ["DOG"]}))).encode())
