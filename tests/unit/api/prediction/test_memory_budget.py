"""Two uses share a worker's memory, and neither can take what the other needs."""

from contextlib import ExitStack

import pytest
from inference_api.prediction.memory_budget import MemoryBudget
from inference_api.problems import Full, Overloaded, Problem

TOTAL = 1000


@pytest.fixture
def budget() -> MemoryBudget:
    return MemoryBudget(TOTAL)


@pytest.mark.parametrize(
    ("held", "client", "size", "full"),
    [
        pytest.param({}, "a", 250, None, id="a-client-may-take-a-quarter"),
        pytest.param({}, "a", 251, Full.CLIENT_SHARE, id="and-no-more"),
        pytest.param({"a": 200}, "a", 51, Full.CLIENT_SHARE, id="of-all-its-uploads-together"),
        pytest.param({"a": 250}, "b", 250, None, id="another-one-has-a-quarter-too"),
        pytest.param({"a": 250, "b": 250}, "c", 1, Full.MEMORY, id="bodies-have-half"),
    ],
)
def test_bodies(budget: MemoryBudget, held: dict[str, int], client: str, size: int, full: Full | None) -> None:
    for one, bytes_held in held.items():
        budget.body(one).hold(bytes_held)
    body = budget.body(client)
    if full is None:
        body.hold(size)
        assert budget.used_bytes == sum(held.values()) + size
        return
    with pytest.raises(Overloaded) as refused:
        body.hold(size)
    assert refused.value.full is full
    assert budget.used_bytes == sum(held.values()), "what was refused takes nothing"


def test_a_body_holds_the_most_that_it_was_told_and_gives_it_back_once(budget: MemoryBudget) -> None:
    body = budget.body("a")
    for size in (10, 40, 20):
        body.hold(size)
    assert budget.used_bytes == 40
    body.close()
    body.close()
    assert budget.used_bytes == 0
    budget.body("a").hold(250)


@pytest.mark.parametrize(
    ("bodies", "decoding", "size", "fits"),
    [
        pytest.param(0, 0, 750, True, id="a-quarter-is-left-for-bodies"),
        pytest.param(250, 0, 750, True, id="which-they-may-have-taken"),
        pytest.param(500, 0, 501, False, id="not-what-bodies-hold"),
        pytest.param(500, 0, 500, True, id="half-is-always-left-in-time"),
        pytest.param(0, 400, 351, False, id="not-what-another-image-takes"),
        pytest.param(0, 400, 350, True, id="two-at-once"),
    ],
)
def test_decoding(budget: MemoryBudget, bodies: int, decoding: int, size: int, fits: bool) -> None:
    for client in range(0, bodies, 250):
        budget.body(str(client)).hold(250)
    with ExitStack() as running:
        if decoding:
            running.enter_context(budget.decoding())(decoding)
        need = running.enter_context(budget.decoding())
        assert budget.can_decode(size) is fits
        if fits:
            need(size)
        else:
            with pytest.raises(Overloaded) as refused:
                need(size)
            assert (refused.value.full, refused.value.needed_bytes) == (Full.MEMORY, size)
        assert budget.used_bytes == bodies + decoding + size * fits
    assert budget.used_bytes == bodies


def test_an_image_holds_the_most_that_it_needs(budget: MemoryBudget) -> None:
    with budget.decoding() as need:
        for size in (300, 700, 500):
            need(size)
        assert budget.used_bytes == 700
    assert budget.used_bytes == 0


def test_what_never_fits_is_refused_for_good(budget: MemoryBudget) -> None:
    with budget.decoding() as need, pytest.raises(Problem, match="takes 751 bytes of memory; there are 750") as refused:
        need(751)
    assert refused.value.status == 413


def test_small_uploads_go_on_while_a_large_image_is_decoded(budget: MemoryBudget) -> None:
    with budget.decoding() as need:
        need(750)
        budget.body("a").hold(250)
        with pytest.raises(Overloaded):
            budget.body("b").hold(1)
