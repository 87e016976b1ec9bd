"""One pair of Triton replicas for all faults; APIs are fresh for each test."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ci.stack.api import Api
from tests.harness.stack import Stack

REPLICA_ADDRESSES = ("127.0.0.41", "127.0.0.42")
API_BINDS = ("127.0.0.43:8002", "127.0.0.44:8002")


@pytest.fixture(scope="session")
def shared_stack(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(bundles, tmp_path_factory.mktemp("faults"), REPLICA_ADDRESSES)
    try:
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def stack(shared_stack: Stack) -> Stack:
    """Both replicas hold version 1, warm, whatever the test before did to them."""
    shared_stack.start()
    return shared_stack


@pytest.fixture
def apis(request: pytest.FixtureRequest, stack: Stack, tmp_path: Path) -> Iterator[list[Api]]:
    """Two API processes with stable at 100 %; an indirect parameter is what else their environment holds."""
    environment = getattr(request, "param", None)
    with ExitStack() as running:
        both = [Api(f"api-{n}", bind, tmp_path, environment=environment) for n, bind in enumerate(API_BINDS)]
        stack.route(both)
        for api in both:
            running.enter_context(api)
        for api in both:
            api.wait_until_serving()
        yield both
