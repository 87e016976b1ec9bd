"""Of all fields that Triton knows a config.pbtxt may have a few; modelctl and the agent refuse the others by name."""

from typing import Any

import pytest
from modelctl.bundle import config, config_fields
from modelctl.bundle.errors import InvalidBundle
from replica_agent.config import parse_config

from tests.harness.hostile import config_schema

TENSORRT = "optimization.execution_accelerators.gpu_execution_accelerator"

# What is allowed, with values that are and values that are not. Whoever allows more has to say so here.
ALLOWED: dict[str, tuple[list[Any], list[Any]]] = {
    "name": (["m", "a.b-c_1"], ["", "../m", "a b", "m/1"]),
    "platform": (["onnxruntime_onnx"], ["", "ensemble", "pytorch_libtorch", "onnxruntime"]),
    "backend": (["onnxruntime"], ["", "python", "../python", "pytorch", "identity"]),
    "max_batch_size": ([1, 1024], [0, -1, 1025]),
    "input": ([{}], []),
    "input.name": (["input", "a:0"], ["", "a b"]),
    "input.data_type": (["TYPE_FP32"], ["TYPE_STRING", "TYPE_FP16"]),
    "input.format": (["FORMAT_NCHW"], ["FORMAT_NHWC"]),
    "input.dims": ([1, 1024], [0, -1, 1025]),
    "output": ([{}], []),
    "output.name": (["output"], ["", "a b"]),
    "output.data_type": (["TYPE_FP32"], ["TYPE_STRING"]),
    "output.dims": ([1, 1000], [0, -1, 1001]),
    "instance_group": ([{}], []),
    "instance_group.kind": (["KIND_AUTO", "KIND_CPU", "KIND_GPU"], ["KIND_MODEL"]),
    "instance_group.count": ([1, 4], [0, 5, 100_000]),
    "dynamic_batching": ([{}], []),
    "dynamic_batching.preferred_batch_size": ([1, 1024], [0, 1025]),
    "dynamic_batching.max_queue_delay_microseconds": ([0, 1_000_000], [1_000_001]),
    "dynamic_batching.preserve_ordering": ([True, False], []),
    "optimization": ([{}], []),
    "optimization.graph": ([{}], []),
    "optimization.graph.level": ([-1, 0, 2], [-2, 3]),
    "optimization.execution_accelerators": ([{}], []),
    TENSORRT: ([{}], []),
    f"{TENSORRT}.name": (["tensorrt"], ["openvino", ""]),
    f"{TENSORRT}.parameters": ([{"key": ["precision_mode"], "value": ["FP16"]}], [{}]),
    f"{TENSORRT}.parameters.key": (["precision_mode"], ["trt_engine_cache_path", "trt_extra_plugin_lib_paths"]),
    f"{TENSORRT}.parameters.value": (["FP16", "1073741824"], ["INT8", "/tmp", "1" * 13]),
    "parameters": ([{"key": ["intra_op_thread_count"], "value": [{}]}], [{}]),
    "parameters.key": (["intra_op_thread_count"], ["EXECUTION_ENV_PATH", "FORCE_CPU_ONLY_INPUT_TENSORS", ""]),
    "parameters.value": ([{}], []),
    "parameters.value.string_value": (["0", "64"], ["65", "-1", "$$TRITON_MODEL_DIRECTORY/golden.npz", "1 "]),
}
SCHEMA = {".".join(path): path for path in config_schema.fields()}


def refusal(text: str) -> str:
    """What modelctl says to this config.pbtxt, and the agent with it; empty when both take it."""
    try:
        config_fields.check(config.parse(text.encode()))
    except InvalidBundle as error:
        with pytest.raises(InvalidBundle):
            parse_config(text, "KIND_CPU")
        return str(error)
    parse_config(text, "KIND_CPU")
    return ""


def config_of(path: str, value: object) -> str:
    """A key or a value of a map has its other half beside it."""
    if path == "parameters.value.string_value":
        return config_of("parameters.value", {"string_value": [value]})
    *parents, last = path.split(".")
    entry = ALLOWED[".".join(parents)][0][0] if last in ("key", "value") else {}
    if not entry:
        return config_schema.config(SCHEMA[path], [value])
    return config_schema.config(tuple(parents), [entry | {last: [value]}])


