"""pydicom's plugin for frames in JPEG 2000: the samples of its own one for Pillow, decoded without the GIL.

Importing this module imports pydicom, and adds the plugin to it: `NAME`.
"""

import numpy as np
from PIL import Image
from pydicom.pixels.decoders.base import DecodeRunner, JPEG2000Decoder, JPEG2000LosslessDecoder

from inference_api.imaging.bands import bands
from inference_api.imaging.dicom import openjpeg
from inference_api.imaging.dicom.openjpeg import ColourSpace, Component, Samples

NAME = "openjpeg"
DECODER_DEPENDENCIES: dict[str, tuple[str, ...]] = {}

_COMPONENTS = {"L": 1, "P": 1, "I;16": 1, "RGB": 3}
_ANY = (ColourSpace.UNKNOWN, ColourSpace.UNSPECIFIED)
_SPACES = {
    "L": (*_ANY, ColourSpace.GREY),
    "I;16": (*_ANY, ColourSpace.GREY),
    "P": (ColourSpace.SRGB,),
    "RGB": (*_ANY, ColourSpace.SRGB, ColourSpace.SYCC),
}


def is_available(_: str) -> bool:
    """Asked by pydicom."""
    return True


def decode_frame(frame: bytes, runner: DecodeRunner) -> memoryview:
    """Samples of 8 or 16 bits, pixel by pixel. Raises ValueError, and what Pillow's header reader raises."""
    bits, is_signed = _bits(runner)
    samples = _pixels(frame)
    runner.set_option("bits_allocated", 8 if bits <= 8 else 16)
    if is_signed and runner.pixel_representation == 1:
        samples = samples.view(runner.pixel_dtype)
        samples -= np.array(1 << runner.bits_allocated - 1).astype(samples.dtype)  # Pillow's begin with 0
    samples >>= runner.bits_allocated - bits
    if runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
        runner.set_option("photometric_interpretation", "RGB")
    return samples.reshape(-1).data


def _bits(runner: DecodeRunner) -> tuple[int, bool]:
    bits = runner.get_option("j2k_precision", runner.bits_stored)
    if bits > (8 if runner.samples_per_pixel > 1 else 16):
        raise ValueError(f"samples of {bits} bits")
    return bits, bool(runner.get_option("j2k_is_signed", runner.pixel_representation))


def _pixels(frame: bytes) -> Samples:
    """As Pillow has them in the file's mode: [height, width] uint8 or uint16, or [height, width, 3] uint8."""
    opened = openjpeg.open_header(frame)
    if opened.mode not in _COMPONENTS:
        raise ValueError(f"mode {opened.mode}")
    with openjpeg.decoded(frame, opened.size, _COMPONENTS[opened.mode]) as (components, space):
        if space not in _SPACES[opened.mode]:
            raise ValueError(f"mode {opened.mode} in the colour space {space.name}")
        pixels = _side_by_side(components, 16 if opened.mode == "I;16" else 8)
    if space == ColourSpace.SYCC:
        return np.array(Image.fromarray(pixels, "YCbCr").convert("RGB"))
    return pixels if len(components) > 1 else pixels[..., 0]


def _side_by_side(components: list[Component], bits: int) -> Samples:
    height, width = components[0].samples.shape
    pixels = np.empty((height, width, len(components)), np.uint16 if bits == 16 else np.uint8)
    for band in bands(pixels):
        for index, component in enumerate(components):
            pixels[band, :, index] = _levels(component, band, bits)
    return pixels


def _levels(component: Component, band: slice, bits: int) -> Samples:
    """From 0, spread over all `bits`; those of more bits are rounded, and the highest of them become 0."""
    up = bits - component.bits
    levels = component.samples[band] + (1 << component.bits - 1 if component.is_signed else 0)
    return levels << up if up >= 0 else levels + (1 << -up - 1) >> -up


for _decoder in (JPEG2000Decoder, JPEG2000LosslessDecoder):
    _decoder.add_plugin(NAME, (__name__, decode_frame.__name__))
