"""Who reads keeps nobody out who has sent his images; these take a place each."""

from contextlib import ExitStack

import pytest
from inference_api.access.clients import Client, Priority, Quota
from inference_api.prediction.admission import Admission
from inference_api.prediction.memory_budget import MemoryBudget
from inference_api.problems import Full, Overloaded
from inference_api.quota.limiter import Limiter
from inference_api.quota.refusals import QuotaExceeded
from inference_api.routing.traffic import Traffic

MAX_IN_FLIGHT = 4
NORMAL = Client("study")
URGENT = Client("stroke", priority=Priority.URGENT)


@pytest.fixture
def admission() -> Admission:
    return Admission(Traffic(MAX_IN_FLIGHT), MemoryBudget(1000), Limiter(1, lambda: 0.0))


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
        assert len(admission.readers) == 4 * MAX_IN_FLIGHT
        with pytest.raises(Overloaded), admission.working(1):
            pass


@pytest.mark.parametrize(
    ("clients", "who", "images"),
    [
        pytest.param([NORMAL], NORMAL, 4, id="no-reserve-without-urgent-clients"),
        pytest.param([NORMAL, URGENT], NORMAL, 3, id="what-is-not-reserved"),
        pytest.param([NORMAL, URGENT], NORMAL, 16, id="a-batch-above-it-takes-all-but-the-reserve"),
        pytest.param([NORMAL, URGENT], URGENT, 1, id="the-reserve-is-for-the-urgent"),
    ],
)
def test_the_reserve_of_urgent_clients(clients: list[Client], who: Client, images: int) -> None:
    limiter = Limiter(1, lambda: 0.0)
    limiter.follow(clients)
    admission = Admission(Traffic(MAX_IN_FLIGHT), MemoryBudget(1000), limiter, urgent_reserve=1)
    with ExitStack() as running:
        if who is URGENT:
            running.enter_context(admission.working(16, NORMAL))
        running.enter_context(admission.working(images, who))
        if URGENT in clients and who is NORMAL:
            with pytest.raises(Overloaded):
                running.enter_context(admission.working(1, NORMAL))


def test_what_finds_no_place_costs_nothing_of_a_quota() -> None:
    limiter, client = Limiter(1, lambda: 0.0), Client("pacs", quota=Quota(1))
    admission = Admission(Traffic(1), MemoryBudget(1000), limiter)
    with admission.working(1), pytest.raises(Overloaded), admission.working(1, client):
        pass
    with admission.working(1, client), pytest.raises(Overloaded), admission.working(1):
        pass
    with pytest.raises(QuotaExceeded), admission.working(1, client):
        pass
    with admission.working(1):  # the place of a client that was refused is free again
        pass
