"""Agents in stand-alone form over real Tritons; each replica has a loopback address of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from ci.stack.documents import build_plan
from ci.stack.replica import Replica

Bundle = Callable[[int], Path]
StartReplica = Callable[..., Replica]

_numbers = count(11)


@pytest.fixture(scope="session")
def bundle(bundles: Path) -> Bundle:
    """The bundle of a version number."""
    return lambda version: bundles / f"resnet_medical-{version}.tar"


@pytest.fixture
def make_replica(tmp_path: Path) -> Iterator[StartReplica]:
    """Makes replicas that end with the test. They are not started, and have no plan."""
    with ExitStack() as running:

        def make(**environment: str) -> Replica:
            number = next(_numbers)
            replica = Replica(f"triton-{number}", f"127.0.31.{number}", tmp_path / str(number), environment)
            running.callback(replica.stop)
            return replica

        yield make


@pytest.fixture
def replica(make_replica: StartReplica, bundle: Bundle) -> Replica:
    """A replica that holds version 1 as stable, warm."""
    started = make_replica()
    started.follow(build_plan(stable=bundle(1)))
    started.start()
    started.wait_until_warm()
    return started


@pytest.fixture(scope="session")
def shared_replica(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    """The same, shared by tests that change nothing."""
    shared = Replica("triton-shared", "127.0.31.8", tmp_path_factory.mktemp("shared"))
    shared.follow(build_plan(stable=bundle(1)))
    with shared:
        shared.wait_until_warm()
        yield shared
