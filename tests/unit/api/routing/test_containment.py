"""A canary that hangs, fails or kills its Triton harms itself only."""

from collections.abc import Iterable

from inference_api.routing.containment import PROVED_AFTER, Containment
from inference_api.routing.document import Replica
from inference_api.routing.replicas import Replicas

from tests.unit.api.some import some


def table(count: int, versions: Iterable[int] = frozenset({1, 2})) -> Replicas:
    replicas = Replicas()
    replicas.update(Replica(f"r{index}", "127.0.0.1", 8000 + index, frozenset(versions)) for index in range(count))
    return replicas


def proved(max_in_flight: int = 128) -> Containment:
    containment = Containment(1, 2, max_in_flight)
    for _ in range(PROVED_AFTER):
        containment.record(True)
    return containment


def chosen(containment: Containment, replicas: Replicas, times: int = 8) -> set[str | None]:
    states = [containment.choose(replicas) for _ in range(times)]
    return {state.replica.name if state else None for state in states}


def test_an_unproved_canary_is_asked_on_one_replica_only() -> None:
    replicas = table(4)
    containment = Containment(1, 2, 128)
    assert chosen(containment, replicas) == {"r0"}
    for _ in range(PROVED_AFTER - 1):
        containment.record(True)
    assert chosen(containment, replicas) == {"r0"}
    containment.record(True)
    assert chosen(containment, replicas) == {"r0", "r1", "r2", "r3"}


def test_at_most_a_quarter_of_the_bound_waits_for_the_canary() -> None:
    replicas, containment = table(2), proved(max_in_flight=8)
    with containment.attempt():
        assert containment.choose(replicas) is not None
        with containment.attempt():
            assert containment.choose(replicas) is None
        assert containment.choose(replicas) is not None


def test_after_a_broken_connection_it_is_not_asked_again() -> None:
    replicas, containment = table(2), proved()
    containment.suspend()
    assert containment.choose(replicas) is None
    assert "connection broke" in some(containment.suspended)


def test_after_most_attempts_failed_it_is_not_asked_again() -> None:
    replicas, containment = table(2), proved()
    for _ in range(11):
        containment.record(False)
    assert containment.choose(replicas) is None
    assert containment.suspended is None


def test_it_is_not_asked_on_the_last_healthy_replica() -> None:
    replicas, containment = table(2), proved()
    replicas.eject_replica(next(iter(replicas)), stable=1)
    assert containment.choose(replicas) is None
    assert containment.suspended is None
    for version in (1, 2):
        replicas.restore(next(iter(replicas)), version)
    assert containment.choose(replicas) is not None


def test_a_single_replica_is_all_there_is() -> None:
    assert proved().choose(table(1)) is not None


def test_while_the_canary_is_out_on_one_replica_it_is_asked_on_none() -> None:
    """Two processes once let it kill one Triton each: the second went on to the replica that was left."""
    replicas, containment = table(3), proved()
    replicas.eject_version(next(iter(replicas)), 2)
    assert chosen(containment, replicas) == {None}
    replicas.restore(next(iter(replicas)), 2)
    assert chosen(containment, replicas) == {"r0", "r1", "r2"}


def test_a_canary_that_no_replica_holds_is_not_asked() -> None:
    assert proved().choose(table(3, frozenset({1}))) is None
