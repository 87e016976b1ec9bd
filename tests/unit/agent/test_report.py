from dataclasses import replace
from datetime import UTC, datetime

import pytest
from modelctl.bundle.inputs import Inputs
from modelctl.bundle.verify import verify
from replica_agent.actions import Fetch, Load, Prove
from replica_agent.facts import read_facts
from replica_agent.observation import Observation
from replica_agent.plan import Role
from replica_agent.report import VersionReport, is_ready, report_versions, to_document
from replica_agent.state import IndexState, Progress, Reason, Signature, State

from tests.unit.agent import bundles
from tests.unit.agent.observations import PROOF, digest, failure, plan, release, see

STABLE = plan(stable=1)
CANARY = plan(stable=1, canary=2)
READY, LOADING, UNLOADING = IndexState.READY, IndexState.LOADING, IndexState.UNLOADING


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(see(CANARY, warm=(1,)), (State.FETCHING, ""), id="not-begun"),
        pytest.param(
            see(CANARY, warm=(1,), fetching={digest(2): Progress(5, 10)}), (State.FETCHING, ""), id="on-its-way"
        ),
        pytest.param(
            see(CANARY, warm=(1,), fetching={digest(2): Progress(10, 10, complete=True)}),
            (State.VERIFYING, ""),
            id="all-there",
        ),
        pytest.param(see(CANARY, warm=(1,), cached=(2,)), (State.LOADING, ""), id="verified"),
        pytest.param(
            see(CANARY, warm=(1,), installed=(2,), index={1: READY, 2: LOADING}), (State.LOADING, ""), id="loading"
        ),
        pytest.param(
            see(CANARY, loaded=(1,), cached=(2,)),
            (State.LOADING, "waits until stable version 1 is warm"),
            id="after-stable",
        ),
        pytest.param(see(CANARY, cached=(1, 2), index=None), (State.LOADING, "waits for Triton"), id="triton-is-away"),
        pytest.param(
            see(CANARY, warm=(1,), installed=(2,), jobs=frozenset({Load(release(2), (1, 2))})),
            (State.LOADING, ""),
            id="being-loaded",
        ),
        pytest.param(
            see(CANARY, warm=(1, 3), installed=(2,)),
            (State.LOADING, "waits until at most one other version is loaded"),
            id="no-room",
        ),
        pytest.param(see(CANARY, warm=(1,), loaded=(2,)), (State.WARMING, ""), id="loaded"),
        pytest.param(
            see(CANARY, warm=(1,), loaded=(2,), jobs=frozenset({Prove(release(2), True)})),
            (State.WARMING, ""),
            id="proving",
        ),
        pytest.param(see(CANARY, warm=(1, 2)), (State.WARM, ""), id="proved"),
        pytest.param(
            see(CANARY, warm=(1,), failed={2: failure(Reason.LOAD_FAILED)}), (State.FAILED, "because"), id="failed"
        ),
        pytest.param(
            see(CANARY, warm=(1,), failed={2: failure(Reason.FETCH_FAILED, 5)}, now_seconds=5),
            (State.FETCHING, ""),
            id="tried-again",
        ),
    ],
)
def test_the_state_of_a_canary(seen: Observation, expected: tuple[State, str]) -> None:
    _, canary, *_ = report_versions(seen)
    assert canary.role is Role.CANARY
    assert (canary.state, canary.message) == expected


def test_versions_that_the_plan_does_not_name() -> None:
    seen = see(
        plan(stable=3),
        warm=(1,),
        loaded=(2,),
        installed=(4,),
        index={1: READY, 2: UNLOADING, 4: IndexState.UNAVAILABLE},
    )
    stable, kept, leaving = report_versions(seen)
    assert (stable.version, stable.role) == (3, Role.STABLE)
    assert (kept.version, kept.role, kept.state) == (1, Role.NONE, State.WARM)
    assert (leaving.version, leaving.state, leaving.digest) == (2, State.UNLOADING, digest(2))


