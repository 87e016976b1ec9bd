"""Whatever the canary or a replica does, stable answers the client while it can."""

import json
from typing import Any

import pytest
from inference_api import problems
from inference_api.problems import Full, Overloaded, Problem
from inference_api.routing.counters import Result
from inference_api.routing.document import parse

from tests.harness.routes import document
from tests.unit.api.prediction.fake_triton import FakeTask, Scene


def make_scene(count: int = 2, spares: str = "", **settings: Any) -> Scene:
    """`spares`: names of those for which the routes name no version; a document needs one other."""
    replicas = [
        {"name": name, "url": f"http://127.0.0.{index + 1}:8000", "versions": [] if name in spares else [1, 2]}
        for index, name in enumerate("abcdef"[:count])
    ]
    return Scene(parse(json.dumps(document(replicas=replicas)).encode()), **settings)


async def test_a_good_canary_answers() -> None:
    scene = make_scene()
    outcome = await scene.dispatch(canary=True)
    assert (outcome.version.number, outcome.replica, outcome.result) == (2, "a", Result.GOOD)
    assert [answer.label for answer in outcome.answers] == ["Meningioma"]
    assert scene.asked == [("a", 2)]


@pytest.mark.parametrize(
    ("behaviour", "result", "ejected", "ejected_versions"),
    [
        pytest.param("fail", Result.FALLBACK, set(), {("a", 2)}, id="fails"),
        pytest.param("nan", Result.FALLBACK, set(), {("a", 2)}, id="answers-nan"),
        pytest.param("hang", Result.FALLBACK, set(), {("a", 2)}, id="hangs"),
        pytest.param("refuse", Result.LOST, {"a"}, set(), id="its-replica-refuses"),
        pytest.param("black hole", Result.LOST, {"a"}, set(), id="its-replica-is-gone"),
        pytest.param("break", Result.LOST, {"a"}, set(), id="its-connection-breaks"),
        pytest.param("unproved", Result.LOST, set(), {("a", 2)}, id="it-is-not-proved-there"),
    ],
)
async def test_stable_answers_for_a_canary(
    behaviour: str, result: Result, ejected: set[str], ejected_versions: set[tuple[str, int]]
) -> None:
    scene = make_scene()
    scene.triton.behave("a", 2, behaviour)
    outcome = await scene.dispatch(canary=True)
    assert (outcome.version.number, outcome.result) == (1, result)
    assert (scene.ejected(), scene.ejected_versions()) == (ejected, ejected_versions)
    assert len(scene.asked) == 2
    if ejected:
        assert scene.asked[1] == ("b", 1), "another replica than the one that was lost"


async def test_a_canary_is_asked_once_and_its_request_is_never_repeated() -> None:
    """Repeating it on a fresh connection could kill the Triton that just came back."""
    scene = make_scene(3)
    for name in "abc":
        scene.triton.behave(name, 2, "break")
    await scene.dispatch(canary=True)
    assert [(asked.version, asked.repeat) for asked in scene.triton.asked] == [(2, False), (1, True)]


async def test_a_hanging_canary_leaves_stable_half_of_the_time() -> None:
    scene = make_scene(deadline_seconds=10)
    scene.triton.behave("a", 2, "hang")
    await scene.dispatch(canary=True)
    canary, stable = scene.triton.asked
    assert canary.seconds == 5
    assert stable.seconds == 2.5


@pytest.mark.parametrize(
    ("behaviour", "suspended"),
    [
        pytest.param("break", True, id="broken-connection"),
        pytest.param("refuse", False, id="refused"),
        pytest.param("unproved", False, id="not-proved"),
        pytest.param("fail", False, id="failed-once"),
    ],
)
async def test_only_a_broken_connection_suspends_at_once(behaviour: str, suspended: bool) -> None:
    scene = make_scene()
    scene.triton.behave("a", 2, behaviour)
    await scene.dispatch(canary=True)
    assert (scene.containment.suspended is not None) is suspended


async def test_a_canary_that_mostly_answers_badly_is_asked_no_more() -> None:
    scene = make_scene()
    scene.triton.behave("a", 2, "fail")
    for _ in range(11):
        await scene.dispatch(canary=True)
        scene.replicas.restore(next(iter(scene.replicas)), 2)
    assert scene.containment.choose(scene.replicas) is None
    assert scene.containment.suspended is None, "how often it fails is for the analysis to judge"


