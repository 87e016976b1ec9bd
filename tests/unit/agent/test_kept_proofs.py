"""What a restarted agent may vouch for without another proof: exactly what was proved in the Triton that still runs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from replica_agent.kept_proofs import KeptProofs
from replica_agent.state import Accepted, IndexState, Proof

from tests.unit.agent.bench import Bench, states, until

MARK, OTHER = "a" * 32, "b" * 32
PROOF = Proof(1.5, 2.5, 40, True, 16, 16)
ACCEPTED = replace(PROOF, accepted=Accepted("sha256:" + "c" * 64, 9, 10))


@pytest.mark.parametrize(
    ("mark", "digests", "found"),
    [
        pytest.param(MARK, {1: "one", 2: "two"}, {1: PROOF, 2: ACCEPTED}, id="the-same"),
        pytest.param(OTHER, {1: "one", 2: "two"}, {}, id="another-process"),
        pytest.param("", {1: "one", 2: "two"}, {}, id="no-mark"),
        pytest.param(MARK, {2: "two"}, {2: ACCEPTED}, id="one-is-not-loaded"),
        pytest.param(MARK, {1: "other bytes", 3: "one"}, {}, id="other-bytes"),
    ],
)
def test_only_the_same_bytes_in_the_same_process(
    mark: str, digests: dict[int, str], found: dict[int, Proof], tmp_path: Path
) -> None:
    KeptProofs(tmp_path / "proofs.json").write(MARK, {1: "one", 2: "two"}, {1: PROOF, 2: ACCEPTED})
    assert KeptProofs(tmp_path / "proofs.json").read(mark, digests) == found


def test_without_a_mark_nothing_is_kept(tmp_path: Path) -> None:
    KeptProofs(tmp_path / "proofs.json").write("", {1: "one"}, {1: PROOF})
    assert KeptProofs(tmp_path / "proofs.json").read("", {1: "one"}) == {}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "[]",
        "{",
        '{"schemaVersion": 1, "mark": "%s"}',
        '{"schemaVersion": 1, "mark": "%s", "proofs": []}',
        '{"schemaVersion": 1, "mark": "%s", "proofs": {"1": {"digest": "one", "proof": {"p50_ms": "x"}}}}',
    ],
)
def test_what_cannot_be_read_proves_nothing(content: str, tmp_path: Path) -> None:
    (tmp_path / "proofs.json").write_text(content.replace("%s", MARK))
    assert KeptProofs(tmp_path / "proofs.json").read(MARK, {1: "one"}) == {}


def test_proofs_that_cannot_be_written_are_forgotten(tmp_path: Path) -> None:
    """An older file may name what was unloaded since."""
    kept = KeptProofs(tmp_path / "proofs.json")
    kept.write(MARK, {1: "one"}, {1: PROOF})
    (tmp_path / "proofs.json").unlink()
    (tmp_path / "proofs.json").mkdir()
    kept.write(MARK, {1: "one"}, {})
    assert kept.read(MARK, {1: "one"}) == {}


def nothing(bench: Bench) -> None:
    """Triton runs on."""


def forget_the_mark(bench: Bench) -> None:
    bench.triton.loaded_with.parameters.clear()


def come_back_loaded(bench: Bench) -> None:
    """As a Triton that somebody started with the models in it, under its own config."""
    bench.triton.restart()
    bench.triton.states = {1: IndexState.READY}
    forget_the_mark(bench)


@pytest.mark.parametrize(
    ("happens", "loads", "proved_again"),
    [
        pytest.param(nothing, 0, False, id="triton-runs-on"),
        pytest.param(lambda bench: bench.triton.restart(), 1, True, id="triton-restarted"),
        pytest.param(come_back_loaded, 0, True, id="triton-restarted-and-loaded-it"),
        pytest.param(forget_the_mark, 0, True, id="loaded-without-a-mark"),
        pytest.param(lambda bench: bench.proofs_path.unlink(), 0, True, id="the-file-is-gone"),
    ],
)
async def test_a_restarted_agent(
    happens: Callable[[Bench], None], loads: int, proved_again: bool, tmp_path: Path
) -> None:
    bench = Bench(tmp_path)
    bench.source.follow(stable=1)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
    bench.triton.loads.clear()
    bench.triton.asked = 0
    happens(bench)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
    assert (len(bench.triton.loads), bench.triton.asked > 0) == (loads, proved_again)


async def test_versions_that_are_loaded_beside_each_other_have_one_mark(tmp_path: Path) -> None:
    """Another config would reload what serves."""
    bench, marks = Bench(tmp_path), set[str]()
    bench.source.follow(stable=1)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
        marks.add(bench.triton.loaded_with.parameters["medinfer_process"].string_value)
        bench.source.follow(stable=1, canary=2)
        await until(agent, lambda now: states(now).get(2) == "Warm")
        marks.add(bench.triton.loaded_with.parameters["medinfer_process"].string_value)
        assert len(marks) == 1
        bench.triton.restart()
        await until(agent, lambda now: not now.ready)
        await until(agent, lambda now: states(now) == {1: "Warm", 2: "Warm"})
        marks.add(bench.triton.loaded_with.parameters["medinfer_process"].string_value)
    assert len(marks) == 2 and "" not in marks


async def test_until_it_has_asked_triton_an_agent_knows_nothing(tmp_path: Path) -> None:
    """What it would say of a version until then is only that it has not looked."""
    bench = Bench(tmp_path)
    bench.source.follow(stable=1)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
    bench.triton.connected = False
    async with bench.run() as agent:
        await until(agent, lambda now: bool(now.versions))
        assert not agent.knows
        bench.triton.connected = True
        await until(agent, lambda now: agent.knows)
        assert agent.snapshot.ready, "the first thing that it knows"
    bench.triton.connected, bench.triton.refused = False, True
    async with bench.run() as agent:
        await until(agent, lambda now: agent.knows)
        assert not agent.snapshot.ready
