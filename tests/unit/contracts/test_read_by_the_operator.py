"""GET /state and GET /routes as agents and API processes answer them are what the operator reads."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from inference_api.process import reports
from inference_api.routing.counters import Result
from inference_api.routing.document import parse
from inference_api.routing.traffic import Traffic
from modelctl.bundle.archive import read_index, read_member
from modelctl.bundle.manifest import parse as parse_manifest
from replica_agent.acceptance.sets import AcceptanceSets
from replica_agent.bundles import Bundles
from replica_agent.facts import read_facts
from replica_agent.metrics import Metrics
from replica_agent.observation import Facts, Observation
from replica_agent.plan_source import Followed, Refusal
from replica_agent.report import report_versions
from replica_agent.server import build_app
from replica_agent.snapshot import Snapshot
from replica_agent.state import Reason
from replica_agent.verification.signature_files import SignatureFiles
from rollout_operator.documents.agent import AgentState, VersionState, parse_agent_state
from rollout_operator.documents.api import parse_api_state
from rollout_operator.documents.routes import VersionMetadata

from tests.harness.routes import document
from tests.unit.agent.bundles import bundle
from tests.unit.agent.observations import digest, failure, plan, see


def facts_of_a_real_bundle() -> Facts:
    with bundle(2).open("rb") as stream:
        return read_facts(parse_manifest(b"".join(read_member(stream, read_index(stream)["model.json"]))))


async def ask_agent(seen: Observation, folder: Path, rejected: Refusal | None = None) -> AgentState:
    """Over HTTP, as the operator does, about what an agent sees."""
    now = Snapshot(Followed(seen.plan, True, rejected), report_versions(seen), True, True, 0, None, "medinfer-1")
    files = Bundles(folder / "b"), SignatureFiles(folder / "s"), AcceptanceSets(folder / "a")
    app = build_app("medinfer-triton-0", "life-1", lambda: now, *files, Metrics())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://agent") as client:
        return parse_agent_state((await client.get("/state")).content)


CANARY = plan(stable=1, canary=2, revision=7)


@pytest.mark.parametrize(
    ("seen", "state", "reason"),
    [
        pytest.param(see(CANARY, warm=(1,)), VersionState.FETCHING, None, id="fetching"),
        pytest.param(see(CANARY, warm=(1,), cached=(2,)), VersionState.LOADING, None, id="loading"),
        pytest.param(see(CANARY, warm=(1,), loaded=(2,)), VersionState.WARMING, None, id="warming"),
        pytest.param(see(CANARY, warm=(1, 2)), VersionState.WARM, None, id="warm"),
        *(
            pytest.param(see(CANARY, warm=(1,), failed={2: failure(one)}), VersionState.FAILED, one, id=one.value)
            for one in Reason
        ),
    ],
)
async def test_every_state_and_reason(
    seen: Observation, state: VersionState, reason: str | None, tmp_path: Path
) -> None:
    read = await ask_agent(seen, tmp_path)
    assert (read.replica, read.start_id, read.revision) == ("medinfer-triton-0", "life-1", 7)
    assert read.triton.server_id == "medinfer-1"
    assert read.id == CANARY.id
    canary = next(one for one in read.versions if one.version == 2)
    assert (canary.digest, canary.state, canary.reason, canary.role) == (digest(2), state, reason, "canary")


async def test_before_the_first_plan_and_after_a_refused_one(tmp_path: Path) -> None:
    read = await ask_agent(see(None), tmp_path, Refusal(None, "there is no plan"))
    assert (read.id, read.revision, read.versions) == (None, 0, ())


async def test_what_is_kept_without_a_plan(tmp_path: Path) -> None:
    """Of a version that is loaded and lies nowhere on disk nobody knows the digest."""
    seen = see(plan(stable=3), warm=(1,), loaded=(2,))
    lost = replace(seen, installed={version: one for version, one in seen.installed.items() if version != 2})
    states = {one.version: one.state for one in (await ask_agent(lost, tmp_path)).versions}
    assert states == {3: VersionState.FETCHING, 1: VersionState.WARM, 2: VersionState.UNLOADING}


async def test_the_proof_and_what_the_routes_need(tmp_path: Path) -> None:
    """Labels and preprocessing go from a bundle's model.json over the agent and the operator to the API unchanged."""
    facts = facts_of_a_real_bundle()
    seen = see(CANARY, warm=(1, 2))
    installed = {version: replace(one, facts=facts) for version, one in seen.installed.items()}
    canary = (await ask_agent(replace(seen, installed=installed), tmp_path)).versions[1]
    assert canary.uri == "https://store/resnet_medical-2.tar" and canary.warmup is not None
    assert (canary.warmup.p50_ms, canary.warmup.settled, canary.warmup.golden.matched) == (3.0, True, 8)
    assert canary.digest and canary.labels and canary.preprocessing
    metadata = VersionMetadata(canary.digest, canary.labels, canary.preprocessing)
    known = {"digest": metadata.digest, "labels": list(metadata.labels), "preprocessing": dict(metadata.preprocessing)}
    routed = parse(json.dumps(document(versions={"1": known, "2": known})).encode())
    assert routed.canary and routed.canary.version.labels == facts.labels


async def test_nothing_is_reported_of_a_bundle_that_is_not_verified(tmp_path: Path) -> None:
    canary = (await ask_agent(see(CANARY, warm=(1,)), tmp_path)).versions[1]
    assert (canary.uri, canary.labels, canary.preprocessing) == (None, None, None)


def worker(revision: int, requests: int = 0) -> dict[str, Any]:
    traffic = Traffic(128)
    traffic.apply(parse(json.dumps(document(revision=revision)).encode()))
    assert traffic.routes
    for _ in range(requests):
        traffic.count(traffic.routes.stable.version, Result.GOOD, 0.01, ["Glioma"])
    traffic.begin(traffic.routes.versions[:1])
    return traffic.snapshot() | {"openConnections": 1}


def ask_api(*workers: dict[str, Any] | None) -> Any:
    routes = parse(json.dumps(document(revision=7)).encode())
    report = reports.routes_report("start", False, routes, {}, workers)
    return parse_api_state(json.dumps(report).encode())


def test_the_api_that_agreed() -> None:
    read = ask_api(worker(7, requests=3), worker(7, requests=4))
    assert (read.start_id, read.revision, read.step) == ("start", 7, "step-1")
    assert read.id == parse(json.dumps(document(revision=7)).encode()).id
    assert read.in_flight_of(1) == 2
    counted = read.step_counters.of(1)
    assert (counted.requests, counted.errors, sum(counted.latency_buckets)) == (7, 0, 7)


@pytest.mark.parametrize(
    ("workers", "revision"),
    [
        pytest.param((worker(7), worker(6)), 6, id="one-is-behind"),
        pytest.param((worker(7), None), 0, id="one-is-starting"),
        pytest.param((), 0, id="none"),
    ],
)
def test_the_api_whose_workers_do_not_agree(workers: tuple[dict[str, Any] | None, ...], revision: int) -> None:
    """`revision` is that of the slowest, so that nothing newer counts as obeyed."""
    read = ask_api(*workers)
    assert (read.id, read.revision) == (None, revision)
