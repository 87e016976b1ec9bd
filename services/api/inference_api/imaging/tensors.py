"""From pixels to the model's input tensor, written straight into the request's buffer."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from inference_api.imaging.preprocessing import Preprocessing

Shape = tuple[int, int, int]

# Of every bundle of schemaVersion 1.
FIRST_SHAPE: Shape = (3, 224, 224)

Tensor = NDArray[np.float32]
Pixels = NDArray[np.uint8]


def fill(out: Tensor, pixels: Pixels, preprocessing: Preprocessing) -> None:
    """Writes (pixel * scale - mean) / std into `out`, float32 [C, H, W].

    `pixels` is uint8 [H, W] for a grey image, spread over the channels, or [H, W, 3].
    Computed as (pixel - mean / scale) / (std / scale): with scale 1/255, mean 0 and std 1 that divides by exactly 255,
    and is bit-identical to `numpy.asarray(image, dtype=float32) / 255.0`; a product with 1/255 would not be.
    """
    offset, divisor, uniform = _constants(preprocessing)
    if pixels.ndim == 3:
        np.subtract(pixels.transpose(2, 0, 1), offset, out=out, dtype=np.float32)
        np.divide(out, divisor, out=out)
    elif uniform:
        np.subtract(pixels, offset[0], out=out[0], dtype=np.float32)
        np.divide(out[0], divisor[0], out=out[0])
        out[1:] = out[0]
    else:
        np.subtract(pixels, offset, out=out, dtype=np.float32)
        np.divide(out, divisor, out=out)


@lru_cache(maxsize=16)
def _constants(preprocessing: Preprocessing) -> tuple[Tensor, Tensor, bool]:
    """Offset and divisor, float32 [C, 1, 1], and whether the channels share them."""
    offset = np.array(preprocessing.mean).reshape(-1, 1, 1) / preprocessing.scale
    divisor = np.array(preprocessing.std).reshape(-1, 1, 1) / preprocessing.scale
    uniform = len(set(preprocessing.mean)) == 1 and len(set(preprocessing.std)) == 1
    return offset.astype(np.float32), divisor.astype(np.float32), uniform
