"""One of the API's two workers ends under load, with kept-alive and fresh connections; gunicorn starts another."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ci.load.load import Answer
from ci.stack.api import Api
from ci.stack.waiting import wait_until
from tests.harness.stack import STABLE, Stack

pytestmark = pytest.mark.integration

BIND = "127.0.0.43:8002"
# A killed process needs this long to be gone, and a client whose connection it had to hear of it.
GONE_MS, HEARD_MS = 100.0, 1000.0


@pytest.fixture
def api(stack: Stack, tmp_path: Path) -> Iterator[Api]:
    """One address, two workers."""
    # More than a load has users: one worker has all of them while the other is replaced, and none is to be shed.
    # Each kept-alive user sends once in 12 s (ci/load/load.py), and learns only then that its connection ends.
    environment = {"MAX_IN_FLIGHT": "512", "DRAIN_SECONDS": "16"}
    pair = Api("api", BIND, tmp_path, workers=2, environment=environment)
    stack.route([pair])
    with pair:
        pair.wait_until_serving()
        yield pair


def workers(api: Api) -> list[psutil.Process]:
    return psutil.Process(api.pid).children()


def end_worker(api: Api, number: signal.Signals) -> float:
    """Signals the first worker and waits until another took its place; returns when it was gone, in epoch ms."""
    victim, *others = workers(api)
    victim.send_signal(number)
    victim.wait(30)
    gone_ms = time.time() * 1000
    known = {victim.pid, *(other.pid for other in others)}
    wait_until(lambda: {worker.pid for worker in workers(api)} - known, "gunicorn started another worker")
    api.wait_until_serving()
    return gone_ms


def test_a_worker_stopped_in_order_costs_no_request(stack: Stack, api: Api, images: list[bytes]) -> None:
    with stack.load([api], images, stack.expected(images, STABLE)) as load:
        load.wait_until_answered(300)
        for _ in range(2):
            load.mark("stopping")
            end_worker(api, signal.SIGTERM)
            load.wait_until_answered(200)
        result = load.finish(at_least=1000)
    assert result.failed == 0


def test_a_killed_worker_costs_the_requests_in_it_and_no_others(stack: Stack, api: Api, images: list[bytes]) -> None:
    with stack.load([api], images, stack.expected(images, STABLE)) as load:
        load.wait_until_answered(300)
        spans = []
        for _ in range(3):
            killed_ms = time.time() * 1000
            spans.append((killed_ms, end_worker(api, signal.SIGKILL)))
            load.wait_until_answered(150)
        result = load.finish(at_least=1000)
    in_flight = [answer for answer in result.answers if any(was_in_flight(answer, *span) for span in spans)]
    failed = [answer for answer in result.answers if answer.failure]
    print(f"in flight at the kills, in both workers: {len(in_flight)}; failed: {[answer.failure for answer in failed]}")
    assert set(failed) <= set(in_flight)
    assert result.failed == len(failed), "nothing was left without an answer"


def was_in_flight(answer: Answer, killed_ms: float, gone_ms: float) -> bool:
    """Or was sent over a connection to it, before the client knew that it had ended."""
    last_ms = gone_ms + (GONE_MS if answer.fresh else HEARD_MS)
    return answer.sent_ms <= last_ms and answer.sent_ms + answer.latency_ms >= killed_ms
