"""Who reads keeps nobody out who has sent his images; these take a place each."""

from contextlib import ExitStack

import pytest
from inference_api.prediction.admission import Admission
from inference_api.prediction.memory_budget import MemoryBudget
from inference_api.problems import Full, Overloaded
from inference_api.routing.traffic import Traffic

MAX_IN_FLIGHT = 4


@pytest.fixture
def admission() -> Admission:
    return Admission(Traffic(MAX_IN_FLIGHT), MemoryBudget(1000))


@pytest.mark.parametrize(
    ("working", "image_count", "admitted"),
    [
        pytest.param([1, 1, 1], 1, True, id="the-last-place"),
        pytest.param([1, 1, 1, 1], 1, False, id="none-is-left"),
        pytest.param([1], 3, True, id="a-batch-takes-what-it-holds"),
        pytest.param([1], 4, False, id="and-not-less"),
        pytest.param([], 16, True, id="a-batch-above-the-bound-takes-all"),
        pytest.param([16], 1, False, id="and-is-alone"),
    ],
)
def test_places(admission: Admission, working: list[int], image_count: int, admitted: bool) -> None:
    with ExitStack() as running:
        for count in working:
            running.enter_context(admission.working(count))
        if admitted:
            running.enter_context(admission.working(image_count))
        else:
            with pytest.raises(Overloaded) as refused:
                running.enter_context(admission.working(image_count))
            assert refused.value.full is Full.PLACES


def test_whoever_sends_nothing_keeps_nobody_out(admission: Admission) -> None:
    with ExitStack() as running:
        for number in range(4 * MAX_IN_FLIGHT):
            running.enter_context(admission.reading(f"client-{number % 4}"))
        for _ in range(MAX_IN_FLIGHT):
            running.enter_context(admission.working(1))
