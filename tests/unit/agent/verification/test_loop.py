"""The agent's loop where bundles are verified: what is loaded, what is told, and what a retired key stops."""

import shutil
from pathlib import Path

import pytest
from replica_agent.settings import Verification
from replica_agent.snapshot import Snapshot
from replica_agent.state import Signature

from tests.unit.agent.bench import Bench, states, until
from tests.unit.agent.verification.signed import Signed


@pytest.fixture
def signed(tmp_path: Path) -> Signed:
    made = Signed(tmp_path)
    made.trust("team")
    return made


def bench_of(signed: Signed, mode: Verification, *versions: int) -> Bench:
    bench = Bench(signed.folder)
    bench.signatures = signed.signatures(mode)
    bench.source.want(stable=signed.put(1), **({"canary": signed.put(2)} if 2 in versions else {}))
    return bench


def signature(now: Snapshot, version: int) -> Signature:
    found = next(one.signature for one in now.versions if one.version == version)
    assert found
    return found


async def test_enforced_a_signed_version_is_loaded_and_its_signer_told(signed: Signed) -> None:
    signed.sign(1, "team")
    async with bench_of(signed, Verification.ENFORCE).run() as agent:
        await until(agent, lambda now: now.ready)
        assert signature(agent.snapshot, 1).signer == "team"


async def test_enforced_an_unsigned_canary_never_reaches_triton(signed: Signed) -> None:
    signed.sign(1, "team")
    bench = bench_of(signed, Verification.ENFORCE, 1, 2)
    async with bench.run() as agent:
        await until(agent, lambda now: states(now) == {1: "Warm", 2: "SignatureRefused"})
        assert bench.triton.loads == [[1]] and not (signed.folder / "repository/resnet_medical/2").exists()
        assert len(list((signed.folder / "bundles").iterdir())) == 1  # it was not even fetched


async def test_warned_of_an_unsigned_version_is_loaded_and_told(signed: Signed) -> None:
    bench = bench_of(signed, Verification.WARN)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready and "nobody signed" in signature(now, 1).problem)
        assert bench.triton.loads == [[1]]


async def test_a_retired_key_stops_no_version_in_service_but_its_next_load(signed: Signed) -> None:
    signed.sign(1, "team")
    bench = bench_of(signed, Verification.ENFORCE)
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
        signed.trust("successor")
        await until(agent, lambda now: "none of those in" in signature(now, 1).problem)
        assert agent.snapshot.ready
        bench.triton.restart()
        await until(agent, lambda now: states(now) == {1: "SignatureRefused"})
        assert bench.triton.loads == [[1]]
        signed.sign(1, "successor")
        await until(agent, lambda now: now.ready)
        assert signature(agent.snapshot, 1).signer == "successor"


async def test_what_was_fetched_before_bundles_were_verified_is_looked_at_before_it_is_unpacked(signed: Signed) -> None:
    bench = bench_of(signed, Verification.OFF)
    bench.signatures = None
    async with bench.run() as agent:
        await until(agent, lambda now: now.ready)
    shutil.rmtree(signed.folder / "repository")
    bench.signatures = signed.signatures()
    bench.triton.restart()
    async with bench.run() as agent:
        await until(agent, lambda now: states(now) == {1: "SignatureRefused"})
    assert bench.triton.loads == [[1]] and not (signed.folder / "repository/resnet_medical/1").exists()
