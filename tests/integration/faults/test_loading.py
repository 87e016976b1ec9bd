"""A replica loads, warms and drops a version while another one serves."""

import pytest

from ci.stack.api import Api
from ci.stack.documents import FULL, Warmup
from tests.harness.stack import STABLE, Stack

pytestmark = pytest.mark.integration

CANARY = 2
# As much work as the default of a ModelRollout, whose end a busy machine would not see.
BUSY = Warmup(FULL.batch_sizes, 10)


def test_loading_warming_and_dropping_a_version_fails_no_request(
    stack: Stack, apis: list[Api], images: list[bytes]
) -> None:
    with stack.load(apis, images, stack.expected(images, STABLE)) as load:
        load.wait_until_answered(300)
        load.mark("loading")
        for some in (stack.replicas[:1], stack.replicas):
            stack.plan(CANARY, on=[replica.name for replica in some], warmup=BUSY)
            stack.wait_until_state(CANARY, "Warm", on=some)
        load.mark("dropping")
        stack.plan()
        stack.wait_until_state(CANARY, "")
        load.mark("dropped")
        load.wait_until_answered(200)
        result = load.finish(at_least=1000)
    quiet, busy = result.between(end="loading"), result.between("loading", "dropped")
    print(f"quiet: median {quiet.p50_ms():.1f} ms, p95 {quiet.p95_ms():.1f} ms")
    print(f"loading: median {busy.p50_ms():.1f} ms, p95 {busy.p95_ms():.1f} ms, {busy.sent} requests")
    assert result.failed == 0
    assert busy.sent > 0
    assert result.by_version() == {STABLE: result.sent}
