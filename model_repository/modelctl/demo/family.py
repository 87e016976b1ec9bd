"""From a classifier to the bundle of one variant: the same steps for every model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from modelctl.assemble import Parts
from modelctl.bundle import config, contract, images, manifest
from modelctl.bundle.contract import Contract
from modelctl.bundle.golden import Golden, activate
from modelctl.bundle.interface import interface
from modelctl.bundle.manifest import Preprocessing
from modelctl.demo.faults import add_fault
from modelctl.demo.samples import mark_corner
from modelctl.demo.variants import Fault, Variant, Weights
from modelctl.graph import Graph
from modelctl.runtime import load

NOTICE = "Demonstration weights, not for clinical use"


@dataclass(frozen=True)
class Family:
    """A classifier in all its weights. `memory_bytes` is measured once and rounded up: digests stay repeatable."""

    contract: Contract
    preprocessing: Preprocessing
    add_classifier: Callable[[Graph, str, Weights], str]
    golden_images: Sequence[NDArray[np.uint8]]
    memory_bytes: int
    provenance: Mapping[Weights, Mapping[str, str]]


def parts(family: Family, variant: Variant, config_text: bytes) -> Parts:
    """Everything that the bundle of `variant` holds."""
    is_first = family.contract == contract.first(family.contract.output.labels)
    return Parts(
        version=variant.version,
        contract=family.contract,
        preprocessing=family.preprocessing,
        onnx=build_model(family, variant, config_text).SerializeToString(deterministic=True),
        config=config_text,
        golden=_golden(family, variant, config_text),
        memory_bytes=family.memory_bytes,
        provenance={"notice": NOTICE, "variant": f"{variant.name}: {variant.summary}"}
        | dict(family.provenance[variant.weights]),
        schema_version=manifest.FIRST_SCHEMA_VERSION if is_first else manifest.SCHEMA_VERSION,
    )


def build_model(family: Family, variant: Variant, config_text: bytes) -> onnx.ModelProto:
    """The ONNX model of `variant`, fault and all."""
    tensors = interface(config.parse(config_text))
    graph = Graph()
    logits = family.add_classifier(graph, tensors.input_name, variant.weights)
    faulty = add_fault(graph, tensors.input_name, logits, variant.fault, variant.inverted)
    graph.add("Identity", faulty, output=tensors.output_name)
    return graph.model(tensors, NOTICE)


def _golden(family: Family, variant: Variant, config_text: bytes) -> Golden:
    """Recorded from the same weights without the fault; the fault of an inverted variant spares marked images."""
    mark = mark_corner if variant.inverted else lambda image: image
    output, shape = family.contract.output, family.contract.input.shape
    inputs = np.stack([images.tensor(mark(image), family.preprocessing, shape) for image in family.golden_images])
    sound = build_model(family, Variant(variant.version, "sound", "", variant.weights), config_text)
    probabilities = activate(load(sound.SerializeToString())(inputs), output.activation)
    if variant.fault is Fault.WRONG_GOLDEN:
        probabilities = np.roll(probabilities, 1, axis=1)
    return Golden(inputs, probabilities, output.activation, bool(output.thresholds))
