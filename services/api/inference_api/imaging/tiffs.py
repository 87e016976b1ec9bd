"""Opens a TIFF by Pillow, and gives its intensities: Pillow takes no notice of WhiteIsZero and of some signs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import TILELENGTH, TILEWIDTH, TiffImageFile

from inference_api.imaging import tiff_samples, tiff_tags
from inference_api.imaging.counted_reads import CountedReads
from inference_api.imaging.high_pixels import HighPixels
from inference_api.imaging.tiff_samples import BLACK_IS_ZERO, FLOAT, SIGNED, UNSIGNED, WHITE_IS_ZERO, TiffSamples
from inference_api.imaging.tiff_tags import PHOTOMETRIC, TiffTags

# libtiff gives the machine's byte order, and Pillow expects that of the file for these raw modes.
_NATIVE_RAW_MODES = {"I;16BS": "I;16NS", "I;32BS": "I;32NS", "F;32BF": "F;32NF"}


class Tiff(TiffImageFile):
    """`samples`: what the file says of them. Mode and pixels may be another photometric interpretation's."""

    samples: TiffSamples


def open_tiff(data: bytes) -> Tiff:
    """Reads the header only. Raises UnreadableImage, which names the tag, and what Pillow raises."""
    tags = tiff_tags.read(data)
    samples = tiff_samples.settle(tags)
    if samples.is_high and samples.photometric == WHITE_IS_ZERO:
        data = _as_black_is_zero(data, tags)
    image = Tiff(CountedReads(data, "tags, strips or tiles", 4 * tiff_tags.MAX_STRIPS))
    image.samples = samples
    if samples.is_compressed:
        image.tile = [tile._replace(args=_native(tile.args)) for tile in image.tile]
    return image


def tile_size(image: TiffImageFile) -> tuple[int, int]:
    """Width and height of its tiles, TIFF 6.0 section 15; (0, 0) when it has none."""
    width, height = (image.tag_v2.get(tag, 0) for tag in (TILEWIDTH, TILELENGTH))
    return int(width), int(height)


def intensities(image: Tiff) -> HighPixels:
    """Of a loaded image that `is_high`. Whole numbers of WhiteIsZero are counted from white, as with 8 bits."""
    samples = image.samples
    array = _signed(np.asarray(image), samples)
    if samples.photometric != WHITE_IS_ZERO:
        return HighPixels(array)
    if samples.format == FLOAT:
        return HighPixels(array, inverted=True)
    return HighPixels(array, rescale=(-1.0, -1.0 if samples.format == SIGNED else 2.0**samples.bits - 1))


def _signed(array: NDArray[Any], samples: TiffSamples) -> NDArray[Any]:
    if samples.format == SIGNED and samples.bits == 8:
        return array.view(np.int8)
    return array.view(np.uint32) if samples.format == UNSIGNED and samples.bits == 32 else array


def _as_black_is_zero(data: bytes, tags: TiffTags) -> bytes:
    """Pillow reads more of BlackIsZero, and inverts 8 bits only."""
    at = tags.places[PHOTOMETRIC]
    return data[:at] + bytes([BLACK_IS_ZERO]) + data[at + 1 :]


def _native(args: Any) -> Any:
    return (_NATIVE_RAW_MODES.get(args[0], args[0]), *args[1:]) if isinstance(args, tuple) else args
