"""What only several workers have."""

import os
import signal

import psutil
import pytest

from ci.stack.http import client
from ci.stack.waiting import wait_until
from tests.harness import routes
from tests.integration.following.conftest import Reader

pytestmark = pytest.mark.integration


def workers(api: Reader) -> list[int]:
    return [child.pid for child in psutil.Process(api.process.pid).children()]


def test_a_worker_that_starts_while_the_api_server_is_away_does_not_go_back(api: Reader) -> None:
    """The mounted copy may still give weight to a version that has since lost it."""
    plane = api.namespace.cluster.plane
    api.mount(routes.document(revision=1))
    api.publish(routes.only_stable(revision=2))
    api.process.start()
    api.wait_for_revision(2)
    plane.stop_api_server()
    before = workers(api)
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(set(workers(api)) - set(before)) == 2, "the workers are replaced", 90)
    after = wait_until(lambda: report if (report := api.report()).get("id") else None, "the new ones agree", 90)
    assert (after["revision"], after["canary"]) == (2, None)


def test_it_answers_while_the_api_server_hangs(api: Reader) -> None:
    """The watch blocks a thread, never the event loop."""
    api.mount(routes.document(revision=1))
    plane = api.namespace.cluster.plane
    plane.freeze_api_server()
    try:
        api.process.start()
        api.wait_for_revision(1)
        for _ in range(50):
            assert client.get(f"{api.url}/health", timeout=2).status_code == 200
    finally:
        plane.thaw_api_server()


def test_it_ends_while_it_watches(api: Reader) -> None:
    api.publish(routes.document(revision=1))
    api.process.start()
    api.wait_for_revision(1)
    api.process.signal(signal.SIGTERM)
    assert api.process.wait(15) == 0
