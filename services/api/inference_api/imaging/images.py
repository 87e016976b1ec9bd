"""From untrusted bytes to pixels: what is refused, and which pixels a version sees."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from inference_api import problems
from inference_api.imaging import decode_memory, formats
from inference_api.imaging.admit import Admit
from inference_api.imaging.dicom.parser import resembles_dicom
from inference_api.imaging.high_pixels import HighPixels
from inference_api.imaging.intensity import to_grey8
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.imaging.tensors import FIRST_SHAPE, Shape
from inference_api.imaging.tiffs import Tiff, intensities, tile_size
from inference_api.imaging.unreadable import UnreadableImage
from inference_api.problems import Problem

# A resize allocates coefficients in proportion to the longer side: 640 MB for an image of 40,000,000 x 1 pixels.
MAX_SIDE = 65_535

_HIGH_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
_HIGH_RAW_MODES = (";16B", ";16L", ";16N")
_GREY_MODES = frozenset({"1", "L", "LA"})

Need = Callable[[int], None]

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def _unbounded(_: int) -> None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded image at its full size: 8-bit in mode L or RGB, or intensities that are not 8-bit yet."""

    content: Image.Image | HighPixels


def decode(data: bytes, max_pixels: int, need: Need = _unbounded, shape: Shape = FIRST_SHAPE) -> Picture:
    """Decodes a file of one of the formats in `formats`, told apart by content. Of several frames, the first.

    The size in the header is checked before anything is decompressed. EXIF orientation is not applied to JPEG, PNG
    and WebP: the pixels are those of `Image.convert("RGB").resize`, and models were trained on stored pixels.
    (Pillow itself turns a TIFF by its orientation tag while it loads.)
    `need` is told before the work how many bytes of memory decoding and resizing to `shape` will take, and may
    raise Problem.
    Raises Problem: 413 too many pixels, 415 not an image we read.
    """
    try:
        return Picture(_read(data, _admission(data, max_pixels, need, shape[2])))
    except Problem:
        raise
    except UnreadableImage as error:
        raise problems.not_an_image(formats.listed("and"), str(error)) from error
    except Exception as error:  # a decoder raises anything on untrusted bytes, RecursionError and MemoryError included
        raise problems.not_an_image(formats.listed("and"), "this file is damaged or of an unusual kind") from error


def pixels(picture: Picture, preprocessing: Preprocessing, shape: Shape = FIRST_SHAPE) -> NDArray[np.uint8]:
    """The version's pixels, for an input of `shape` [C, H, W]: uint8 [H, W] of a grey image, [H, W, 3] of a colour one.

    8-bit images: exactly `image.convert("RGB").resize((W, H), filter)`. A grey one is resized in mode L, since
    Pillow resizes each channel alone, with the same integer arithmetic; spread over three channels it is the same.
    For an input of one channel a colour image becomes grey first: `image.convert("L")`.
    Raises Problem 415 when the image is 16-bit, float or DICOM and `preprocessing.intensity` is None, or needs what
    the file does not say.
    """
    image = _to_8_bits(picture.content, preprocessing)
    channels, height, width = shape
    if channels == 1 and image.mode != "L":
        image = image.convert("L")
    return np.asarray(image.resize((width, height), _FILTERS[preprocessing.resample]))


def _to_8_bits(content: Image.Image | HighPixels, preprocessing: Preprocessing) -> Image.Image:
    if isinstance(content, Image.Image):
        return content
    if preprocessing.intensity is None:
        raise problems.needs_intensity()
    try:
        return Image.fromarray(to_grey8(content, preprocessing.intensity))
    except UnreadableImage as error:
        raise problems.not_an_image(formats.listed("and"), str(error)) from error


def _admission(data: bytes, max_pixels: int, need: Need, columns: int) -> Admit:
    def admit(kind: str, width: int, height: int, more_bytes: int = 0) -> None:
        _check_size(width, height, max_pixels)
        need(decode_memory.cost_bytes(kind, width, height, len(data), columns) + more_bytes)

    return admit


def _read(data: bytes, admit: Admit) -> Image.Image | HighPixels:
    found = formats.find(data)
    if found is None:
        raise UnreadableImage(_why_none(data))
    opened = found.open(data, admit)
    return _load(opened, admit) if isinstance(opened, ImageFile.ImageFile) else opened


def _why_none(data: bytes) -> str:
    if resembles_dicom(data):
        return "this file has DICOM elements, but neither begins with one nor has DICM behind 128 bytes"
    return "this file is none of them"


def _load(image: ImageFile.ImageFile, admit: Admit) -> Image.Image | HighPixels:
    """Decodes an image of which Pillow has read the header."""
    kind = decode_memory.of_pillow(image)
    admit(kind, *image.size)
    if isinstance(image, Tiff):
        admit(kind, *tile_size(image))  # a tile is decoded whole, however small the image is
    _refuse_16_bit_colour(image)
    image.load()
    if isinstance(image, Tiff) and image.samples.is_high:
        return intensities(image)
    if image.mode in _HIGH_MODES:
        return HighPixels(np.asarray(image))
    return to_grey_or_colour(image)


def to_grey_or_colour(image: Image.Image) -> Image.Image:
    """Mode L where `convert("RGB")` gives three equal channels (1, L, and LA, whose alpha it drops); else RGB."""
    mode = "L" if image.mode in _GREY_MODES else "RGB"
    if image.mode == mode:
        return image
    image.info.pop("transparency", None)  # convert drops it as well, with a warning
    return image.convert(mode)


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels or max(width, height) > MAX_SIDE:
        raise problems.too_many_pixels(width, height, max_pixels, MAX_SIDE)


def _refuse_16_bit_colour(image: ImageFile.ImageFile) -> None:
    """Refuses 16-bit colour, and 16-bit grey with alpha: Pillow would keep only the high byte."""
    if image.mode not in _HIGH_MODES and any(_raw_mode(tile.args).endswith(_HIGH_RAW_MODES) for tile in image.tile[:1]):
        raise UnreadableImage("this file is 16-bit colour; send 8-bit colour or 16-bit grey")


def _raw_mode(args: Any) -> str:
    mode = args[0] if isinstance(args, tuple) and args else args
    return mode if isinstance(mode, str) else ""
