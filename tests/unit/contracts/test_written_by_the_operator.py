"""Plan and routes as the operator writes them are what agents and API processes read."""

import json
from typing import Any

import pytest
from inference_api.routing import document as api_routes
from replica_agent import plan as agent_plan
from replica_agent.plan import Role
from rollout_operator.documents.plan import Canary, Plan, PlanLoad, PlanTrace, Sibling
from rollout_operator.documents.release import Release
from rollout_operator.documents.routes import AssignmentRule, RoutedReplica, Routes, ShadowShare, Share, VersionMetadata
from rollout_operator.documents.spec import Golden, Warmup

from tests.harness.routes import LABELS, PREPROCESSING

Json = dict[str, Any]


def digest(version: int) -> str:
    return f"sha256:{version:064x}"


def release(version: int) -> Release:
    return Release(version, digest(version), f"s3://models/resnet_medical-{version}.tar")


def plan(**changes: Any) -> Plan:
    fields: Json = {
        "model": "resnet_medical",
        "load": PlanLoad(300),
        "warmup": Warmup(),
        "stable": release(1),
        "revision": 7,
    }
    return Plan(**(fields | changes))


CANARY = release(2)
PLANNED_CANARY = Canary(2, CANARY.digest, CANARY.uri, ("medinfer-triton-0",))
WIDEST = Warmup(batch_sizes=(1024,) * 16, max_seconds=86_400, golden=Golden(atol=1.0))


@pytest.mark.parametrize(
    ("written", "here", "elsewhere"),
    [
        pytest.param(plan(), {Role.STABLE: 1}, {Role.STABLE: 1}, id="stable"),
        pytest.param(
            plan(canary=PLANNED_CANARY, siblings=(Sibling("medinfer-triton-0", "http://10.0.0.1:8080"),)),
            {Role.STABLE: 1, Role.CANARY: 2},
            {Role.STABLE: 1},
            id="canary-on-one",
        ),
        pytest.param(
            plan(stable=None, canary=Canary(2, CANARY.digest, CANARY.uri)),
            {Role.CANARY: 2},
            {Role.CANARY: 2},
            id="first-install",
        ),
        pytest.param(
            plan(canary=Canary(2, CANARY.digest, CANARY.uri, ()), previous=release(3)),
            {Role.STABLE: 1, Role.PREVIOUS: 3},
            {Role.STABLE: 1, Role.PREVIOUS: 3},
            id="canary-on-none",
        ),
        pytest.param(
            plan(load=PlanLoad(86_400), warmup=WIDEST, revision=2**53 - 1),
            {Role.STABLE: 1},
            {Role.STABLE: 1},
            id="limits",
        ),
        pytest.param(
            plan(trace=PlanTrace(1, f"00-{'a' * 32}-{'0' * 15}b-01")),
            {Role.STABLE: 1},
            {Role.STABLE: 1},
            id="traced",
        ),
    ],
)
def test_a_plan(written: Plan, here: dict[Role, int], elsewhere: dict[Role, int]) -> None:
    document = written.document()
    read = agent_plan.parse_plan(json.dumps(document).encode())
    assert (read.id, read.revision, read.model) == (document["id"], written.revision, written.model)
    for replica, wanted in (("medinfer-triton-0", here), ("medinfer-triton-1", elsewhere)):
        assert {role: one.version for role, one in read.wanted(replica)} == wanted
    assert [(one.version, one.digest, one.uri) for one in read.releases] == [
        (one.version, one.digest, one.uri) for one in written.releases
    ]
    assert read.load.timeout_seconds == written.load.timeout_seconds
    assert (read.warmup.batch_sizes, read.warmup.max_seconds, read.warmup.golden.atol) == (
        written.warmup.batch_sizes,
        written.warmup.max_seconds,
        written.warmup.golden.atol,
    )
    assert (read.trace and (read.trace.version, read.trace.traceparent)) == (
        written.trace and (written.trace.version, written.trace.traceparent)
    )
    assert [(one.name, one.url) for one in read.siblings] == [(one.name, one.url) for one in written.siblings]


def routes(**changes: Any) -> Routes:
    metadata = {str(version): VersionMetadata(digest(version), tuple(LABELS), PREPROCESSING) for version in (1, 2)}
    host = "medinfer-triton-{}.medinfer-triton.medinfer.svc"
    instances = [
        RoutedReplica(f"medinfer-triton-{n}", f"http://{host.format(n)}:8000", (1, 2), "uid/c", "medinfer-1")
        for n in (0, 1)
    ]
    fields: Json = {
        "model": "resnet_medical",
        "step": "2@sha256:22/3",
        "stable": Share(1, 100),
        "assignment": AssignmentRule("X-Study-Id", digest(2)),
        "versions": metadata,
        "replicas": tuple(instances),
        "revision": 7,
    }
    return Routes(**(fields | changes))


@pytest.mark.parametrize(
    ("written", "canary", "shadow_percent"),
    [
        pytest.param(routes(), None, 0, id="stable"),
        pytest.param(routes(stable=Share(1, 75), canary=Share(2, 25)), (2, 25), 0, id="canary"),
        pytest.param(routes(stable=Share(1, 0), canary=Share(2, 100)), (2, 100), 0, id="canary-has-all"),
        pytest.param(routes(canary=Share(2, 0), shadow=ShadowShare(50)), (2, 0), 50, id="shadow"),
        pytest.param(
            routes(replicas=(*routes().replicas, RoutedReplica("c", "http://c:8000", ()))), None, 0, id="cold"
        ),
        pytest.param(routes(replica_floor=2), None, 0, id="a-floor-while-a-release-runs"),
        pytest.param(routes(revision=2**53 - 1), None, 0, id="limits"),
    ],
)
def test_routes(written: Routes, canary: tuple[int, float] | None, shadow_percent: float) -> None:
    document = written.document()
    read = api_routes.parse(json.dumps(document).encode())
    assert (read.id, read.revision, read.step) == (document["id"], written.revision, written.step)
    assert (read.stable.version.number, read.stable.weight) == (1, written.stable.weight)
    assert (read.canary and (read.canary.version.number, read.canary.weight)) == canary
    assert (read.shadow_percent, read.header, read.salt) == (shadow_percent, "X-Study-Id", digest(2))
    assert read.replica_floor == (written.replica_floor or 0)
    assert read.stable.version.labels == tuple(LABELS)
    assert [(one.name, sorted(one.versions), one.server_id) for one in read.replicas] == [
        (one.name, list(one.versions), one.server_id) for one in written.replicas
    ]
