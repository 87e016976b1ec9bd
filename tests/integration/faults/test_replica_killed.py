"""One of two Triton replicas dies under load, and comes back.

test_the_harness.py shows what happens without the protection: it kills a Triton under the reference API.
"""

import pytest

from ci.stack.api import Api
from ci.stack.replica import Replica
from ci.stack.waiting import wait_until
from tests.harness.stack import STABLE, Stack, answered_by_triton

pytestmark = pytest.mark.integration


def kill_triton(replica: Replica) -> None:
    """The agent starts it again."""
    replica.kill_triton()


def kill_everything(replica: Replica) -> None:
    """As when a node is lost: the agent dies too, and only this test starts it again."""
    replica.kill()
    replica.start()


@pytest.mark.parametrize(
    "kill", [pytest.param(kill_triton, id="triton-alone"), pytest.param(kill_everything, id="triton-and-agent")]
)
def test_a_killed_replica_costs_no_request_and_serves_again(
    stack: Stack, apis: list[Api], images: list[bytes], kill: object
) -> None:
    victim = stack.replicas[0]
    with stack.load(apis, images, stack.expected(images, STABLE)) as load:
        load.wait_until_answered(400)
        started = answered_by_triton(victim)
        kill(victim)  # type: ignore[operator]
        load.mark("killed")
        wait_until(lambda: answered_by_triton(victim) < started, "Triton is down or new")
        stack.wait_until_state(STABLE, "Warm", on=[victim])
        load.mark("back")
        back = answered_by_triton(victim)
        wait_until(lambda: answered_by_triton(victim) > back + 100, "the killed replica serves again", 60)
        result = load.finish(at_least=1000)
    print(f"while it was down: {result.between('killed', 'back')}")
    assert result.failed == 0
