"""Golden images, and the answers that a model gives to them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modelctl import runtime
from modelctl.bundle import images
from modelctl.bundle.contract import FIRST_SHAPE, Output
from modelctl.bundle.errors import ModelctlError
from modelctl.bundle.golden import Golden, activate, max_inputs
from modelctl.bundle.manifest import Preprocessing
from modelctl.declaration import FILE

_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
# One batch and single images give the same numbers, except that a kernel may add in another order.
_BATCH_TOLERANCE = 1e-3


def record(run: runtime.Run, inputs: NDArray[np.float32], output: Output) -> Golden:
    """Golden outputs of FP32 [N, C, H, W]; raises ModelctlError when single images and one batch disagree."""
    together = _probabilities(run(inputs), output)
    alone = np.concatenate([_probabilities(run(inputs[i : i + 1]), output) for i in range(len(inputs))])
    if not np.allclose(together, alone, atol=_BATCH_TOLERANCE):
        raise ModelctlError("the model answers differently for one image and for a batch; export it in eval mode")
    return Golden(inputs, together, output.activation, bool(output.thresholds))


def _probabilities(values: NDArray[np.float32], output: Output) -> NDArray[np.float32]:
    """Raises ModelctlError when the output is not what its contract says."""
    if values.ndim != 2 or values.shape[1] != len(output.labels):
        shape = [*values.shape[1:]]
        raise ModelctlError(
            f"{output.name} is {shape} after the batch axis, but there are {len(output.labels)} labels; correct labels"
        )
    if output.activation == "none" and (values.min() < 0 or values.max() > 1):
        raise ModelctlError(
            f"{output.name} has numbers outside 0 to 1; declare output.activation softmax or sigmoid "
            f"in {FILE} (with none the graph must give probabilities)"
        )
    if (
        output.activation == "none"
        and not output.thresholds
        and np.abs(values.sum(axis=1) - 1).max() > _BATCH_TOLERANCE
    ):
        raise ModelctlError(
            f"{output.name} does not sum to 1; declare output.thresholds in {FILE} "
            "if the model names several findings at once"
        )
    return activate(values, output.activation)


def read_images(
    folder: Path, preprocessing: Preprocessing, shape: tuple[int, int, int] = FIRST_SHAPE
) -> NDArray[np.float32]:
    """FP32 [N, C, H, W] of the images in a folder, by name; raises ModelctlError naming a bad one."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES)
    if not 1 <= len(paths) <= max_inputs(shape):
        raise ModelctlError(f"{folder} holds {len(paths)} images; 1 to {max_inputs(shape)} golden images are needed")
    return np.stack([images.tensor(image, preprocessing, shape) for image in _pixels(paths)])


def _pixels(paths: list[Path]) -> Iterator[NDArray[np.uint8]]:
    for path in paths:
        try:
            with Image.open(path) as image:
                if image.mode not in ("L", "RGB"):
                    raise ModelctlError(f"{path.name} has mode {image.mode}; save golden images as 8-bit grey or RGB")
                yield np.asarray(image)
        except OSError as error:
            raise ModelctlError(f"{path.name} cannot be read as an image ({error}); replace it") from None
