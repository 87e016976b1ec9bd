"""Turns images into the tensors that the API makes of them."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modelctl.bundle.contract import FIRST_SHAPE
from modelctl.bundle.manifest import Preprocessing

FloatArray = NDArray[np.float32]


def tensor(
    image: NDArray[np.uint8], preprocessing: Preprocessing, shape: tuple[int, int, int] = FIRST_SHAPE
) -> FloatArray:
    """FP32 of `shape` [C, height, width] of an 8-bit image [H, W] or [H, W, 3]: (pixel * scale - mean) / std.

    Of a colour image, a version with one channel sees the luma, as Pillow's `convert("L")` computes it.

    The bits are those that POST /predict sends, and tests/unit/contracts/test_preprocessing.py compares them. So the
    formula is the API's: (pixel - mean / scale) / (std / scale), with both constants rounded to FP32 once.
    """
    channels, height, width = shape
    picture = Image.fromarray(image)
    if channels == 1 and picture.mode != "L":
        picture = picture.convert("L")
    resample = Image.Resampling[preprocessing.resample.upper()]
    # A grey image that is resized and then spread over three channels gives the same bits as convert("RGB") and resize.
    pixels = np.atleast_3d(np.asarray(picture.resize((width, height), resample), np.float32))
    offset, divisor = (
        (np.array(value) / preprocessing.scale).astype(np.float32) for value in (preprocessing.mean, preprocessing.std)
    )
    return np.ascontiguousarray(((pixels - offset) / divisor).transpose(2, 0, 1))
