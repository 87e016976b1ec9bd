"""What a model takes and gives: its input tensor, its output tensor, and what the numbers of the output mean."""

import math
from dataclasses import dataclass
from typing import Any

from modelctl.bundle import fields, inputs
from modelctl.bundle.errors import InvalidBundle
from modelctl.bundle.fields import Json
from modelctl.bundle.inputs import Inputs

ACTIVATIONS = ("softmax", "sigmoid", "none")
CHANNELS = (1, 3)
MAX_SIDE = 1024
MAX_LABELS = 1000
MAX_LABEL_LENGTH = 64
# Of all labels together in UTF-8: the routes, which hold them for three versions, must fit into a ConfigMap.
MAX_LABELS_BYTES = 64 << 10

# What schemaVersion 1 of model.json leaves unsaid.
FIRST_SHAPE = (3, 224, 224)
FIRST_LABEL_COUNT = 4

TENSOR_NAME = r"[A-Za-z0-9_.:/-]{1,128}"
TENSOR_NAME_MEANING = "a tensor's name of 1 to 128 letters, digits, '_', '.', ':', '/' and '-'"


@dataclass(frozen=True)
class Input:
    """FP32 [batch, C, H, W]; `shape` is [C, H, W]. One channel is grey, three are red, green, blue."""

    name: str
    shape: tuple[int, int, int]


@dataclass(frozen=True)
class Output:
    """FP32 [batch, one number for each of `labels`].

    `activation`: what turns the numbers into probabilities; none: they are probabilities. `thresholds`: one for each
    label of a model that names several findings at once; empty for a model that names one class.
    """

    name: str
    activation: str
    labels: tuple[str, ...]
    thresholds: tuple[float, ...] = ()


@dataclass(frozen=True)
class Contract:
    """The input and the output of a model, and what files it is for; None: any."""

    input: Input
    output: Output
    inputs: Inputs | None = None


def first(labels: tuple[str, ...]) -> Contract:
    """The contract of every bundle of schemaVersion 1."""
    return Contract(Input("input", FIRST_SHAPE), Output("output", "softmax", labels))


def parse(document: Json) -> Contract:
    """Reads `input`, `output` and `inputs` of `document`; raises InvalidBundle naming the first field that is wrong."""
    taken, given = (fields.an_object(document, name) for name in ("input", "output"))
    labels = parse_labels(given, "output.")
    activation = fields.one_of(given, "activation", ACTIVATIONS, "output")
    return Contract(
        Input(fields.a_string(taken, "name", TENSOR_NAME, TENSOR_NAME_MEANING, "input"), _shape(taken)),
        Output(
            fields.a_string(given, "name", TENSOR_NAME, TENSOR_NAME_MEANING, "output"),
            activation,
            labels,
            _thresholds(given, activation, len(labels)),
        ),
        inputs.parse(document),
    )


def to_json(contract: Contract) -> dict[str, Any]:
    """The fields `input`, `output` and `inputs` that `parse` reads back to an equal value."""
    given = contract.output
    thresholds = {"thresholds": list(given.thresholds)} if given.thresholds else {}
    return {
        "input": {"name": contract.input.name, "shape": list(contract.input.shape)},
        "output": {"name": given.name, "activation": given.activation, "labels": list(given.labels)} | thresholds,
        **({"inputs": inputs.to_json(contract.inputs)} if contract.inputs else {}),
    }


def parse_labels(document: Json, at: str = "", exactly: int | None = None) -> tuple[str, ...]:
    """Reads `labels` of `document`, which stands at `at`: distinct names in output order."""
    labels = document.get("labels")
    wanted = exactly or f"1 to {MAX_LABELS}"
    if not isinstance(labels, list) or not (exactly or 1) <= len(labels) <= (exactly or MAX_LABELS):
        raise InvalidBundle(f"{at}labels must be a list of {wanted} distinct names in output order")
    before: set[str] = set()
    for i, label in enumerate(labels):
        if (
            not isinstance(label, str)
            or not label.strip().isprintable()
            or not 0 < len(label.strip()) <= MAX_LABEL_LENGTH
        ):
            raise InvalidBundle(f"{at}labels[{i}] must be a name of 1 to {MAX_LABEL_LENGTH} printable characters")
        if label in before:
            raise InvalidBundle(f"{at}labels[{i}] repeats an earlier one; the {len(labels)} names must be distinct")
        before.add(label)
    if sum(len(label.encode()) for label in labels) > MAX_LABELS_BYTES:
        raise InvalidBundle(f"{at}labels have more than {MAX_LABELS_BYTES} bytes together; write shorter names")
    return tuple(labels)


def _shape(taken: Json) -> tuple[int, int, int]:
    shape = taken.get("shape")
    if not isinstance(shape, list) or len(shape) != 3 or not all(type(size) is int for size in shape):
        raise InvalidBundle("input.shape must be [C, H, W], three whole numbers without the batch axis")
    channels, height, width = shape
    if channels not in CHANNELS:
        raise InvalidBundle(f"input.shape[0] must be 1 (grey) or 3 (red, green, blue) channels, not {channels}")
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise InvalidBundle(
            f"input.shape must have a height and a width from 1 to {MAX_SIDE}, not {height} and {width}"
        )
    return channels, height, width


def _thresholds(given: Json, activation: str, count: int) -> tuple[float, ...]:
    thresholds = given.get("thresholds")
    if thresholds is None:
        if activation == "sigmoid":
            raise InvalidBundle("output.thresholds is missing; a sigmoid model needs one for each label")
        return ()
    if activation == "softmax":
        raise InvalidBundle("output.thresholds must be left out: a softmax model names one class, the most probable")
    if not isinstance(thresholds, list) or len(thresholds) != count:
        raise InvalidBundle(f"output.thresholds must be a list of {count} numbers, one for each label")
    for i, value in enumerate(thresholds):
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not 0 < value < 1
            or not math.isfinite(value)
        ):
            raise InvalidBundle(f"output.thresholds[{i}] must be a number above 0 and below 1")
    return tuple(map(float, thresholds))
