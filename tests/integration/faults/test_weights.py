"""Routes are edited under load: the share follows, and nothing else happens."""

import pytest

from ci.stack.api import Api
from tests.harness.stack import STABLE, Stack

pytestmark = pytest.mark.integration

# Its outputs are permuted: an answer that carries the other version's number is a wrong class for the harness.
CANARY = 3
# A canary may have a quarter of this in flight. A load has not that many users: stable answers for none of them.
UNBOUND = {"MAX_IN_FLIGHT": "1024"}


@pytest.mark.parametrize("apis", [pytest.param(UNBOUND, id="unbound")], indirect=True)
def test_moving_the_weight_fails_no_request_and_the_share_follows(
    stack: Stack, apis: list[Api], images: list[bytes]
) -> None:
    stack.load_version(CANARY)
    with stack.load(apis, images, stack.expected(images, STABLE, CANARY)) as load:
        load.wait_until_answered(300)
        for weight in (50, 100):
            load.mark(f"to {weight}")
            stack.route(apis, CANARY, weight)
            load.wait_until_answered(100)
            load.mark(f"at {weight}")
            load.wait_until_answered(500)
        result = load.finish(at_least=1400)
    shares = {
        weight: share(result.between(f"at {weight}", end).by_version()) for weight, end in ((50, "to 100"), (100, None))
    }
    print(f"the canary's share by weight: {shares}")
    assert result.failed == 0
    assert result.between(end="to 50").by_version().keys() == {STABLE}
    assert 0.38 < shares[50] < 0.62
    assert shares[100] == 1


def share(by_version: dict[int, int]) -> float:
    return by_version.get(CANARY, 0) / sum(by_version.values())
