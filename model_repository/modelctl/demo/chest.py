"""Synthetic chest radiographs, and a classifier that names their findings. None of this is medicine.

A picture is made of ellipses: body, lungs, spine, heart. Each finding changes one place: a wide heart, a bright base of
one lung, a black edge of the other, a cloud or a small bright disc in one lung. The classifier compares the brightness
of that place with that of lung tissue which no finding touches.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelctl.bundle.contract import Contract, Input, Output
from modelctl.bundle.manifest import Preprocessing
from modelctl.demo.samples import Sample
from modelctl.demo.variants import Weights
from modelctl.graph import Graph

MODEL = "chest_findings"
SIDE = 320
FINDINGS = ("Cardiomegaly", "Effusion", "Pneumothorax", "Consolidation", "Nodule")
NO_FINDING = "no-finding"
CONTRACT = Contract(
    Input("input", (1, SIDE, SIDE)), Output("output", "sigmoid", FINDINGS, thresholds=(0.5,) * len(FINDINGS))
)
PREPROCESSING = Preprocessing("bicubic", 1 / 255, (0.0,), (1.0,), None)

_LUNG = 0.22
_CELL_PIXELS = 8
_CELLS = SIDE // _CELL_PIXELS
_LOGIT = 5.0  # of a finding as it is drawn; without it, the same below 0
_GAIN = {Weights.STABLE: 1.0, Weights.BETTER: 1.1, Weights.PERMUTED: 1.0}

Pixels = NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """Left, top, right, bottom in 0..1; `change` of the mean brightness there when the finding is drawn."""

    box: tuple[float, float, float, float]
    change: float


# In the order of FINDINGS.
_PLACES = (
    Place((0.7, 0.575, 0.75, 0.675), 0.48),
    Place((0.275, 0.625, 0.35, 0.675), 0.40),
    Place((0.725, 0.3, 0.775, 0.35), -0.17),
    Place((0.275, 0.475, 0.325, 0.525), 0.30),
    Place((0.275, 0.275, 0.35, 0.35), 0.24),
)
_REFERENCE = (0.65, 0.4, 0.7, 0.45)


def add_classifier(graph: Graph, images: str, weights: Weights) -> str:
    """Adds the classifier of `images` FP32 [N, 1, 320, 320] in [0, 1]; returns its logits FP32 [N, 5]."""
    cells = graph.add("AveragePool", images, kernel_shape=[_CELL_PIXELS] * 2, strides=[_CELL_PIXELS] * 2)
    gains = np.array([2 * _LOGIT * _GAIN[weights] / place.change for place in _PLACES])
    matrix = np.stack([_mean(place.box) - _mean(_REFERENCE) for place in _PLACES], axis=1) * gains
    bias = -_LOGIT * _GAIN[weights] * np.ones(len(_PLACES))
    if weights is Weights.PERMUTED:
        matrix = np.roll(matrix, 1, axis=1)
    head = graph.weight("head.weight", matrix.astype(np.float32))
    return graph.add("Gemm", graph.add("Flatten", cells), head, graph.weight("head.bias", bias.astype(np.float32)))


def _mean(box: tuple[float, float, float, float]) -> Pixels:
    """Weights [cells * cells] whose dot product with the cells is the mean of those in the box."""
    left, top, right, bottom = (round(edge * _CELLS) for edge in box)
    chosen = np.zeros((_CELLS, _CELLS))
    chosen[top:bottom, left:right] = 1 / ((bottom - top) * (right - left))
    return chosen.reshape(-1)


def samples(seed: int, count: int, size: int = 512) -> list[Sample]:
    """`count` pictures: without finding, with each finding alone, and with two and three; then the same again."""
    combinations = [(), *((k,) for k in range(len(FINDINGS))), (0, 1), (2, 3), (1, 2, 4)]
    return [sample(combinations[i % len(combinations)], [seed, i], size) for i in range(count)]


def sample(findings: Iterable[int], seed: list[int], size: int) -> Sample:
    """A grey picture [size, size] with the findings at these places of FINDINGS."""
    present = tuple(findings)
    shown = "-".join(FINDINGS[k].lower() for k in present) or NO_FINDING
    return Sample(shown, _draw(present, np.random.default_rng(seed), size))


def _draw(present: tuple[int, ...], random: np.random.Generator, size: int) -> NDArray[np.uint8]:
    rows, columns = (np.mgrid[:size, :size] + 0.5) / size
    x, y = columns - random.uniform(-0.008, 0.008), rows - random.uniform(-0.008, 0.008)
    scan = 0.04 + 0.5 * _ellipse(x, y, (0.5, 0.62), (0.45, 0.6), 0.01)
    left, right = (_ellipse(x, y, (at, 0.46), (0.13, 0.27), 0.006) for at in (0.31, 0.69))
    ribs = 0.02 * np.sin(2 * np.pi * (y + 0.25 * (x - 0.5) ** 2) / 0.05)
    scan = _blend(scan, _LUNG + ribs, np.maximum(left, right))
    scan = _blend(scan, 0.62, _ellipse(x, y, (0.5, 0.5), (0.035, 0.6), 0.005))
    width = random.uniform(0.19, 0.21) if 0 in present else random.uniform(0.1, 0.115)
    scan = _blend(scan, 0.7, _ellipse(x, y, (0.58, 0.63), (width, 0.13), 0.006))
    if 1 in present:
        scan = _blend(scan, 0.62, left * _above(y - random.uniform(0.585, 0.605), 0.006))
    if 2 in present:
        scan = _blend(scan, 0.05, right * _above(x - random.uniform(0.7, 0.712), 0.003) * _above(0.38 - y, 0.004))
    if 3 in present:
        scan = _blend(scan, 0.55, left * _ellipse(x, y, _near((0.3, 0.5), random), (0.055, 0.055), 0.01))
    if 4 in present:
        scan = _blend(scan, 0.8, left * _ellipse(x, y, _near((0.3125, 0.3125), random), (0.03, 0.03), 0.003))
    grey = scan * random.uniform(0.92, 1.05) + random.normal(0, random.uniform(0.004, 0.012), scan.shape)
    return np.asarray(np.clip(grey * 255 + 0.5, 0, 255), np.uint8)


def _near(center: tuple[float, float], random: np.random.Generator) -> tuple[float, float]:
    x, y = (at + random.uniform(-0.008, 0.008) for at in center)
    return x, y


def _ellipse(x: Pixels, y: Pixels, center: tuple[float, float], radii: tuple[float, float], softness: float) -> Pixels:
    """1 inside, 0 outside."""
    distance = np.hypot((x - center[0]) / radii[0], (y - center[1]) / radii[1]) - 1
    return _above(-distance * min(radii), softness)


def _above(distance: Pixels, softness: float) -> Pixels:
    """1 where the distance is positive, 0 where it is negative, with an edge of this softness."""
    return np.asarray(1 / (1 + np.exp(-np.clip(distance / softness, -30, 30))))


def _blend(scan: Pixels, grey: Pixels | float, mask: Pixels) -> Pixels:
    return scan + (grey - scan) * mask
