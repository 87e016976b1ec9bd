"""What an autoscaler reads: averages of the workers, and the floor of the routes."""

import json
from typing import Any

import pytest
from inference_api.process.image_load import AVERAGED_SECONDS, ImageLoad
from inference_api.process.scaling import scaling_report
from inference_api.routing.counters import Json
from inference_api.routing.document import InvalidRoutes, parse

from tests.harness.routes import document


class Clock:
    """In seconds; moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def averaged(*notes: tuple[float, int, int]) -> Json:
    """Each note is the seconds since the one before, images in flight, and images in work."""
    clock = Clock()
    load = ImageLoad(clock)
    for seconds, in_flight, in_work in notes:
        clock.now += seconds
        load.note(in_flight, in_work)
    return load.document()


FULL = [(0.1, 6, 8)] * 1000  # 100 s


@pytest.mark.parametrize(
    ("notes", "in_flight", "waiting"),
    [
        pytest.param([], 0, 0, id="nothing-yet"),
        pytest.param([(0.0, 9, 9)], 0, 0, id="no-time-passed"),
        pytest.param(FULL, 6, 2, id="steady"),
        pytest.param([*FULL, (0.1, 0, 0)], 5.94, 1.98, id="one-look-at-an-idle-moment-says-little"),
        pytest.param([*FULL, (AVERAGED_SECONDS, 0, 0)], 2.21, 0.74, id="a-third-after-its-time"),
        pytest.param([*FULL, (1000.0, 0, 0)], 0, 0, id="forgotten"),
        pytest.param([(1000.0, 5, 2)], 5, 0, id="shadow-copies-are-in-no-request"),
    ],
)
def test_the_average(notes: list[tuple[float, int, int]], in_flight: float, waiting: float) -> None:
    assert averaged(*notes) == pytest.approx({"inFlight": in_flight, "waiting": waiting}, abs=0.01)


def worker(in_flight: float, waiting: float = 0) -> Json:
    return {"imageLoad": {"inFlight": in_flight, "waiting": waiting}}


def report(live: list[Json | None], **changes: Any) -> Json:
    return scaling_report(parse(json.dumps(document(**changes)).encode()), live)


ONE_COLD = [
    {"name": "a", "url": "http://127.0.0.71:8000", "versions": [1, 2]},
    {"name": "b", "url": "http://127.0.0.72:8000", "versions": [2]},
]


@pytest.mark.parametrize(
    ("live", "changes", "numbers"),
    [
        pytest.param([worker(4, 2)], {}, (6, 4, 2, 2, 3), id="one-worker"),
        pytest.param([worker(4, 2), worker(1), None], {}, (7, 5, 2, 2, 3.5), id="workers-are-summed"),
        pytest.param([worker(4, 2)], {"replicas": ONE_COLD}, (6, 4, 2, 1, 6), id="stable-is-not-warm-on-one"),
        pytest.param([], {}, (0, 0, 0, 2, 0), id="no-worker"),
    ],
)
def test_the_numbers(live: list[Json | None], changes: Json, numbers: tuple[float, ...]) -> None:
    told = report(live, **changes)
    names = ("images", "imagesInFlight", "imagesWaiting", "warmReplicas", "imagesPerWarmReplica")
    assert tuple(told[name] for name in names) == numbers
    assert all(type(value) in (int, float) for value in told.values()), "KEDA reads numbers only"


@pytest.mark.parametrize(("routes", "floor"), [({}, 0), ({"replicaFloor": None}, 0), ({"replicaFloor": 3}, 3)])
def test_the_floor_is_that_of_the_routes(routes: Json, floor: int) -> None:
    assert report([], **routes)["replicaFloor"] == floor


@pytest.mark.parametrize("value", [-1, 2.0, "2", True, [2], 2**31], ids=str)
def test_a_floor_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(InvalidRoutes, match=r"^replicaFloor: is .*; write a number of replicas, or leave it out$"):
        report([], replicaFloor=value)
