"""Images for loads: grey JPEGs like brain MR slices, no person's data, the same for the same seed."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 512
BOUNDARY = "medinfer-load"


def grey_pixels(seed: int, side: int = SIDE) -> NDArray[np.uint8]:
    """uint8 [side, side]: an ellipse of tissue in noise, with a bright spot in the quadrant `seed % 4` (row by row).

    The tiny demonstration model names the class by that quadrant, so that four seeds in a row give its four classes.
    """
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    tissue = draw.uniform(50, 110) + 30 * np.cos(3 * x) * np.cos(2 * y)
    pixels = np.where((x / 0.75) ** 2 + (y / 0.9) ** 2 < 1, tissue, 8)
    row, column = divmod(seed % 4, 2)
    left, top = np.array([column, row]) * 0.5 - 0.25 + draw.uniform(-0.05, 0.05, 2)
    pixels += 120 * np.exp(-((x - left) ** 2 + (y - top) ** 2) / draw.uniform(0.02, 0.03))
    noisy = pixels + draw.normal(0, 6, pixels.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def encode_jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """pixels: uint8 [height, width] (grey) or [height, width, 3] (RGB)."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def grey_jpeg(seed: int = 0, side: int = SIDE) -> bytes:
    """A square grey JPEG: about 50 KB with a side of 512 pixels, 7 KB with 256."""
    return encode_jpeg(grey_pixels(seed, side))


def multipart(image: bytes) -> bytes:
    """The body of an upload with one file field `image`."""
    head = (
        f"--{BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="image"; filename="slice.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + image + f"\r\n--{BOUNDARY}--\r\n".encode()
