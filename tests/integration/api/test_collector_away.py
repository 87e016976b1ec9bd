"""A collector that dies, freezes or is slow costs no request, though the API traces every one.

Triton sends no spans here, as the chart has it: before 25.05 it does not live through this.
"""

import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ci.load.answers import expected_answers
from ci.load.load import Load
from ci.stack.http import client
from ci.stack.jaeger import OTLP_PORT
from ci.stack.waiting import wait_until
from tests.harness.hostile.slow_server import SlowServer
from tests.harness.traced import JAEGER, STABLE, Traced, traced_stack

RATE, SECONDS = 40, 8
SAMPLED = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def traced(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    with traced_stack(bundles, tmp_path_factory.mktemp("away"), triton_traces=False) as running:
        yield running


def counted(traced: Traced) -> dict[str, float]:
    """Traces by what became of them, from /metrics."""
    text = client.get(f"{traced.api.inner_url}/metrics", timeout=10).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    return {sample.labels["result"]: sample.value for sample in families["inference_api_traces"].samples}


def wait_until_sent(traced: Traced, more: int) -> None:
    before = counted(traced)["sent"]
    wait_until(lambda: counted(traced)["sent"] >= before + more, f"{more} more traces are sent", 60)


def test_no_request_fails_while_the_collector_is_away(traced: Traced, images: list[bytes], tmp_path: Path) -> None:
    expected = {STABLE: expected_answers(traced.bundles / f"resnet_medical-{STABLE}.tar", images)}
    jaeger, triton = traced.jaeger, traced.replica.triton_pid()
    with Load([traced.api.url], images, expected, tmp_path, rate_per_second=RATE, headers=SAMPLED) as load:
        wait_until_sent(traced, 2 * RATE)
        load.mark("killed")
        jaeger.kill()
        load.last(SECONDS)
        load.mark("slow")
        with SlowServer(JAEGER, OTLP_PORT, seconds=1.5) as slow:
            load.last(SECONDS)
        assert slow.asked > 0
        load.mark("back")
        jaeger.start()
        wait_until_sent(traced, 2 * RATE)
        load.mark("frozen")
        jaeger.signal(signal.SIGSTOP)
        load.last(SECONDS)
        load.mark("thawed")
        jaeger.signal(signal.SIGCONT)
        wait_until_sent(traced, 2 * RATE)
        result = load.finish(at_least=3 * SECONDS * RATE)
    assert not result.failed, result
    assert traced.replica.triton_pid() == triton, "Triton is the same process"
    assert counted(traced)["refused"] == 0
    phases = pairwise([None, "killed", "slow", "back", "frozen", "thawed"])
    print({start or "quiet": round(result.between(start, end).p95_ms(), 1) for start, end in phases}, "p95 in ms")
