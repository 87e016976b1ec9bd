import json
from pathlib import Path

import pytest
from google.protobuf import text_format
from modelctl.bundle.config import config_sha256
from modelctl.bundle.errors import InvalidBundle
from replica_agent.config import ModelConfig, parse_config, to_override, to_text, with_versions

TEXT = (Path(__file__).parents[3] / "model_repository/resnet_medical/config.pbtxt").read_text()


def test_the_override_is_the_whole_config_with_a_version_policy() -> None:
    config = parse_config(TEXT, "KIND_CPU")
    override = json.loads(to_override(with_versions(config, (1, 2))))
    assert override.pop("version_policy") == {"specific": {"versions": ["1", "2"]}}
    assert override == json.loads(to_override(config))
    assert override["platform"] == "onnxruntime_onnx" and override["max_batch_size"] == 16
    assert override["dynamic_batching"]["preferred_batch_size"] == [4, 8, 16]


@pytest.mark.parametrize("kind", ["KIND_CPU", "KIND_GPU"])
@pytest.mark.parametrize("text", [TEXT, TEXT[: TEXT.index("instance_group")]], ids=["with-group", "without-group"])
def test_the_instance_kind_is_the_settings(kind: str, text: str) -> None:
    groups = json.loads(to_override(parse_config(text, kind)))["instance_group"]
    assert [group["kind"] for group in groups] == [kind]


def test_the_text_on_disk_says_the_same_as_the_override() -> None:
    pinned = with_versions(parse_config(TEXT, "KIND_CPU"), (3,))
    assert to_override(text_format.Parse(to_text(pinned), ModelConfig())) == to_override(pinned)
    assert config_sha256(to_text(pinned).encode()) == config_sha256(TEXT.encode())


def test_a_policy_replaces_the_one_before() -> None:
    config = with_versions(with_versions(parse_config(TEXT, "KIND_CPU"), (1, 2)), (2,))
    assert list(config.version_policy.specific.versions) == [2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("max_batch: 3", "max_batch", id="unknown-field"),
        pytest.param("max_batch_size: many", "many", id="wrong-type"),
        pytest.param("input [", "config.pbtxt", id="half-written"),
    ],
)
def test_what_triton_would_not_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidBundle, match=message):
        parse_config(text, "KIND_CPU")
