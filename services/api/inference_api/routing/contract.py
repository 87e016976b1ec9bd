"""What a version takes and gives: its tensors, and what the numbers of its output mean.

The document is untrusted. Every error names the field and says what to write. modelctl writes what is read here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inference_api.imaging.tensors import FIRST_SHAPE, Shape

ACTIVATIONS = ("softmax", "sigmoid", "none")
CHANNELS = (1, 3)
MAX_SIDE = 1024
MAX_LABELS = 1000
FIRST_LABEL_COUNT = 4
TENSOR_NAME = r"[A-Za-z0-9_.:/-]{1,128}"


@dataclass(frozen=True, slots=True)
class Contract:
    """Input FP32 [batch, *shape], output FP32 [batch, one number for each label].

    `thresholds`: one for each label of a version that names several findings at once; empty: it names one class.
    """

    input_name: str = "input"
    shape: Shape = FIRST_SHAPE
    output_name: str = "output"
    activation: str = "softmax"
    thresholds: tuple[float, ...] = ()


# Of every bundle of schemaVersion 1, which says nothing of its tensors.
FIRST = Contract()


def parse(fields: Mapping[str, object], label_count: int, where: str) -> Contract:
    """Reads `input` and `output` of a version's `fields`; FIRST when it has neither. Raises ValueError."""
    taken, given = fields.get("input"), fields.get("output")
    if taken is None and given is None:
        if label_count != FIRST_LABEL_COUNT:
            raise ValueError(f"{where}.labels: are {label_count}; write {FIRST_LABEL_COUNT}, or add input and output")
        return FIRST
    if not isinstance(taken, dict) or not isinstance(given, dict):
        raise ValueError(f"{where}.input, {where}.output: must both be objects, or both be left out")
    activation = given.get("activation")
    if activation not in ACTIVATIONS:
        raise ValueError(f"{where}.output.activation: must be one of {', '.join(ACTIVATIONS)}")
    return Contract(
        _name(taken.get("name"), f"{where}.input.name"),
        _shape(taken.get("shape"), f"{where}.input.shape"),
        _name(given.get("name"), f"{where}.output.name"),
        activation,
        _thresholds(given.get("thresholds"), activation, label_count, f"{where}.output.thresholds"),
    )


def _name(value: object, where: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(TENSOR_NAME, value):
        raise ValueError(f"{where}: must be a tensor's name of 1 to 128 letters, digits, '_', '.', ':', '/' and '-'")
    return value


def _shape(value: object, where: str) -> Shape:
    if not isinstance(value, list) or len(value) != 3 or not all(type(size) is int for size in value):
        raise ValueError(f"{where}: must be [C, H, W], three whole numbers without the batch axis")
    channels, height, width = value
    if channels not in CHANNELS or not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise ValueError(f"{where}: must have 1 or 3 channels, and a height and a width from 1 to {MAX_SIDE}")
    return channels, height, width


def _thresholds(value: object, activation: str, count: int, where: str) -> tuple[float, ...]:
    if value is None and activation != "sigmoid":
        return ()
    if activation == "softmax":
        raise ValueError(f"{where}: must be left out, as a softmax names one class")
    if not isinstance(value, list) or len(value) != count or not all(map(_is_threshold, value)):
        raise ValueError(f"{where}: must be {count} numbers above 0 and below 1, one for each label")
    return tuple(map(float, value))


def _is_threshold(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1
