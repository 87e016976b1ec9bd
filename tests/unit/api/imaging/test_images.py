"""The pixels a version sees are those of `convert("RGB").resize`; no file makes the reader do more than it may."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from inference_api.imaging import images
from inference_api.imaging.high_pixels import HighPixels
from inference_api.imaging.images import Picture
from inference_api.imaging.intensity import Intensity, Percentile, Window
from inference_api.imaging.preprocessing import RESAMPLE_FILTERS, Preprocessing
from inference_api.problems import Problem
from numpy.typing import NDArray
from PIL import Image

from tests.harness.hostile.files import jpeg_of_many_scans, png, tiff_of_one_tile, webp

MAX_PIXELS = 1_000_000

RNG = np.random.default_rng(11)
COLOUR = Image.fromarray(RNG.integers(0, 256, (301, 257, 4), dtype=np.uint8), "RGBA")


def preprocessing(resample: str = "bicubic", intensity: Intensity | None = None) -> Preprocessing:
    return Preprocessing(resample, 1 / 255, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), intensity)


def saved(image: Image.Image, file_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def reference(data: bytes, resample: Image.Resampling = Image.Resampling.BICUBIC) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB").resize((224, 224), resample))


def seen(data: bytes, resample: str = "bicubic", intensity: Intensity | None = None) -> NDArray[np.uint8]:
    """The pixels, spread over three channels when they are grey."""
    found = images.pixels(images.decode(data, MAX_PIXELS), preprocessing(resample, intensity))
    return found if found.ndim == 3 else np.repeat(found[:, :, np.newaxis], 3, axis=2)


def palette(transparency: int | bytes | None = None) -> Image.Image:
    image = COLOUR.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE)
    if transparency is not None:
        image.info["transparency"] = transparency
    return image


def animation(file_format: str) -> bytes:
    other = COLOUR.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return saved(COLOUR, file_format, save_all=True, append_images=[other], duration=100, lossless=True)


def bilevel() -> Image.Image:
    return COLOUR.convert("L").point(lambda value: 255 * (value > 99)).convert("1")


def rotated(file_format: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(COLOUR.convert("RGB"), file_format, exif=exif)


EIGHT_BIT_FILES = [
    pytest.param(lambda: saved(COLOUR.convert("L"), "JPEG"), id="grey-jpeg"),
    pytest.param(lambda: saved(COLOUR.convert("RGB"), "JPEG"), id="colour-jpeg"),
    pytest.param(lambda: saved(COLOUR.convert("RGB"), "JPEG", progressive=True), id="progressive-jpeg"),
    pytest.param(lambda: saved(COLOUR.convert("RGB").convert("CMYK"), "JPEG"), id="cmyk-jpeg"),
    pytest.param(lambda: rotated("JPEG"), id="exif-rotated-jpeg-is-not-turned"),
    pytest.param(lambda: rotated("PNG"), id="exif-rotated-png-is-not-turned"),
    pytest.param(lambda: rotated("TIFF"), id="rotated-tiff-as-pillow-loads-it"),
    pytest.param(lambda: saved(bilevel(), "PNG"), id="bilevel-png"),
    pytest.param(lambda: saved(COLOUR.convert("L"), "PNG"), id="grey-png"),
    pytest.param(lambda: saved(COLOUR.convert("L"), "PNG", transparency=7), id="grey-png-transparent-colour"),
    pytest.param(lambda: saved(COLOUR.convert("LA"), "PNG"), id="grey-alpha-png"),
    pytest.param(
        lambda: saved(COLOUR.convert("RGB"), "PNG", transparency=(1, 2, 3)), id="colour-png-transparent-colour"
    ),
    pytest.param(lambda: saved(COLOUR, "PNG"), id="colour-alpha-png"),
    pytest.param(lambda: saved(palette(), "PNG"), id="palette-png"),
    pytest.param(lambda: saved(palette(3), "PNG"), id="palette-png-transparent-entry"),
    pytest.param(lambda: saved(palette(bytes(range(256))), "PNG"), id="palette-png-alpha-entries"),
    pytest.param(lambda: animation("PNG"), id="animated-png"),
    pytest.param(lambda: animation("WEBP"), id="animated-webp"),
    pytest.param(lambda: saved(COLOUR, "WEBP", lossless=True), id="colour-alpha-webp"),
    pytest.param(lambda: saved(COLOUR.convert("RGB"), "WEBP"), id="lossy-webp"),
    pytest.param(lambda: saved(bilevel(), "BMP"), id="bilevel-bmp"),
    pytest.param(lambda: saved(COLOUR.convert("L"), "BMP"), id="grey-bmp"),
    pytest.param(lambda: saved(palette(), "BMP"), id="palette-bmp"),
    pytest.param(lambda: saved(COLOUR, "BMP"), id="colour-alpha-bmp"),
    pytest.param(lambda: saved(COLOUR.convert("LA"), "TIFF"), id="grey-alpha-tiff"),
    pytest.param(lambda: saved(COLOUR, "TIFF", compression="tiff_lzw"), id="colour-alpha-tiff-lzw"),
    pytest.param(lambda: saved(COLOUR.convert("RGB").convert("CMYK"), "TIFF"), id="cmyk-tiff"),
    pytest.param(lambda: saved(COLOUR.convert("RGB").convert("YCbCr"), "TIFF"), id="ycbcr-tiff"),
    pytest.param(lambda: saved(COLOUR.convert("RGB").convert("LAB"), "TIFF"), id="lab-tiff"),
    pytest.param(lambda: saved(COLOUR.convert("RGB").resize((224, 224)), "PNG"), id="already-224"),
    pytest.param(lambda: saved(COLOUR.convert("RGB").resize((1, 1)), "PNG"), id="one-pixel"),
    pytest.param(lambda: saved(COLOUR.convert("L").resize((3000, 2)), "PNG"), id="very-wide"),
]


@pytest.mark.filterwarnings("ignore:Palette images with Transparency:UserWarning")  # the reference's own warning
@pytest.mark.parametrize("make", EIGHT_BIT_FILES)
def test_8_bit_file_is_bit_identical_to_convert_and_resize(make: Callable[[], bytes]) -> None:
    data = make()
    np.testing.assert_array_equal(seen(data), reference(data))


@pytest.mark.parametrize("resample", RESAMPLE_FILTERS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_every_filter_is_bit_identical(mode: str, resample: str) -> None:
    data = saved(COLOUR.convert(mode), "PNG")
    np.testing.assert_array_equal(seen(data, resample), reference(data, Image.Resampling[resample.upper()]))


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"]
)
def test_every_8_bit_mode_of_pillow_is_bit_identical(mode: str) -> None:
    """Also the modes that no file of ours has today: a new Pillow may open one as such."""
    image = palette() if mode in ("P", "PA") else COLOUR if mode in ("RGBa",) else COLOUR.convert("RGB")
    image = image.convert(mode)
    expected = np.asarray(image.convert("RGB").resize((224, 224)))
    found = images.pixels(Picture(images.to_grey_or_colour(image)), preprocessing())
    np.testing.assert_array_equal(np.broadcast_to(found.reshape(224, 224, -1), (224, 224, 3)), expected)


def test_grey_stays_one_channel() -> None:
    """Half of the work: a grey image is resized once and spread over the channels in the tensor."""
    for mode in ("1", "L", "LA"):
        picture = images.decode(saved(COLOUR.convert(mode), "PNG"), MAX_PIXELS)
        assert images.pixels(picture, preprocessing()).shape == (224, 224)


SIXTEEN_BITS = RNG.integers(0, 65536, (224, 224)).astype(np.uint16)

HIGH_FILES = [
    pytest.param(lambda: saved(Image.fromarray(SIXTEEN_BITS), "PNG"), id="16-bit-png"),
    pytest.param(lambda: saved(Image.fromarray(SIXTEEN_BITS), "TIFF"), id="16-bit-tiff"),
    pytest.param(lambda: saved(Image.fromarray(SIXTEEN_BITS), "TIFF", compression="tiff_lzw"), id="16-bit-tiff-lzw"),
    pytest.param(lambda: saved(Image.fromarray(SIXTEEN_BITS.astype(np.int32)), "TIFF"), id="32-bit-tiff"),
    pytest.param(lambda: saved(Image.fromarray(SIXTEEN_BITS.astype(np.float32)), "TIFF"), id="float-tiff"),
]


@pytest.mark.parametrize("make", HIGH_FILES)
def test_high_bits_become_grey_as_the_intensity_says(make: Callable[[], bytes]) -> None:
    expected = np.rint(np.clip((SIXTEEN_BITS.astype(float) - 10000) / 20000, 0, 1) * 255)
    found = images.pixels(images.decode(make(), MAX_PIXELS), preprocessing("nearest", Window(20000, 20000)))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("make", HIGH_FILES)
def test_high_bits_without_an_intensity_are_refused_and_it_says_so(make: Callable[[], bytes]) -> None:
    with pytest.raises(Problem, match="does not say how such intensities become 8 bits") as refused:
        images.pixels(images.decode(make(), MAX_PIXELS), preprocessing())
    assert refused.value.status == 415


def test_nan_and_infinity_do_not_spoil_the_other_pixels() -> None:
    samples = np.linspace(0, 1, 224 * 224, dtype=np.float32).reshape(224, 224)
    samples[0, :3] = np.nan, np.inf, -np.inf
    found = images.pixels(Picture(HighPixels(samples)), preprocessing("nearest", Percentile(0, 100)))
    assert found[0, :3].tolist() == [0, 255, 0]
    assert found[-1, -1] == 255


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        pytest.param(b"", 415, "none of them", id="no-bytes"),
        pytest.param(b"GIF89a" + bytes(100), 415, "none of them", id="gif"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "none of them", id="svg"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n", 415, "none of them", id="eps-would-start-ghostscript"),
        pytest.param(saved(COLOUR.convert("L"), "JPEG")[:3000], 415, "damaged", id="truncated-jpeg"),
        pytest.param(saved(COLOUR, "PNG")[:3000], 415, "damaged", id="truncated-png"),
        pytest.param(saved(COLOUR, "WEBP")[:3000], 415, "damaged", id="truncated-webp"),
        pytest.param(saved(COLOUR, "BMP")[:3000], 415, "damaged", id="truncated-bmp"),
        pytest.param(saved(COLOUR, "TIFF")[:3000], 415, "damaged", id="truncated-tiff"),
        pytest.param(saved(COLOUR, "TIFF")[:6], 415, "damaged", id="tiff-of-a-header"),
        pytest.param(png(1001, 1000), 413, "1,001 x 1,000 pixels", id="png-one-row-too-many"),
        pytest.param(png(2**31 - 1, 2**31 - 1), 413, "Send a smaller image", id="png-bomb"),
        pytest.param(png(70_000, 1), 413, "65,535 on a side", id="png-too-wide-for-the-resize"),
        pytest.param(png(0, 5), 415, "damaged", id="png-without-width"),
        pytest.param(png(2, 2, 16, 2, bytes(26)), 415, "16-bit colour", id="png-16-bit-colour"),
        pytest.param(png(2, 2, 16, 4, bytes(18)), 415, "16-bit colour", id="png-16-bit-grey-with-alpha"),
        pytest.param(webp(b"VP8X", bytes(4) + b"\xff\x3f\x00\xff\x3f\x00"), 413, "16,384 x 16,384", id="webp-bomb"),
        pytest.param(webp(b"VP8L", b"\x2f\xff\xff\xff\x0f"), 413, "16,384 x 16,384", id="lossless-webp-bomb"),
        pytest.param(webp(b"VP8 ", bytes(6) + b"\xff\x3f\xff\x3f"), 413, "16,383 x 16,383", id="lossy-webp-bomb"),
        pytest.param(webp(b"VP8X", b""), 415, "damaged", id="webp-of-a-header"),
        pytest.param(tiff_of_one_tile(16, 1200), 413, "1,200 x 1,200", id="tiff-in-one-large-tile"),
        pytest.param(
            saved(COLOUR.convert("L"), "JPEG").replace(b"\xff\xc0\0\x0b\x08", b"\xff\xc0\0\x0b\x0c"),
            415,
            "samples of 12 or 16 bits",
            id="12-bit-jpeg",
        ),
        pytest.param(b"\xff\xd8\xff\xf7\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0" + bytes(40), 415, "JPEG-LS", id="jpeg-ls"),
        pytest.param(jpeg_of_many_scans(), 415, "more than 50 scans", id="jpeg-of-too-many-scans"),
    ],
)
def test_hostile_file_is_refused(data: bytes, status: int, words: str) -> None:
    with pytest.raises(Problem, match=words) as refused:
        images.decode(data, MAX_PIXELS)
    assert refused.value.status == status


def test_a_bound_above_pillows_own_warns_about_nothing() -> None:
    """Pillow warns above 89 million pixels and raises above 179: here the setting alone decides."""
    with pytest.raises(Problem, match="damaged"):
        images.decode(png(14_000, 14_000), 200_000_000)
