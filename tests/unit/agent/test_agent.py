"""The agent's loop with a Triton in memory: the order of its actions, and what it remembers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from modelctl.bundle.contract import Contract
from numpy.typing import NDArray
from replica_agent.agent import Agent
from replica_agent.attempts import Attempts
from replica_agent.bundles import Bundles
from replica_agent.fetch import Fetcher
from replica_agent.files import empty_folder
from replica_agent.metrics import Metrics
from replica_agent.plan_source import Follower
from replica_agent.replica import Replica
from replica_agent.repository import Repository
from replica_agent.settings import Settings
from replica_agent.snapshot import Snapshot
from replica_agent.state import IndexState
from replica_agent.tracing import Tracer
from replica_agent.triton import Triton, TritonGone, TritonRefused, TritonTimeout

from tests.unit.agent.bundles import release
from tests.unit.agent.plans import document


class MemoryTriton:
    """A Triton in memory. `on_load` is called before a load and may raise; it answers with the golden outputs."""

    def __init__(self) -> None:
        self.connected, self.connection = True, 1
        self.states: dict[int, IndexState] = {}
        self.loads: list[list[int]] = []
        self.on_load: Callable[[list[int]], None] = lambda versions: None
        self.on_index: Callable[[], None] = lambda: None
        self.logits = np.zeros(4, np.float32)

    def restart(self) -> None:
        self.states, self.connection = {}, self.connection + 1

    async def index(self, model: str) -> Mapping[int, IndexState]:
        self.on_index()
        return dict(self.states)

    async def load(self, model: str, override: str, timeout_seconds: float) -> None:
        versions = [int(version) for version in json.loads(override)["version_policy"]["specific"]["versions"]]
        self.loads.append(versions)
        self.on_load(versions)
        self.states = dict.fromkeys(versions, IndexState.READY)

    async def infer(
        self, model: str, version: int, contract: Contract, batch: NDArray[np.float32], timeout_seconds: float
    ) -> NDArray[np.float32]:
        return np.tile(self.logits, (len(batch), 1))

    async def free_gpu_bytes(self) -> int | None:
        return 1 << 40


class Source:
    is_live = True

    def __init__(self) -> None:
        self.text: bytes | str = "there is no plan"

    def follow(self, **roles: int) -> None:
        named: dict[str, Any] = {role: release(version).model_dump() for role, version in roles.items()}
        self.text = json.dumps(document(**named)).encode()

    def read(self) -> bytes | str:
        return self.text


class Bench:
    """An agent over a folder; `run` starts it, and a second `run` restarts it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.triton, self.source = folder, MemoryTriton(), Source()
        self.attempts_path = folder / "attempts.json"
        self.tracer = Tracer(None, "triton-0")

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Agent]:
        triton = cast(Triton, self.triton)
        settings = Settings(plan_file=self.folder / "plan.json", data_dir=self.folder, allowed_prefixes=("file:/",))
        empty_folder(self.folder / "staging")
        bundles = Bundles(self.folder / "bundles")
        repository = Repository(self.folder / "repository", self.folder / "staging", "KIND_GPU")
        replica = Replica(
            settings, triton, repository, bundles, Fetcher(bundles, self.folder, "triton-0", 0, settings.rules)
        )
        follower = Follower(self.source, self.folder / "kept.json")
        agent = Agent("triton-0", replica, follower, Attempts(self.attempts_path), Metrics(), self.tracer)
        task = asyncio.create_task(agent.run())
        try:
            yield agent
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def until(agent: Agent, holds: Callable[[Snapshot], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds(agent.snapshot):
            agent.wake()
            await asyncio.sleep(0)


def states(snapshot: Snapshot) -> dict[int, str]:
    return {entry.version: entry.reason or entry.state.value for entry in snapshot.versions}


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
