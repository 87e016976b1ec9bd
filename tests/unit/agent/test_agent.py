"""The agent's loop with a Triton in memory: the order of its actions, and what it remembers."""

import json
from pathlib import Path

import numpy as np
import pytest
from replica_agent.plan import Canary
from replica_agent.state import IndexState
from replica_agent.triton import TritonGone, TritonRefused, TritonTimeout

from tests.unit.agent.bench import Bench, states, until
from tests.unit.agent.bundles import release


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_the_attempt_is_on_disk_before_triton_hears_of_it(bench: Bench) -> None:
    recorded: list[list[str]] = []
    bench.triton.on_load = lambda _: recorded.append(json.loads(bench.attempts_path.read_text())["open"])
    bench.source.follow(stable=1)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
    assert len(recorded) == 1 and len(recorded[0]) == 1
    assert json.loads(bench.attempts_path.read_text())["open"] == []


async def test_config_is_pinned_before_the_load(bench: Bench) -> None:
    config = bench.folder / "repository/resnet_medical/config.pbtxt"
    seen: list[bool] = []
    bench.triton.on_load = lambda _: seen.append("versions: 1" in config.read_text())
    bench.source.follow(stable=1)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
    assert seen == [True]


async def test_a_restarted_triton_gets_stable_first_and_everything_proved_again(bench: Bench) -> None:
    bench.source.follow(stable=1, canary=2)
    async with bench.run() as agent:
        await until(agent, lambda now: states(now) == {1: "Warm", 2: "Warm"})
        bench.triton.loads.clear()
        bench.triton.restart()
        await until(agent, lambda now: not now.ready)
        await until(agent, lambda now: states(now) == {1: "Warm", 2: "Warm"})
    assert bench.triton.loads == [[1], [1, 2]]


async def test_files_that_changed_on_disk_are_not_loaded_but_unpacked_again(bench: Bench) -> None:
    model = bench.folder / "repository/resnet_medical/1/model.onnx"
    loaded: list[bytes] = []
    bench.triton.on_load = lambda _: loaded.append(model.read_bytes())
    bench.source.follow(stable=1)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
        model.write_bytes(b"X" + model.read_bytes()[1:])
        bench.triton.restart()
        await until(agent, lambda now: states(now) == {1: "FetchFailed"})
        assert "version 1 is not loaded: its files were changed on disk" in (agent.snapshot.versions[0].message or "")
        await until(agent, lambda now: now.ready)
    assert loaded == [loaded[0], loaded[0]] and not loaded[0].startswith(b"X")


async def test_a_load_whose_answer_is_lost_is_not_sent_again(bench: Bench) -> None:
    def lose(versions: list[int]) -> None:
        bench.triton.states[2] = IndexState.LOADING
        raise TritonTimeout("no answer")

    bench.source.follow(stable=1)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
        bench.triton.on_load = lose
        bench.source.follow(stable=1, canary=2)
        await until(agent, lambda now: states(now).get(2) == "LoadTimeout")
        assert agent.snapshot.ready
        bench.triton.on_load = lambda versions: pytest.fail("it was sent again")
        bench.triton.states[2] = IndexState.READY
        await until(agent, lambda now: states(now)[2] == "Warm")


async def test_a_yes_that_the_index_does_not_confirm_is_a_failed_load(bench: Bench) -> None:
    bench.source.follow(stable=1)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)

        def vanish() -> None:
            bench.triton.states.pop(2, None)

        bench.triton.on_index = vanish
        bench.source.follow(stable=1, canary=2)
        await until(agent, lambda now: states(now).get(2) == "LoadFailed")
        assert agent.snapshot.ready


async def test_a_late_index_moves_nothing(bench: Bench) -> None:
    def late() -> None:
        raise TritonTimeout("busy")

    bench.source.follow(stable=1)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
        bench.triton.on_index = late
        bench.source.follow(stable=1, canary=2)
        await until(agent, lambda now: states(now).get(2) == "Loading")
        assert agent.snapshot.ready and bench.triton.loads == [[1]]


async def test_last_words_of_a_dying_triton_blame_the_version(bench: Bench) -> None:
    """Regression guard: a crash in a backend process gives an error a moment before Triton ends."""

    def die(versions: list[int]) -> None:
        if 2 in versions:
            bench.triton.restart()
            raise TritonRefused("stub process is not healthy")

    bench.source.follow(stable=1, canary=2)
    bench.triton.on_load = die
    async with bench.run() as agent:
        await until(agent, lambda now: states(now).get(2) == "TritonDied" and now.ready)
    bench.triton.loads.clear()
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
        assert states(agent.snapshot)[2] == "TritonDied"
        bench.source.follow(stable=1)
        await until(agent, lambda now: 2 not in states(now))
    assert [2] not in bench.triton.loads and [1, 2] not in bench.triton.loads


async def test_another_retry_of_the_plan_forgets_the_deaths(bench: Bench) -> None:
    """The operator saw that Triton did not die of the version."""

    def die(versions: list[int]) -> None:
        if 2 in versions:
            bench.triton.restart()
            raise TritonGone("connection reset")

    bench.triton.on_load = die
    named = release(2).model_dump()
    bench.source.want(stable=release(1), canary=Canary(**named))
    async with bench.run() as agent:
        await until(agent, lambda now: states(now).get(2) == "TritonDied" and now.ready)
        bench.triton.on_load = lambda _: None
        bench.source.want(stable=release(1), canary=Canary(**named, retry=1))
        await until(agent, lambda now: states(now) == {1: "Warm", 2: "Warm"})
        assert [entry.deaths for entry in agent.snapshot.versions] == [0, 0]


async def test_one_death_of_triton_is_not_held_against_the_version(bench: Bench) -> None:
    deaths: list[int] = []

    def die_once(versions: list[int]) -> None:
        if 2 in versions and not deaths:
            deaths.append(1)
            bench.triton.restart()
            raise TritonGone("connection reset")

    bench.source.follow(stable=1, canary=2)
    bench.triton.on_load = die_once
    async with bench.run() as agent:
        await until(agent, lambda now: states(now).get(2) == "Warm")
    assert deaths == [1] and bench.triton.loads[-1] == [1, 2], "loaded again after the death"


async def test_a_stable_that_takes_triton_down_is_tried_again(bench: Bench) -> None:
    deaths: list[int] = []

    def die_twice(versions: list[int]) -> None:
        if len(deaths) < 2:
            deaths.append(1)
            bench.triton.restart()
            raise TritonGone("connection reset")

    bench.triton.on_load = die_twice
    bench.source.follow(stable=1)
    async with bench.run() as agent:
        await until(agent, lambda now: states(now).get(1) == "TritonDied")
        await until(agent, lambda now: now.ready)
    assert bench.triton.loads == [[1]] * 3, "two tries that ended in a death, and one more"


async def test_wrong_answers_are_dropped_and_stable_stays(bench: Bench) -> None:
    bench.source.follow(stable=1)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
        bench.triton.logits = np.array([9, 0, 0, 0], np.float32)
        bench.source.follow(stable=1, canary=2)
        await until(agent, lambda now: states(now).get(2) == "GoldenMismatch" and bench.triton.states.keys() == {1})
        assert agent.snapshot.ready and bench.triton.loads == [[1], [1, 2], [1]]