@pytest.mark.parametrize(
    ("seen", "ready"),
    [
        pytest.param(see(None), False, id="no-plan"),
        pytest.param(see(STABLE, loaded=(1,)), False, id="stable-unproved"),
        pytest.param(see(STABLE, warm=(1,)), True, id="stable-warm"),
        pytest.param(see(CANARY, warm=(1,), failed={2: failure(Reason.LOAD_FAILED)}), True, id="canary-failed"),
        pytest.param(see(CANARY, warm=(1,), index={1: READY, 2: LOADING}), True, id="canary-loading"),
        pytest.param(see(CANARY, warm=(2,)), False, id="only-the-canary"),
        pytest.param(see(plan(canary=1), warm=(1,)), True, id="first-install"),
        pytest.param(see(plan(stable=2, previous=1), warm=(1,)), False, id="only-previous"),
        pytest.param(replace(see(STABLE, warm=(1,)), index=None), False, id="triton-gone"),
    ],
)
def test_ready_is_about_stable(seen: Observation, ready: bool) -> None:
    assert is_ready(seen) is ready


def test_a_bundle_of_schema_version_2_is_reported_with_its_tensors() -> None:
    contract = replace(bundles.FINDINGS, inputs=Inputs(modality=("CR", "DX")))
    path = bundles.make(contract=contract, schema_version=2, **bundles.OF_FINDINGS)
    facts = read_facts(verify(path))
    document = to_document(VersionReport(1, "sha256:1", Role.STABLE, State.WARM, facts=facts))
    assert document["labels"] == ["Effusion", "Nodule"]
    assert document["input"] == {"name": "picture", "shape": [1, 8, 6]}
    assert document["inputs"] == {"modality": ["CR", "DX"]}
    assert document["output"] == {"name": "findings", "activation": "sigmoid", "thresholds": [0.5, 0.25]}


def test_documents_have_the_contracts_fields() -> None:
    warm = VersionReport(1, "sha256:1", Role.STABLE, State.WARM, proof=PROOF)
    assert to_document(warm) == {
        "version": 1,
        "digest": "sha256:1",
        "uri": None,
        "labels": None,
        "preprocessing": None,
        "input": None,
        "output": None,
        "inputs": None,
        "role": "stable",
        "state": "Warm",
        "reason": None,
        "message": "",
        "deaths": 0,
        "signature": None,
        "acceptance": None,
        "progress": None,
        "warmup": {
            "p50Ms": 3.0,
            "p95Ms": 4.0,
            "iterations": 40,
            "settled": True,
            "golden": {"matched": 8, "total": 8},
            "acceptance": None,
        },
    }
    failed = VersionReport(2, "d", Role.CANARY, State.FAILED, Reason.LOAD_FAILED, "why", Progress(5, None))
    document = to_document(failed)
    assert (document["reason"], document["message"], document["warmup"]) == ("LoadFailed", "why", None)
    assert document["progress"] == {"bytes": 5, "totalBytes": None}


def test_a_fetch_under_way_is_reported_with_its_progress() -> None:
    seen = see(CANARY, warm=(1,), fetching={digest(2): Progress(5, 10)}, jobs=frozenset({Fetch(release(2))}))
    assert to_document(report_versions(seen)[1])["progress"] == {"bytes": 5, "totalBytes": 10}


@pytest.mark.parametrize(
    ("signature", "document"),
    [
        pytest.param(
            Signature("models team", "ab", datetime(2027, 1, 31, tzinfo=UTC)),
            {"verified": True, "signer": "models team", "key": "ab", "until": "2027-01-31T00:00:00Z", "message": ""},
            id="signed",
        ),
        pytest.param(
            Signature(problem="nobody signed it"),
            {"verified": False, "signer": "", "key": "", "until": None, "message": "nobody signed it"},
            id="unsigned",
        ),
    ],
)
def test_the_signature_is_told_of_each_version(signature: Signature, document: dict[str, object]) -> None:
    (told,) = report_versions(see(STABLE, warm=(1,), signatures={digest(1): signature}))
    assert to_document(told)["signature"] == document
