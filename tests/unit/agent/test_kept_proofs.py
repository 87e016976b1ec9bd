"""What a restarted agent may vouch for without another proof: exactly what was proved in the Triton that still runs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from replica_agent.config import server_id_of
from replica_agent.kept_proofs import KeptProofs
from replica_agent.server_id import new_server_id, unique_server_id
from replica_agent.state import Accepted, IndexState, Proof

from tests.unit.agent.bench import Bench, states, until

THIS, OTHER = new_server_id(), new_server_id()
PROOF = Proof(1.5, 2.5, 40, True, 16, 16)
ACCEPTED = replace(PROOF, accepted=Accepted("sha256:" + "c" * 64, 9, 10))


@pytest.mark.parametrize(
    ("server_id", "digests", "found"),
    [
        pytest.param(THIS, {1: "one", 2: "two"}, {1: PROOF, 2: ACCEPTED}, id="the-same"),
        pytest.param(OTHER, {1: "one", 2: "two"}, {}, id="another-process"),
        pytest.param("", {1: "one", 2: "two"}, {}, id="no-server-id"),
        pytest.param(THIS, {2: "two"}, {2: ACCEPTED}, id="one-is-not-loaded"),
        pytest.param(THIS, {1: "other bytes", 3: "one"}, {}, id="other-bytes"),
    ],
)
def test_only_the_same_bytes_in_the_same_process(
    server_id: str, digests: dict[int, str], found: dict[int, Proof], tmp_path: Path
) -> None:
    KeptProofs(tmp_path / "proofs.json").write(THIS, {1: "one", 2: "two"}, {1: PROOF, 2: ACCEPTED})
    assert KeptProofs(tmp_path / "proofs.json").read(server_id, digests) == found


def test_without_a_server_id_nothing_is_kept(tmp_path: Path) -> None:
    KeptProofs(tmp_path / "proofs.json").write("", {1: "one"}, {1: PROOF})
    assert KeptProofs(tmp_path / "proofs.json").read("", {1: "one"}) == {}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "[]",
        "{",
        '{"schemaVersion": 1, "serverId": "%s"}',
        '{"schemaVersion": 1, "serverId": "%s", "proofs": []}',
        '{"schemaVersion": 1, "serverId": "%s", "proofs": {"1": {"digest": "one", "proof": {"p50_ms": "x"}}}}',
    ],
)
def test_what_cannot_be_read_proves_nothing(content: str, tmp_path: Path) -> None:
    (tmp_path / "proofs.json").write_text(content.replace("%s", THIS))
    assert KeptProofs(tmp_path / "proofs.json").read(THIS, {1: "one"}) == {}


def test_proofs_that_cannot_be_written_are_forgotten(tmp_path: Path) -> None:
    """An older file may name what was unloaded since."""
    kept = KeptProofs(tmp_path / "proofs.json")
    kept.write(THIS, {1: "one"}, {1: PROOF})
    (tmp_path / "proofs.json").unlink()
    (tmp_path / "proofs.json").mkdir()
    kept.write(THIS, {1: "one"}, {})
    assert kept.read(THIS, {1: "one"}) == {}


def nothing(bench: Bench) -> None:
    """Triton runs on."""


def be_loaded_by_somebody_else(bench: Bench) -> None:
    bench.triton.loaded_with.parameters.clear()


def have_no_id_of_its_own(bench: Bench) -> None:
    bench.triton.id = ""


def come_back_loaded(bench: Bench) -> None:
    """As a Triton that somebody started with the models in it, under its own config."""
    bench.triton.restart()
    bench.triton.states = {1: IndexState.READY}
    be_loaded_by_somebody_else(bench)


@pytest.mark.parametrize(
    ("happens", "loads", "proved_again"),
    [
        pytest.param(nothing, 0, False, id="triton-runs-on"),
        pytest.param(lambda bench: bench.triton.restart(), 1, True, id="triton-restarted"),
        pytest.param(come_back_loaded, 0, True, id="triton-restarted-and-loaded-it"),
        pytest.param(be_loaded_by_somebody_else, 0, True, id="somebody-else-loaded-it"),
        pytest.param(have_no_id_of_its_own, 0, True, id="it-cannot-be-told-from-another"),
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


async def test_versions_that_are_loaded_beside_each_other_have_one_config(tmp_path: Path) -> None:
    """Another config would reload what serves."""
    bench, ids = Bench(tmp_path), set[str]()
    bench.source.follow(stable=1)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
        ids.add(server_id_of(bench.triton.loaded_with))
        bench.source.follow(stable=1, canary=2)
        await until(agent, lambda now: states(now).get(2) == "Warm")
        ids.add(server_id_of(bench.triton.loaded_with))
        assert ids == {bench.triton.id} == {agent.snapshot.server_id}
        bench.triton.restart()
        await until(agent, lambda now: not now.ready)
        await until(agent, lambda now: states(now) == {1: "Warm", 2: "Warm"})
        ids.add(server_id_of(bench.triton.loaded_with))
        assert len(ids) == 2 and agent.snapshot.server_id == bench.triton.id


async def test_what_was_loaded_again_in_the_same_process_is_proved_again(tmp_path: Path) -> None:
    """An agent is killed after it dropped a version and before it wrote that; the next one loads it."""
    bench = Bench(tmp_path)
    bench.source.follow(stable=1)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
    bench.triton.states = {}
    bench.triton.asked = 0
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
    assert bench.triton.asked > 0


@pytest.mark.parametrize(
    ("name", "is_unique"),
    [
        ("medinfer-8c1d0e5e-42c7-4f0b-9d3f-6a1e6d1f0b11", True),  # as the chart's shell makes it
        ("triton", False),  # Triton's default
        ("medinfer-triton-0", False),
        ("", False),
    ],
)
def test_only_a_random_id_tells_processes_apart(name: str, is_unique: bool) -> None:
    assert unique_server_id(name) == (name if is_unique else "")
    assert unique_server_id(OTHER) == OTHER != THIS


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