def test_every_allowed_field_is_one_of_tritons() -> None:
    assert config_fields.FIELDS.keys() == ALLOWED.keys()
    assert ALLOWED.keys() < SCHEMA.keys()
    assert len(SCHEMA) > 150


@pytest.mark.parametrize("path", sorted(SCHEMA.keys() - ALLOWED.keys()))
def test_every_other_field_of_triton_is_refused_by_name(path: str) -> None:
    reason = refusal(config_schema.config(SCHEMA[path]))
    parts = path.split(".")
    first = next(name for k in range(1, 9) if (name := ".".join(parts[:k])) not in ALLOWED)
    named = "version_policy" if parts[0] == "version_policy" else f"the field {first}, which a bundle may not have"
    assert named in reason


@pytest.mark.parametrize("path", ALLOWED)
def test_an_allowed_field_has_allowed_values(path: str) -> None:
    good, bad = ALLOWED[path]
    for value in good:
        assert refusal(config_of(path, value)) == ""
    for value in bad:
        assert f"config.pbtxt: {path} must be " in refusal(config_of(path, value))


@pytest.mark.parametrize(
    "more, reason",
    [
        pytest.param('runtime: "golden.npz"', "the field runtime", id="a-runtime-from-the-bundle"),
        pytest.param('model_operations { op_library_filename: "golden.npz" }', "model_operations", id="operators"),
        pytest.param('backend: "python"', "backend must be onnxruntime", id="another-backend"),
        pytest.param("ensemble_scheduling { step { } }", "ensemble_scheduling", id="an-ensemble"),
        pytest.param("instance_group { count: 100000 }", "instance_group.count must be", id="100000-instances"),
        pytest.param("instance_group { } instance_group { }", "2 values of instance_group", id="two-groups"),
        pytest.param('platform: "onnxruntime_onnx"', "2 values of platform", id="platform-twice"),
        pytest.param("max_batch_size: 16.0", "max_batch_size must be", id="a-fraction"),
        pytest.param("max_batch_size { }", "max_batch_size must be", id="a-message-for-a-number"),
        pytest.param("dynamic_batching: 1", "dynamic_batching must be a message", id="a-number-for-a-message"),
        pytest.param("input { dims: [1, 2, 3, 4] }", "4 values of input.dims", id="four-dims"),
        pytest.param('input { name: "' + "x" * 900 + '" }', "input.name must be", id="a-long-name"),
    ],
)
def test_refuses(more: str, reason: str) -> None:
    said = refusal(f'name: "m" platform: "onnxruntime_onnx" {more}')
    assert reason in said
    assert "pack again" in said or "at most" in said
    assert len(said) < 300


def test_refuses_a_config_that_names_no_platform() -> None:
    assert 'write platform: "onnxruntime_onnx"' in refusal('name: "m"')


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('parameters { key: "intra_op_thread_count" value { string_value: "2" } }', id="threads"),
        pytest.param(
            'parameters [{ key: "intra_op_thread_count" value { } }, { key: "inter_op_thread_count" value { } }]',
            id="a-map-out-of-order",
        ),
        pytest.param("instance_group { kind: KIND_AUTO count: 0x2 }", id="the-first-of-an-enumeration"),
        pytest.param("dynamic_batching < preserve_ordering: false >", id="a-default"),
        pytest.param(r'backend: "onnx" "runti\155e"', id="a-string-in-pieces"),
    ],
)
def test_the_agent_reads_what_modelctl_reads(text: str) -> None:
    assert refusal(f'name: "m" platform: "onnxruntime_onnx" {text}') == ""


def test_the_agent_refuses_what_the_two_read_differently() -> None:
    """protobuf keeps the last of two equal keys of a map."""
    entry = 'parameters { key: "intra_op_thread_count" value { string_value: "%d" } } '
    text = f'name: "m" platform: "onnxruntime_onnx" {entry % 1} {entry % 2}'
    config_fields.check(config.parse(text.encode()))
    with pytest.raises(InvalidBundle, match="means something else to protobuf"):
        parse_config(text, "KIND_CPU")
