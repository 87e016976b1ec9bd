"""What the first request would pay for, paid before the worker says that it is ready."""

import io
import logging
import warnings
from importlib import import_module

import numpy as np
from PIL import Image

from inference_api.imaging import images, tensors
from inference_api.imaging.preprocessing import Preprocessing

_ANY = Preprocessing("bicubic", 1 / 255, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), None)


def warm() -> None:
    """Imports the plugins and pydicom, and takes one synthetic image per format the whole way to a tensor.

    Quiets the libraries that would write a line to stderr for each damaged upload: the answer says what is wrong.
    """
    warnings.filterwarnings("ignore", module="PIL")
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    for module in ("pydicom", "pydicom.encaps", "pydicom.pixels.utils", "pydicom.pixels.processing"):
        import_module(module)
    Image.preinit()
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    out = np.empty(tensors.SHAPE, np.float32)
    for name in ("JPEG", "PNG", "WEBP", "BMP", "TIFF"):
        file = io.BytesIO()
        ramp.save(file, name)
        picture = images.decode(file.getvalue(), max_pixels=ramp.width * ramp.height)
        tensors.fill(out, images.pixels(picture, _ANY), _ANY)
