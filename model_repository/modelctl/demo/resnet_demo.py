"""Trains the demonstration ResNet50s: draws slices, runs them through the backbone, fits a head for each version."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from modelctl import resnet50
from modelctl.bundle import contract, images
from modelctl.defaults import LABELS, PREPROCESSING
from modelctl.demo import backbone, head, slices
from modelctl.demo.family import Family
from modelctl.demo.head import Head, Indices
from modelctl.demo.samples import Slice
from modelctl.demo.variants import Weights
from modelctl.graph import Graph

Item = TypeVar("Item")

# Version 2 has seen twice as many slices. All counts are multiples of the four classes.
_STABLE_SLICES, _BETTER_SLICES, _HELD_OUT_SLICES = 320, 640, 240
_STABLE_RIDGE, _BETTER_RIDGE = 30.0, 10.0
_BACKBONE_SEED, _TRAINING_SEED, _HELD_OUT_SEED = 5, 1, 2
_CALIBRATION_SLICES = 32
_BATCH = 16
_GOLDEN_SLICES = 8

# Measured with modelctl.memory at batch size 16 on the CPU: 378 MB; rounded up.
_MEMORY_BYTES = 512 << 20


@dataclass(frozen=True)
class Evaluation:
    """Shares in 0..1 on held-out slices. Per-class accuracy is by true label, agreement by version 1's answer."""

    accuracy: dict[str, float]
    accuracy_per_class: dict[str, dict[str, float]]
    agreement: float
    agreement_per_class: dict[str, float]


@dataclass(frozen=True)
class Trained:
    """`samples` are held-out slices that both versions classify rightly."""

    family: Family
    evaluation: Evaluation
    samples: tuple[Slice, ...]


def train() -> Trained:
    """Takes about a minute on two cores; shows progress on stderr where that is a terminal."""
    template = slices.read_template()
    training = _draw(template, _TRAINING_SEED, _BETTER_SLICES, "drawing training slices")
    held_out = _draw(template, _HELD_OUT_SEED, _HELD_OUT_SLICES, "drawing held-out slices")
    state = backbone.seeded(_BACKBONE_SEED, _tensors(training[:_CALIBRATION_SLICES]))
    run = backbone.features(state)
    seen = np.concatenate([run(batch) for batch in _batches(training, "features of training slices")])
    unseen = np.concatenate([run(batch) for batch in _batches(held_out, "features of held-out slices")])
    heads = _fit(seen, _labels(training))
    evaluation = _evaluate(heads, unseen, _labels(held_out))
    right = (heads[weights].classes(unseen) == _labels(held_out) for weights in (Weights.STABLE, Weights.BETTER))
    samples = tuple(one for one, sure in zip(held_out, np.logical_and(*right), strict=True) if sure)
    return Trained(_family(state, heads, samples, evaluation), evaluation, samples)


def _fit(features: NDArray[np.float32], labels: Indices) -> dict[Weights, Head]:
    stable = head.fit(features[:_STABLE_SLICES], labels[:_STABLE_SLICES], len(LABELS), _STABLE_RIDGE)
    better = head.fit(features, labels, len(LABELS), _BETTER_RIDGE)
    return {Weights.STABLE: stable, Weights.BETTER: better, Weights.PERMUTED: head.permuted(stable)}


def _family(
    state: backbone.State, heads: dict[Weights, Head], samples: tuple[Slice, ...], evaluation: Evaluation
) -> Family:
    def add_classifier(graph: Graph, tensor: str, weights: Weights) -> str:
        last = {"fc.weight": heads[weights].weight, "fc.bias": heads[weights].bias}
        return resnet50.add_classifier(graph, tensor, state | last)

    provenance = {weights: {"classifier": "resnet50", "weights": weights.value} for weights in Weights}
    for weights, accuracy in evaluation.accuracy.items():
        provenance[Weights(weights)]["heldOutAccuracy"] = f"{accuracy:.4f}"
    golden = [one.image for one in samples[:_GOLDEN_SLICES]]
    return Family(contract.first(LABELS), PREPROCESSING, add_classifier, golden, _MEMORY_BYTES, provenance)


def _evaluate(heads: dict[Weights, Head], features: NDArray[np.float32], labels: Indices) -> Evaluation:
    answers = {weights: heads[weights].classes(features) for weights in (Weights.STABLE, Weights.BETTER)}
    agree = answers[Weights.STABLE] == answers[Weights.BETTER]
    return Evaluation(
        accuracy={weights.value: float((found == labels).mean()) for weights, found in answers.items()},
        accuracy_per_class={weights.value: _named(found == labels, labels) for weights, found in answers.items()},
        agreement=float(agree.mean()),
        agreement_per_class=_named(agree, answers[Weights.STABLE]),
    )


def _named(equal: NDArray[np.bool_], groups: Indices) -> dict[str, float]:
    return {LABELS[k]: share for k, share in head.shares(equal, groups).items()}


def _draw(template: slices.Pixels, seed: int, count: int, what: str) -> list[Slice]:
    return list(_shown(slices.generate(template, seed, count), count, what))


def _batches(drawn: list[Slice], what: str) -> Iterator[NDArray[np.float32]]:
    starts = range(0, len(drawn), _BATCH)
    return _shown((_tensors(drawn[i : i + _BATCH]) for i in starts), len(starts), what)


def _tensors(drawn: list[Slice]) -> NDArray[np.float32]:
    return np.stack([images.tensor(one.image, PREPROCESSING) for one in drawn])


def _labels(drawn: list[Slice]) -> Indices:
    return np.array([one.label_index for one in drawn], np.int64)


def _shown(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    return iter(tqdm(items, total=total, desc=what, disable=None))
