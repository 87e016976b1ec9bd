"""The other tests here would see a failure: the same load against an API without our protection.

The reference asks one Triton, for its newest version, once.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.bench.servers import Reference
from ci.load.load import Load
from ci.stack.waiting import wait_until
from tests.harness.hostile.slow_server import SlowServer
from tests.harness.stack import STABLE, WARM_SECONDS, Stack

pytestmark = pytest.mark.integration

UNNAMED = 0
ALWAYS_FAILS = 12
LOADED = {"Warming", "Warm", "Failed"}
LATE_SECONDS = 4.0


@pytest.fixture
def reference(stack: Stack, tmp_path: Path) -> Iterator[Reference]:
    with Reference(stack.replicas[0].url, tmp_path, bind="127.0.0.46:8002") as api:
        api.wait_until_serving()
        yield api


@pytest.fixture
def load(stack: Stack, reference: Reference, images: list[bytes]) -> Load:
    expected = {UNNAMED: stack.expected(images, STABLE)[STABLE]}
    return Load([reference.url], images, expected, stack.folder / "load")


def test_a_killed_triton_is_seen(stack: Stack, load: Load) -> None:
    with load:
        load.wait_until_answered(100)
        stack.replicas[0].kill_triton()
        result = load.finish(at_least=300)
    assert result.by_version()[UNNAMED] >= 100
    assert result.failed > 0


@pytest.mark.parametrize(
    ("timeout_seconds", "failed"), [pytest.param(20, False, id="late"), pytest.param(1, True, id="too-late")]
)
def test_what_is_in_flight_at_the_end_is_late_until_the_clients_time_limit(
    images: list[bytes], tmp_path: Path, timeout_seconds: float, failed: bool
) -> None:
    """Regression: on a busy machine a request that had waited for 3.01 s of its 20 counted as failed."""
    answer = json.dumps({"prediction": "Glioma"}).encode()
    with SlowServer("127.0.0.47", 8002, LATE_SECONDS, answer):
        expected = {UNNAMED: ["Glioma"] * len(images)}
        url = "http://127.0.0.47:8002"
        with Load([url], images, expected, tmp_path, rate_per_second=10, timeout_seconds=timeout_seconds) as load:
            load.wait_until_answered(10)
            result = load.finish(at_least=20)
    assert (result.failed > 0) is failed, str(result)


def test_a_failing_canary_is_seen(stack: Stack, load: Load) -> None:
    with load:
        load.wait_until_answered(100)
        stack.plan(ALWAYS_FAILS)
        # The reference asks the newest as soon as it is loaded; meanwhile its proof may fail before this test asks.
        wait_until(lambda: stack.replicas[0].version_state(ALWAYS_FAILS) in LOADED, "it is loaded", WARM_SECONDS)
        result = load.finish(at_least=load.answered() + 100)
    assert result.by_version()[UNNAMED] >= 100
    assert result.failed > 0
