"""A canary that proved itself and then goes bad at weight 50: the clients get stable's answers.

test_the_harness.py shows what happens without the protection: it asks such a version through the reference API.
"""

from collections.abc import Iterator

import pytest
from modelctl.demo.samples import mark_corner

from ci.load.images import encode_jpeg, grey_pixels
from ci.stack.api import Api
from ci.stack.waiting import wait_until
from tests.harness.stack import STABLE, Stack, answered_by_triton, status

pytestmark = pytest.mark.integration

FAILS, NAN, HANGS, KILLS = 12, 13, 14, 7
WEIGHT = 50


@pytest.fixture
def replaced_afterwards(stack: Stack) -> Iterator[Stack]:
    """For a version that hangs: only a new Triton gets rid of it."""
    yield stack
    stack.replace()


@pytest.mark.parametrize("canary", [pytest.param(FAILS, id="fails"), pytest.param(NAN, id="nan")])
def test_a_canary_that_always_fails_costs_no_request_and_ejects_nobody(
    stack: Stack, apis: list[Api], images: list[bytes], canary: int
) -> None:
    check_that_stable_answers(stack, apis, images, canary)


def test_a_canary_that_always_hangs_costs_no_request_and_ejects_nobody(
    replaced_afterwards: Stack, apis: list[Api], images: list[bytes]
) -> None:
    check_that_stable_answers(replaced_afterwards, apis, images, HANGS)


def check_that_stable_answers(stack: Stack, apis: list[Api], images: list[bytes], canary: int) -> None:
    stack.load_version(canary)
    with stack.load(apis, images, stack.expected(images, STABLE)) as load:
        load.wait_until_answered(200)
        stack.route(apis, canary, WEIGHT)
        load.wait_until_answered(600)
        before = [answered_by_triton(replica) for replica in stack.replicas]
        load.wait_until_answered(200)
        after = [answered_by_triton(replica) for replica in stack.replicas]
        fallbacks = [status(api)["counters"][str(canary)]["fallbacks"] for api in apis]
        result = load.finish(at_least=1000)
    print(f"fallbacks by API: {fallbacks}")
    assert result.failed == 0
    assert result.by_version() == {STABLE: result.sent}
    assert all(count > 0 for count in fallbacks), "the canary was asked"
    assert all(b - a > 50 for a, b in zip(before, after, strict=True)), "stable is asked on both replicas"


def test_a_canary_that_kills_triton_on_one_image_costs_no_request(
    stack: Stack, apis: list[Api], images: list[bytes]
) -> None:
    trigger = encode_jpeg(mark_corner(grey_pixels(0)))
    mixed = [*images, trigger]
    expected = stack.expected(mixed, STABLE) | {KILLS: [*stack.expected(images, KILLS)[KILLS], "never"]}
    stack.load_version(KILLS)
    pids = [replica.triton_pid() for replica in stack.replicas]
    with stack.load(apis, mixed, expected) as load:
        load.wait_until_answered(200)
        stack.route(apis, KILLS, WEIGHT)
        wait_until(lambda: any(status(api)["suspended"] for api in apis), "an API suspended the canary")
        # As the operator does. Otherwise the other API asks the canary again once the replica is back, and after 20
        # good answers on the second replica, too.
        stack.route(apis)
        load.wait_until_answered(800)
        result = load.finish(at_least=1000)
    died = [replica.name for replica, pid in zip(stack.replicas, pids, strict=True) if replica.triton_pid() != pid]
    print(f"Tritons that died: {died}")
    assert died, "the canary killed nobody: the trigger did not reach it"
    assert len(died) == 1, "it took both replicas"
    assert result.failed == 0