async def test_stables_failures_do_not_count_against_the_canary() -> None:
    scene = make_scene()
    for name in "ab":
        scene.triton.behave(name, 1, "fail")
    for _ in range(30):
        with pytest.raises(Problem):
            await scene.dispatch()
    assert scene.containment.suspended is None


@pytest.mark.parametrize(
    ("behaviours", "asked"),
    [
        pytest.param({"a": "refuse"}, 2, id="refused"),
        pytest.param({"a": "unproved"}, 2, id="not-proved"),
        pytest.param({"a": "black hole"}, 2, id="no-connection"),
        pytest.param({"a": "break"}, 2, id="broke"),
        pytest.param({"a": "fail"}, 2, id="failed"),
        pytest.param({"a": "hang"}, 2, id="hung"),
        pytest.param({"a": "refuse", "b": "break"}, 3, id="two-transport-failures"),
        pytest.param({"a": "refuse", "b": "fail"}, 3, id="transport-failure-and-a-bad-answer"),
    ],
)
async def test_stable_moves_on_to_another_replica(behaviours: dict[str, str], asked: int) -> None:
    scene = make_scene(3)
    for name, behaviour in behaviours.items():
        scene.triton.behave(name, 1, behaviour)
    for state in scene.replicas:  # so that the failing ones are asked first, in order
        state.in_flight = {"a": 0, "b": 1, "c": 2}[state.replica.name]
    outcome = await scene.dispatch()
    assert (outcome.replica, outcome.version.number, outcome.result) == ("c" if asked == 3 else "b", 1, Result.GOOD)
    assert len(scene.asked) == asked


@pytest.mark.parametrize(
    ("count", "behaviours", "status", "asked"),
    [
        pytest.param(2, {"a": "fail", "b": "fail"}, 502, 2, id="failed-on-two"),
        pytest.param(2, {"a": "fail", "b": "nan"}, 502, 2, id="failed-and-not-finite"),
        pytest.param(3, {"a": "fail", "b": "fail", "c": "fail"}, 502, 2, id="a-third-is-not-asked"),
        pytest.param(1, {"a": "fail"}, 502, 1, id="failed-on-the-only-one"),
        pytest.param(2, {"a": "fail", "b": "hang"}, 502, 2, id="failed-and-hung"),
        pytest.param(2, {"a": "hang", "b": "hang"}, 504, 2, id="hung-on-two"),
        pytest.param(1, {"a": "hang"}, 504, 1, id="hung-on-the-only-one"),
        pytest.param(2, {"a": "refuse", "b": "fail"}, 502, 2, id="one-is-gone-the-other-failed"),
    ],
)
async def test_when_stable_cannot_answer(count: int, behaviours: dict[str, str], status: int, asked: int) -> None:
    scene = make_scene(count)
    for name, behaviour in behaviours.items():
        scene.triton.behave(name, 1, behaviour)
    for state in scene.replicas:
        state.in_flight = "abc".index(state.replica.name)
    with pytest.raises(Problem) as caught:
        await scene.dispatch()
    assert caught.value.status == status
    assert len(scene.asked) == asked
    assert scene.triton.now <= 1000 + scene.deadline_seconds


@pytest.mark.parametrize("behaviour", ["refuse", "black hole", "break"])
async def test_when_no_replica_is_left_the_client_gets_a_503_soon(behaviour: str) -> None:
    scene = make_scene()
    for name in "ab":
        scene.triton.behave(name, 1, behaviour)
    with pytest.raises(Problem) as caught:
        await scene.dispatch()
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})
    assert scene.triton.now < 1000 + 3


