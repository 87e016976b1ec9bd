"""Turns images into the tensors that the API makes of them."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modelctl.bundle.golden import INPUT_SHAPE
from modelctl.bundle.manifest import Preprocessing

FloatArray = NDArray[np.float32]


def tensor(image: NDArray[np.uint8], preprocessing: Preprocessing) -> FloatArray:
    """FP32 [3, 224, 224] of an 8-bit image [H, W] or [H, W, 3], as POST /predict computes it."""
    _, height, width = INPUT_SHAPE
    resample = Image.Resampling[preprocessing.resample.upper()]
    # A grey image resized and then spread over three channels gives the same bits as convert("RGB") and resize.
    resized = np.asarray(Image.fromarray(image).resize((width, height), resample), np.float32)
    pixels = np.atleast_3d(resized)
    mean, std = (np.array(value, np.float32) for value in (preprocessing.mean, preprocessing.std))
    normal = (pixels * np.float32(preprocessing.scale) - mean) / std
    return np.ascontiguousarray(normal.transpose(2, 0, 1), np.float32)
