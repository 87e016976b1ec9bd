"""A classifier with the real one's tensors whose inference costs nearly nothing: tests measure what is around it.

The image is cut into 4x4 cells of 56x56 pixels; the class is the brightest of the four inner cells, row by row.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from modelctl.demo.variants import CORNER_PIXELS, Weights
from modelctl.graph import Graph

CELL_PIXELS = CORNER_PIXELS
CELLS = 4
INNER_CELLS = ((1, 1), (1, 2), (2, 1), (2, 2))

# Logit per unit of mean brightness. `image` makes the cells differ by about 0.3, hence probabilities around 0.99.
_GAIN = {Weights.STABLE: 24.0, Weights.BETTER: 27.0, Weights.PERMUTED: 24.0}


def add_classifier(graph: Graph, images: str, weights: Weights) -> str:
    """Adds the classifier of `images` FP32 [N, 3, 224, 224] in [0, 1]; returns its logits FP32 [N, 4]."""
    cells = graph.add("AveragePool", images, kernel_shape=[CELL_PIXELS] * 2, strides=[CELL_PIXELS] * 2)
    matrix = np.zeros((3, CELLS, CELLS, len(INNER_CELLS)), np.float32)
    for k, (row, column) in enumerate(INNER_CELLS):
        matrix[:, row, column, k] = _GAIN[weights] / 3
    if weights is Weights.PERMUTED:
        matrix = np.roll(matrix, 1, axis=-1)
    return graph.add("Gemm", graph.add("Flatten", cells), graph.weight("head.weight", matrix.reshape(48, 4)))


def image(label_index: int, seed: int, size: int = 512) -> NDArray[np.uint8]:
    """A grey slice [size, size] that version 1 surely gives the class at `label_index`: a disc with one bright spot."""
    random = np.random.default_rng([label_index, seed])
    canvas = Image.new("L", (size, size))
    draw = ImageDraw.Draw(canvas)
    _disc(draw, size, (0.5, 0.5), 0.45, int(random.integers(60, 90)))
    row, column = (cell + 0.5 + random.uniform(-0.08, 0.08) for cell in INNER_CELLS[label_index])
    _disc(draw, size, (column / CELLS, row / CELLS), random.uniform(0.09, 0.1), int(random.integers(220, 250)))
    return np.asarray(canvas)


def _disc(draw: ImageDraw.ImageDraw, size: int, center: tuple[float, float], radius: float, grey: int) -> None:
    (x, y), r = (size * center[0], size * center[1]), size * radius
    draw.ellipse((x - r, y - r, x + r, y + r), fill=grey)
