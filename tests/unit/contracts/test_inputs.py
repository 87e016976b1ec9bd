"""What a model is for goes from model.json over agent and operator to the API unchanged; both ends read the same."""

import json
from typing import Any

import pytest
from inference_api.imaging import inputs as api_inputs
from inference_api.routing.document import parse
from modelctl.bundle import inputs
from modelctl.bundle.errors import InvalidBundle
from replica_agent.observation import Facts
from replica_agent.plan import Role
from replica_agent.report import VersionReport, to_document
from replica_agent.state import State
from rollout_operator.decide.release_lookup import find_metadata
from rollout_operator.documents.agent import AgentState, parse_agent_state
from rollout_operator.documents.codec import dump
from rollout_operator.documents.observation import Observation, Replica
from rollout_operator.documents.release import Release

from tests.harness.routes import LABELS, PREPROCESSING, document

DIGEST = "sha256:" + "1" * 64
LISTS = {
    "modality": ["CR", "DX"],
    "photometricInterpretation": ["MONOCHROME1", "MONOCHROME2"],
    "bodyPart": ["CHEST"],
    "orientation": ["axial", "PA"],
}
EVERYTHING = LISTS | {"smallestSize": [64, 32], "required": ["modality"]}


def reported(value: dict[str, Any] | None) -> AgentState:
    """What an agent with a bundle of these `inputs` says."""
    facts = Facts("a" * 64, 1, tuple(LABELS), PREPROCESSING, inputs=value)
    version = to_document(VersionReport(1, DIGEST, Role.STABLE, State.WARM, uri="file:/a.tar", facts=facts))
    return parse_agent_state(json.dumps({"replica": "a", "versions": [version]}).encode())


@pytest.mark.parametrize("value", [None, {"modality": ["MR"]}, EVERYTHING], ids=["any", "modality", "everything"])
def test_from_the_agent_to_the_routes(value: dict[str, Any] | None) -> None:
    seen = Observation(0, replicas=(Replica("a", state=reported(value)),))
    metadata = find_metadata(seen, Release(1, DIGEST, "file:/a.tar"))
    assert metadata is not None
    routed = parse(json.dumps(document(versions={"1": dump(metadata), "2": dump(metadata)})).encode())
    assert routed.stable.version.inputs == api_inputs.parse(value, "inputs")


def test_both_read_the_same_fields() -> None:
    written = inputs.parse({"inputs": EVERYTHING})
    read = api_inputs.parse(written and inputs.to_json(written), "inputs")
    assert written and read
    for field in (*inputs.LISTS.values(), "smallest_size", "required"):
        assert getattr(written, field) == getattr(read, field)
    assert (inputs.LISTS, inputs.PLANES) == (api_inputs.LISTS, api_inputs.PLANES)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([], id="a-list"),
        pytest.param({"modalty": ["MR"]}, id="misspelt"),
        pytest.param({"modality": "MR"}, id="text"),
        pytest.param({"modality": []}, id="empty"),
        pytest.param({"modality": ["mr"]}, id="small-letters"),
        pytest.param({"modality": ["axial"]}, id="a-plane-elsewhere"),
        pytest.param({"modality": ["M" * 17]}, id="long"),
        pytest.param({"modality": ["MR", "MR"]}, id="twice"),
        pytest.param({"orientation": ["oblique"]}, id="no-plane"),
        pytest.param({"smallestSize": [64]}, id="one-side"),
        pytest.param({"smallestSize": [64, 65_536]}, id="large"),
        pytest.param({"required": ["modality"]}, id="required-without-values"),
        pytest.param({"required": [7]}, id="required-number"),
    ],
)
def test_what_one_refuses_both_refuse(value: Any) -> None:
    with pytest.raises(InvalidBundle):
        inputs.parse({"inputs": value})
    with pytest.raises(ValueError, match=r"^inputs"):
        api_inputs.parse(value, "inputs")
