"""Does once, before the worker is ready, what only a first request would have to do; for DICOM, some seconds after."""

import gc
import io
import logging
import warnings
from collections.abc import Iterator
from importlib import import_module

import numpy as np
from PIL import Image

from inference_api.imaging import images, tensors
from inference_api.imaging.formats import FORMATS
from inference_api.imaging.preprocessing import Preprocessing

_DICOM_MODULES = (
    *("pydicom", "pydicom.encaps", "pydicom.pixels.utils", "pydicom.pixels.processing"),
    *("inference_api.imaging.dicom.jpeg2000", "inference_api.imaging.dicom.rle"),
)
_SIDE = 16
_ANY = Preprocessing("bicubic", 1 / 255, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), None)


def warm() -> None:
    """Turns one synthetic image of each format into a tensor, except DICOM.

    Also silences libraries that would log a line for each damaged upload: the answer says what is wrong.
    """
    warnings.filterwarnings("ignore", module="PIL")
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    out = np.empty(tensors.FIRST_SHAPE, np.float32)
    for sample in samples():
        picture = images.decode(sample, max_pixels=_SIDE * _SIDE)
        tensors.fill(out, images.pixels(picture, _ANY), _ANY)


def samples() -> Iterator[bytes]:
    """A grey ramp in each format that Pillow writes."""
    ramp = Image.fromarray(np.arange(_SIDE * _SIDE, dtype=np.uint8).reshape(_SIDE, _SIDE))
    for name in (one.pillow_name for one in FORMATS if one.pillow_name):
        file = io.BytesIO()
        ramp.save(file, name)
        yield file.getvalue()


def import_dicom() -> None:
    """Imports pydicom: a third of a second of CPU, to be spent on a thread."""
    for module in _DICOM_MODULES:
        import_module(module)
    gc.freeze()  # as Service.start does: what was imported stays
