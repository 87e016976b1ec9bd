"""What Argo CD shows of a ModelRollout, by the conditions that the operator derives."""

from pathlib import Path

import pytest
from rollout_operator.decide.conditions import Summary, derive_conditions
from rollout_operator.documents.codec import dump
from rollout_operator.documents.status import Phase

from ci.stack.folders import ROOT
from tests.harness import lua
from tests.harness.lua import Json

pytestmark = pytest.mark.integration

SCRIPT = ROOT / "manifests" / "gitops" / "argocd" / "health.lua"
SITUATIONS = [
    # phase, reason of Ready, are patients served, health
    (Phase.PENDING, "Pending", False, "Progressing"),
    (Phase.VERIFYING, "Verifying", False, "Progressing"),
    (Phase.LOADING, "Loading", True, "Progressing"),
    (Phase.WARMING, "Warming", True, "Progressing"),
    (Phase.SHADOWING, "Shadowing", True, "Progressing"),
    (Phase.PROGRESSING, "Progressing", True, "Progressing"),
    (Phase.PROGRESSING, "AwaitingAcknowledgement", True, "Progressing"),
    (Phase.PAUSED, "AwaitingApproval", True, "Suspended"),
    (Phase.PAUSED, "Suspended", True, "Suspended"),
    (Phase.PROMOTING, "Promoting", True, "Progressing"),
    (Phase.HEALTHY, "Promoted", True, "Healthy"),
    (Phase.ROLLING_BACK, "AnalysisFailed", True, "Progressing"),
    (Phase.ROLLED_BACK, "AnalysisFailed", True, "Degraded"),
    (Phase.HELD, "AnalysisFailed", True, "Degraded"),
    (Phase.BLOCKED, "DigestMismatch", True, "Degraded"),
    (Phase.BLOCKED, "DigestMismatch", False, "Degraded"),
    (Phase.DEGRADED, "StableMissing", False, "Degraded"),
]


def rollout(phase: Phase, reason: str, available: bool, generation: int = 3, observed: int = 3) -> Json:
    summary = Summary(phase, reason, f'v2 "{reason}"', available, observed, now=1_800_000_000)
    conditions = [dump(one) for one in derive_conditions(summary, ())]
    status = {"observedGeneration": observed, "phase": str(phase), "conditions": conditions}
    return {"metadata": {"name": "resnet-medical", "generation": generation}, "status": status}


@pytest.mark.parametrize(("phase", "reason", "available", "health"), SITUATIONS, ids=str)
def test_each_situation_has_its_health(phase: Phase, reason: str, available: bool, health: str, tmp_path: Path) -> None:
    assert lua.health(SCRIPT, rollout(phase, reason, available), tmp_path) == (health, f'v2 "{reason}"')


def test_every_phase_is_in_the_table() -> None:
    assert {phase for phase, *_ in SITUATIONS} == set(Phase)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"metadata": {"generation": 1}}, id="no status yet"),
        pytest.param({"metadata": {"generation": 1}, "status": {}}, id="an empty status"),
        pytest.param({"metadata": {"generation": 1}, "status": {"observedGeneration": 1}}, id="no conditions"),
        pytest.param(rollout(Phase.HEALTHY, "Promoted", True, generation=4), id="the commit was not looked at"),
        pytest.param(rollout(Phase.ROLLED_BACK, "LoadFailed", True, generation=4), id="nor was the revert"),
    ],
)
def test_an_old_status_says_nothing(body: Json, tmp_path: Path) -> None:
    expected = ("Progressing", "waiting for the rollout operator to reconcile this spec")
    assert lua.health(SCRIPT, body, tmp_path) == expected


def test_a_status_without_ready_is_no_verdict(tmp_path: Path) -> None:
    body = {"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "message": "v1", "conditions": []}}
    assert lua.health(SCRIPT, body, tmp_path) == ("Progressing", "v1")
