"""Specs and digests for tests."""

from typing import Any

from rollout_operator.documents.spec import AnalysisSpec, Approval, Artifact, Reference, Spec, Strategy
from rollout_operator.documents.step_kinds import GateStep, PauseStep, ShadowStep, Step

STEPS = (
    Step(shadow=ShadowStep(50, 50)),
    Step(gate=GateStep("clinical-signoff")),
    Step(set_weight=5),
    Step(pause=PauseStep(5)),
    Step(set_weight=50),
    Step(pause=PauseStep(5)),
    Step(set_weight=100),
)
ANALYSIS = AnalysisSpec(interval_seconds=2, min_samples=20)


def digest(version: int, bytes: str = "0") -> str:
    return "sha256:" + f"{version:x}{bytes}".rjust(64, "0")


def uri(version: int) -> str:
    return f"file:///bundles/resnet_medical-{version}.tar"


def approval(version: int, bytes: str = "0") -> Approval:
    return Approval("clinical-signoff", version, digest(version, bytes), "Dr. Roentgen")


def spec(version: int = 1, *, bytes: str = "0", **changes: Any) -> Spec:
    """Approved, with all steps; `strategy` and the others as in Spec."""
    fields: dict[str, Any] = {
        "strategy": Strategy(STEPS, keep_previous_seconds=60, progress_deadline_seconds=150),
        "analysis": ANALYSIS,
        "approvals": tuple(approval(number) for number in range(1, 6)),
        "generation": 1,
        "name": "medinfer",
    }
    return Spec(
        Reference("medinfer-triton"),
        Reference("medinfer-api"),
        "resnet_medical",
        version,
        Artifact(uri(version), digest(version, bytes)),
        **fields | changes,
    )
