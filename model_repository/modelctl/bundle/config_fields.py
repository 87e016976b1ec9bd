"""Which fields a config.pbtxt may have, and which values. Everything else is refused.

A bundle is data. Triton's schema also has fields that run code of the bundle (`runtime`, `backend`,
`model_operations`), that read files by their path (`parameters`, `label_filename`, `model_warmup`), or that take
memory without a bound (`instance_group.count`). A list of what is allowed also refuses what Triton adds tomorrow.
"""

import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from modelctl.bundle.config import Message
from modelctl.bundle.contract import MAX_LABELS, MAX_SIDE, TENSOR_NAME, TENSOR_NAME_MEANING
from modelctl.bundle.errors import InvalidBundle

MAX_BATCH_SIZE = 1024
MAX_INSTANCES = 4
MAX_THREADS = 64
MAX_QUEUE_DELAY_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Field:
    """`allows` judges one value; `meaning` are its words in a refusal. `most`: so many values are allowed."""

    allows: Callable[[Any], bool]
    meaning: str
    most: int = 1


def _message(most: int = 1) -> Field:
    return Field(lambda value: isinstance(value, dict), "a message in braces", most)


def _entry(most: int) -> Field:
    """An entry of a map."""
    return Field(lambda value: isinstance(value, dict) and value.keys() == {"key", "value"}, "a key and a value", most)


def _whole(low: int, high: int, most: int = 1) -> Field:
    return Field(lambda value: type(value) is int and low <= value <= high, f"a whole number, {low} to {high}", most)


def _one_of(*choices: str) -> Field:
    return Field(lambda value: isinstance(value, str) and value in choices, " or ".join(choices))


def _matching(pattern: str, meaning: str) -> Field:
    return Field(lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None, meaning)


_TENSOR_NAME = _matching(TENSOR_NAME, TENSOR_NAME_MEANING)
_ACCELERATOR = "optimization.execution_accelerators.gpu_execution_accelerator"

FIELDS: Mapping[str, Field] = {
    "name": _matching(r"[A-Za-z0-9_.-]{1,128}", "a name of letters, digits, '_', '.' and '-'"),
    "platform": _one_of("onnxruntime_onnx"),
    "backend": _one_of("onnxruntime"),
    "max_batch_size": _whole(1, MAX_BATCH_SIZE),
    "input": _message(),
    "input.name": _TENSOR_NAME,
    "input.data_type": _one_of("TYPE_FP32"),
    "input.format": _one_of("FORMAT_NCHW"),
    "input.dims": _whole(1, MAX_SIDE, most=3),
    "output": _message(),
    "output.name": _TENSOR_NAME,
    "output.data_type": _one_of("TYPE_FP32"),
    "output.dims": _whole(1, MAX_LABELS),
    "instance_group": _message(),
    "instance_group.kind": _one_of("KIND_AUTO", "KIND_CPU", "KIND_GPU"),
    "instance_group.count": _whole(1, MAX_INSTANCES),
    "dynamic_batching": _message(),
    "dynamic_batching.preferred_batch_size": _whole(1, MAX_BATCH_SIZE, most=16),
    "dynamic_batching.max_queue_delay_microseconds": _whole(0, MAX_QUEUE_DELAY_MICROSECONDS),
    "dynamic_batching.preserve_ordering": Field(lambda value: isinstance(value, bool), "true or false"),
    "optimization": _message(),
    "optimization.graph": _message(),
    "optimization.graph.level": _whole(-1, 2),
    "optimization.execution_accelerators": _message(),
    _ACCELERATOR: _message(),
    f"{_ACCELERATOR}.name": _one_of("tensorrt"),
    f"{_ACCELERATOR}.parameters": _entry(most=2),
    f"{_ACCELERATOR}.parameters.key": _one_of("precision_mode", "max_workspace_size_bytes"),
    f"{_ACCELERATOR}.parameters.value": _matching(r"FP16|FP32|[1-9]\d{0,11}", "FP16, FP32 or a number of bytes"),
    "parameters": _entry(most=2),
    "parameters.key": _one_of("intra_op_thread_count", "inter_op_thread_count"),
    "parameters.value": _message(),
    "parameters.value.string_value": Field(
        lambda value: isinstance(value, str) and value in map(str, range(MAX_THREADS + 1)),
        f'a number of threads, "0" to "{MAX_THREADS}"',
    ),
}


def check(config: Message) -> None:
    """Raises InvalidBundle naming the first field of a parsed config.pbtxt that is not allowed, or its value."""
    if "version_policy" in config:
        raise InvalidBundle("config.pbtxt has a version_policy, which belongs to the agent; remove it and pack again")
    _check(config, "")
    if not config.keys() & {"platform", "backend"}:
        raise InvalidBundle('config.pbtxt names no platform; write platform: "onnxruntime_onnx" and pack again')


def _check(message: Message, within: str) -> None:
    for name, values in message.items():
        path = within + name
        field = FIELDS.get(path)
        if field is None:
            raise InvalidBundle(
                f"config.pbtxt has the field {path}, which a bundle may not have; remove it and pack again"
            )
        if len(values) > field.most:
            raise InvalidBundle(f"config.pbtxt has {len(values)} values of {path}, at most {field.most} are allowed")
        for value in values:
            if not field.allows(value):
                raise InvalidBundle(
                    f"config.pbtxt: {path} must be {field.meaning}, not {_shown(value)}; correct it and pack again"
                )
            if isinstance(value, dict):
                _check(value, f"{path}.")


def _shown(value: Any) -> str:
    return ascii(reprlib.repr(value))[1:-1][:60]
