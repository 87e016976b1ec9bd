"""DICOM frames in colour, or with a palette."""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from inference_api.imaging.bands import map_bands
from inference_api.imaging.dicom import frames
from inference_api.imaging.dicom.frames import Frame
from inference_api.imaging.dicom.layout import Layout
from inference_api.imaging.dicom.numbers import lacks
from inference_api.imaging.dicom.syntaxes import BIG_ENDIAN
from inference_api.imaging.unreadable import UnreadableImage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def colour(frame: Frame, header: "Dataset", layout: Layout, syntax: str) -> Image.Image:
    """Mode RGB of RGB samples [rows, columns, 3], or of the places [rows, columns] in the file's palette."""
    if layout.is_palette:
        frame = _looked_up(frames.stored(frame, layout, syntax), header, syntax)
    if frame.dtype != np.uint8:
        raise UnreadableImage("this file is 16-bit colour; send 8-bit colour or 16-bit grey")
    return Image.fromarray(frame)


def _looked_up(places: Frame, header: "Dataset", syntax: str) -> Frame:
    from pydicom.pixels.processing import apply_color_lut

    if syntax == BIG_ENDIAN:
        raise UnreadableImage("PALETTE COLOR in the DICOM transfer syntax Explicit VR Big Endian is not")
    for keyword in ("RedPaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData"):
        if keyword not in header:
            raise lacks(keyword)
    return map_bands(lambda samples: _high_bytes(apply_color_lut(samples, header)), places)


def _high_bytes(samples: Frame) -> Frame:
    return samples if samples.itemsize == 1 else (samples >> 8).astype(np.uint8)