@pytest.mark.parametrize(
    ("behaviours", "asked"),
    [
        pytest.param({}, "a", id="the-routed-one-answers"),
        pytest.param({"a": "refuse"}, "ab", id="the-routed-one-is-gone"),
        pytest.param({"a": "break"}, "ab", id="the-routed-one-breaks"),
        pytest.param({"a": "fail"}, "ab", id="the-routed-one-fails"),
    ],
)
async def test_a_replica_that_the_routes_name_without_versions_is_asked_last(
    behaviours: dict[str, str], asked: str
) -> None:
    """It was lost and is back, and the operator, which would say so, is away."""
    scene = make_scene(2, spares="b")
    for name, behaviour in behaviours.items():
        scene.triton.behave(name, 1, behaviour)
    for _ in range(2):
        assert (await scene.dispatch()).replica == asked[-1]
        assert scene.triton.asked and scene.asked == [(name, 1) for name in asked]
        scene.triton.asked.clear()
    assert scene.ejected() == set() and scene.ejected_versions() == set(), "the only one that is routed stays"


async def test_a_spare_that_nobody_vouches_for_does_not_answer() -> None:
    scene = make_scene(2, spares="b")
    scene.triton.behave("a", 1, "refuse")
    scene.triton.behave("b", 1, "unproved")
    with pytest.raises(Problem) as caught:
        await scene.dispatch()
    assert caught.value.status == 503


async def test_a_replica_that_comes_back_in_time_answers() -> None:
    scene = make_scene()
    scene.triton.behave("a", 1, "refuse")
    scene.triton.behave("b", 1, "refuse", "refuse", "good")
    assert (await scene.dispatch()).replica == "b"


async def test_a_short_deadline_ends_the_search_for_a_replica() -> None:
    scene = make_scene(6, deadline_seconds=1)
    for name in "abcdef":
        scene.triton.behave(name, 1, "black hole")
    with pytest.raises(Problem) as caught:
        await scene.dispatch()
    assert caught.value.status == 504
    assert scene.triton.now == 1001


async def test_what_only_stable_reads_is_answered_by_stable() -> None:
    """A version that lost the way to read DICOM must not fail the patients that it is tried on."""
    scene = make_scene()
    outcome = await scene.dispatch(canary=True, task=FakeTask(problems.needs_intensity(), unreadable_by=(2,)))
    assert (outcome.version.number, outcome.result) == (1, Result.FALLBACK)
    assert [version for _, version in scene.asked] == [1]


async def test_an_image_for_which_this_process_has_no_memory_counts_against_nobody() -> None:
    scene = make_scene()
    with pytest.raises(Overloaded):
        await scene.dispatch(canary=True, task=FakeTask(Overloaded(Full.MEMORY), unreadable_by=(2,)))
    assert (scene.asked, scene.containment.suspended) == ([], None)


async def test_bad_input_is_refused_before_any_attempt_and_counts_against_nobody() -> None:
    scene = make_scene()
    with pytest.raises(Problem) as caught:
        await scene.dispatch(canary=True, task=FakeTask(problems.needs_intensity(), unreadable_by=(1, 2)))
    assert caught.value.status == 415
    assert (scene.asked, scene.ejected_versions(), scene.ejected(), scene.containment.suspended) == (
        [],
        set(),
        set(),
        None,
    )


async def test_an_ejected_replicas_idle_connections_are_closed() -> None:
    """Else Triton would wait for them to close when it ends in an orderly way."""
    scene = make_scene()
    scene.triton.behave("a", 1, "break")
    for state in scene.replicas:
        state.in_flight = "ab".index(state.replica.name)
    await scene.dispatch()
    assert scene.triton.closed == ["a"]


async def test_nothing_stays_in_flight() -> None:
    scene = make_scene(max_in_flight=4)  # a quarter of it, one attempt, may wait for the canary
    for behaviour in ("good", "fail", "hang", "refuse", "break"):
        scene.triton.behave("a", 2, behaviour)
        for state in scene.replicas:
            scene.replicas.restore(state, 2)
            scene.replicas.restore(state, 1)
        await scene.dispatch(canary=True)
    fresh = scene.containment.choose(scene.replicas)
    assert fresh is None and scene.containment.suspended, "only the broken connection is in the way"
    assert [state.in_flight for state in scene.replicas] == [0, 0]


async def test_idle_replicas_take_turns() -> None:
    """Looking for somebody to go to after a failure once took a turn too: of two replicas one was never asked."""
    scene = make_scene()
    for _ in range(4):
        await scene.dispatch()
    assert sorted(scene.asked) == [("a", 1), ("a", 1), ("b", 1), ("b", 1)]
