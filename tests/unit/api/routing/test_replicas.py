"""Who is asked, who is out, and who must never be."""

from collections.abc import Iterable

import pytest
from inference_api.routing.document import Replica
from inference_api.routing.replicas import Replicas, ReplicaState

from tests.unit.api.some import some


def table(*versions_of_each: Iterable[int]) -> Replicas:
    replicas = Replicas()
    replicas.update(replica("abcdefgh"[index], versions) for index, versions in enumerate(versions_of_each))
    return replicas


def replica(name: str, versions: Iterable[int], host: str = "127.0.0.1") -> Replica:
    return Replica(name, host, 8000, frozenset(versions))


def states(replicas: Replicas) -> dict[str, ReplicaState]:
    return {state.replica.name: state for state in replicas}


def test_the_least_busy_holder_is_chosen() -> None:
    replicas = table({1, 2}, {1}, {1, 2})
    for name, in_flight in (("a", 5), ("b", 0), ("c", 3)):
        states(replicas)[name].in_flight = in_flight
    assert some(replicas.choose(1)).replica.name == "b"
    assert some(replicas.choose(2)).replica.name == "c"
    assert some(replicas.choose(2, {"c"})).replica.name == "a"
    assert replicas.choose(3) is None


def test_equals_take_turns() -> None:
    replicas = table({1}, {1}, {1})
    assert {some(replicas.choose(1)).replica.name for _ in range(3)} == {"a", "b", "c"}


def test_an_ejected_replica_is_asked_last() -> None:
    replicas = table({1}, {1})
    assert replicas.eject_replica(states(replicas)["a"], stable=1)
    assert {some(replicas.choose(1)).replica.name for _ in range(4)} == {"b"}
    assert some(replicas.choose(1, {"b"})).replica.name == "a"


@pytest.mark.parametrize(
    ("count", "ejected"),
    [
        pytest.param(1, 0, id="never-the-only-one"),
        pytest.param(2, 1, id="one-of-two"),
        pytest.param(3, 1, id="one-of-three"),
        pytest.param(4, 2, id="two-of-four"),
        pytest.param(7, 3, id="three-of-seven"),
    ],
)
def test_never_more_than_half_are_ejected(count: int, ejected: int) -> None:
    replicas = table(*[{1}] * count)
    assert sum(replicas.eject_replica(state, stable=1) for state in replicas) == ejected
    assert replicas.healthy_count(1) == count - ejected


def test_stables_last_replica_is_never_ejected() -> None:
    replicas = table({2}, {1, 2}, {2}, {2})
    assert not replicas.eject_replica(states(replicas)["b"], stable=1)
    assert some(replicas.choose(1)).replica.name == "b"


def test_a_spare_is_nobodys_first_choice_and_counts_for_nothing() -> None:
    """It is one for which the routes do not name the version: two of them let no more replicas be ejected."""
    replicas = table({1}, {1}, set(), {2})
    spare = states(replicas)["c"]
    assert {some(replicas.choose(1)).replica.name for _ in range(4)} == {"a", "b"}
    assert replicas.choose(1, {"a", "b"}) is None
    assert {some(replicas.choose_spare(1, tried)).replica.name for tried in ({"c"}, {"d"})} == {"c", "d"}
    assert replicas.choose_spare(1, {"c", "d"}) is None
    assert not replicas.eject_replica(spare, stable=1) and not replicas.eject_version(spare, 1)
    assert not spare.ejected and spare.out == set()
    assert [replicas.eject_replica(states(replicas)[name], stable=1) for name in "ab"] == [True, False]


def test_a_mark_is_for_one_version_only() -> None:
    replicas = table({1, 2}, {1, 2})
    assert replicas.eject_version(states(replicas)["a"], 2)
    assert {some(replicas.choose(2)).replica.name for _ in range(4)} == {"b"}
    assert {some(replicas.choose(1)).replica.name for _ in range(4)} == {"a", "b"}
    assert not replicas.eject_version(states(replicas)["b"], 2), "the last one that has it stays"


def test_a_version_returns_where_its_agent_says_so() -> None:
    replicas = table({1, 2}, {1, 2})
    state = states(replicas)["a"]
    replicas.eject_replica(state, stable=1)
    replicas.restore(state, 1)
    assert (state.ejected, state.out) == (False, {2})
    assert replicas.healthy_count(1) == 2
    assert replicas.healthy_count(2) == 1
    replicas.restore(state, 2)
    assert replicas.healthy_count(2) == 2


def test_new_routes_keep_what_is_known_of_a_replica_that_stays() -> None:
    replicas = table({1}, {1})
    state = states(replicas)["a"]
    state.in_flight = 3
    replicas.eject_replica(state, stable=1)
    replicas.update([replica("a", {1, 2}), replica("c", {1})])
    assert states(replicas)["a"] is state
    assert (state.ejected, state.out, state.in_flight) == (True, {1, 2}, 3)
    assert states(replicas)["c"].in_flight == 0


def test_a_replica_that_moved_starts_afresh() -> None:
    replicas = table({1}, {1})
    replicas.eject_replica(states(replicas)["a"], stable=1)
    replicas.update([replica("a", {1}, host="127.0.0.9"), replica("b", {1})])
    assert not states(replicas)["a"].ejected


def test_every_process_names_the_same_first_replica() -> None:
    replicas = Replicas()
    replicas.update([replica("c", {2}), replica("b", {1, 2}), replica("a", {1})])
    assert some(replicas.first(2)).replica.name == "b"
    replicas.eject_version(states(replicas)["b"], 2)
    assert some(replicas.first(2)).replica.name == "c"
