"""What the first request would pay for, paid before the worker says that it is ready; for DICOM, right after."""

import io
import logging
import sys
import warnings
from importlib import import_module

import numpy as np
from PIL import Image

from inference_api.imaging import images, tensors
from inference_api.imaging.preprocessing import Preprocessing

_DICOM_MODULES = ("pydicom", "pydicom.encaps", "pydicom.pixels.utils", "pydicom.pixels.processing")
_SWITCH_SECONDS = 0.0005
_ANY = Preprocessing("bicubic", 1 / 255, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), None)


def warm() -> None:
    """Takes one synthetic image per format the whole way to a tensor, except DICOM.

    Quiets the libraries that would write a line to stderr for each damaged upload: the answer says what is wrong.
    """
    warnings.filterwarnings("ignore", module="PIL")
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    Image.preinit()
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    out = np.empty(tensors.SHAPE, np.float32)
    for name in ("JPEG", "PNG", "WEBP", "BMP", "TIFF"):
        file = io.BytesIO()
        ramp.save(file, name)
        picture = images.decode(file.getvalue(), max_pixels=ramp.width * ramp.height)
        tensors.fill(out, images.pixels(picture, _ANY), _ANY)


def import_dicom() -> None:
    """Imports pydicom: half a second of CPU, for a thread. Until then the event loop waits at most 0.5 ms for its turn.

    Python gives a thread that computes 5 ms before it must let another one run, each time the loop wakes.
    """
    interval_seconds = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        for module in _DICOM_MODULES:
            import_module(module)
    finally:
        sys.setswitchinterval(interval_seconds)
