"""TIFFs of every kind: the picture that TIFF 6.0 says, or a refusal that names the tag."""

from typing import Any

import numpy as np
import pytest
from inference_api.imaging import images
from inference_api.imaging.intensity import Intensity, Percentile, Window
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.problems import Problem
from inference_api.routing.counters import Json
from numpy.typing import NDArray

from tests.harness.hostile.tiffs import tiff_file

SIZE = (224, 224)
RAMP = np.linspace(0, 65535, 224 * 224).astype(np.uint16).reshape(SIZE)
RAMP8 = (RAMP >> 8).astype(np.uint8)
COLOUR = np.random.default_rng(3).integers(0, 256, (224, 224, 3), dtype=np.uint8)
RANGE = Percentile(0, 100)


def seen(data: bytes, intensity: Intensity | None) -> NDArray[np.uint8]:
    preprocessing = Preprocessing("nearest", 1 / 255, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), intensity)
    return images.pixels(images.decode(data, 1_000_000), preprocessing)


def linear(samples: NDArray[Any]) -> NDArray[np.float64]:
    values = samples.astype(float)
    return np.asarray(np.rint((values - values.min()) / (values.max() - values.min()) * 255))


def signed(dtype: str) -> NDArray[Any]:
    return (RAMP.astype(np.int64) - 32768).astype(dtype)


@pytest.mark.parametrize(
    ("order", "is_big"),
    [
        pytest.param("<", False, id="little-endian"),
        pytest.param(">", False, id="big-endian"),
        pytest.param("<", True, id="bigtiff"),
    ],
)
@pytest.mark.parametrize("deflated", [False, True], ids=["plain", "deflated"])
@pytest.mark.parametrize("white_is_zero", [False, True], ids=["black-is-zero", "white-is-zero"])
@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(RAMP, id="uint16"),
        pytest.param(signed("i2"), id="int16"),
        pytest.param(signed("i4"), id="int32"),
        pytest.param((RAMP8.astype(int) - 128).astype(np.int8), id="int8"),
        pytest.param((RAMP / 7 - 1000).astype(np.float32), id="float32"),
    ],
)
def test_intensities(samples: NDArray[Any], white_is_zero: bool, is_big: bool, deflated: bool, order: str) -> None:
    stored = samples if not white_is_zero else -samples if samples.dtype.kind == "f" else ~samples
    data = tiff_file(stored, SIZE, order, is_big, deflated, t262=0 if white_is_zero else 1)
    np.testing.assert_array_equal(seen(data, RANGE), linear(samples))


@pytest.mark.parametrize("deflated", [False, True], ids=["plain", "deflated"])
@pytest.mark.parametrize("white_is_zero", [False, True], ids=["black-is-zero", "white-is-zero"])
def test_unsigned_32_bits(white_is_zero: bool, deflated: bool) -> None:
    samples = RAMP.astype(np.uint32) * 65537
    stored = ~samples if white_is_zero else samples
    data = tiff_file(stored, SIZE, "<", deflated=deflated, t262=0 if white_is_zero else 1)
    np.testing.assert_array_equal(seen(data, RANGE), linear(samples))


@pytest.mark.parametrize("white_is_zero", [False, True], ids=["black-is-zero", "white-is-zero"])
def test_12_bits(white_is_zero: bool) -> None:
    values = (RAMP >> 4).astype(np.uint16).ravel()
    stored = 4095 - values if white_is_zero else values
    one, other = stored[::2].astype(np.uint16), stored[1::2].astype(np.uint16)
    packed = np.stack([one >> 4, (one & 15) << 4 | other >> 8, other & 255], -1).astype(np.uint8).tobytes()
    data = tiff_file(packed, SIZE, t258=12, t262=0 if white_is_zero else 1)
    np.testing.assert_array_equal(seen(data, RANGE), linear(values.reshape(SIZE)))


def test_white_is_zero_is_counted_from_white_in_a_window_too() -> None:
    window = Window(20000, 10000)
    inverted = tiff_file(65535 - RAMP, SIZE, t262=0)
    np.testing.assert_array_equal(seen(inverted, window), seen(tiff_file(RAMP, SIZE), window))


@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("deflated", [False, True], ids=["plain", "deflated"])
@pytest.mark.parametrize(
    ("samples", "tags", "expected"),
    [
        pytest.param(RAMP8, {}, RAMP8, id="grey"),
        pytest.param(255 - RAMP8, {"t262": 0}, RAMP8, id="white-is-zero"),
        pytest.param(np.packbits(RAMP8 > 99, axis=1), {"t258": 1}, (RAMP8 > 99) * 255, id="1-bit"),
        pytest.param(np.packbits(RAMP8 <= 99, axis=1), {"t258": 1, "t262": 0}, (RAMP8 > 99) * 255, id="1-bit-white"),
        pytest.param(
            np.packbits(RAMP8 > 99, axis=1, bitorder="little"),
            {"t258": 1, "t266": 2},
            (RAMP8 > 99) * 255,
            id="1-bit-filled-upwards",
        ),
        pytest.param(
            np.packbits(np.unpackbits(RAMP8).reshape(-1, 8)[:, ::-1]).reshape(SIZE),
            {"t266": 2},
            RAMP8,
            id="grey-filled-upwards",
        ),
        pytest.param(RAMP8[:, ::2] // 16 * 16 + RAMP8[:, 1::2] // 16, {"t258": 4}, RAMP8 // 16 * 17, id="4-bits"),
        pytest.param(np.stack([RAMP8, RAMP8], -1), {"t258": (8, 8), "t277": 2, "t338": 2}, RAMP8, id="grey-alpha"),
        pytest.param(np.stack([RAMP8, RAMP8], -1), {"t258": (8, 8), "t277": 2, "t338": 0}, RAMP8, id="grey-extra"),
        pytest.param(COLOUR, {"t258": (8,) * 3, "t262": 2, "t277": 3, "t339": (1,) * 3}, COLOUR, id="rgb"),
        pytest.param(
            np.ascontiguousarray(COLOUR.transpose(2, 0, 1)),
            {"t258": (8,) * 3, "t262": 2, "t277": 3, "t284": 2, "t273": (16, 50192, 100368), "t279": (50176,) * 3},
            COLOUR,
            id="rgb-planes",
        ),
    ],
)
def test_8_bit_pixels(samples: NDArray[Any], tags: Json, expected: NDArray[Any], deflated: bool, order: str) -> None:
    if deflated and ("t284" in tags or "t266" in tags):
        return  # this writer deflates one strip, and fills it downwards
    found = seen(tiff_file(samples, SIZE, order, deflated=deflated, **tags), None)
    np.testing.assert_array_equal(found, expected)


GREY2: Json = {"t258": (8, 8), "t277": 2}
RGB3: Json = {"t258": (8,) * 3, "t262": 2, "t277": 3}


@pytest.mark.parametrize("deflated", [False, True], ids=["plain", "deflated"])
@pytest.mark.parametrize(
    ("tags", "words"),
    [
        pytest.param({"t262": None}, "lacks PhotometricInterpretation (262)", id="no-photometric"),
        pytest.param({"t262": 32803}, "PhotometricInterpretation (262)", id="colour-filter-array"),
        pytest.param({"t262": 4}, "PhotometricInterpretation (262)", id="mask"),
        pytest.param({"t258": 6}, "BitsPerSample (258)", id="6-bits"),
        pytest.param({"t258": 16, "t339": 3}, "BitsPerSample (258)", id="float16"),
        pytest.param({"t258": 64, "t339": 3}, "BitsPerSample (258)", id="float64"),
        pytest.param({"t258": 4, "t339": 2}, "BitsPerSample (258)", id="int4"),
        pytest.param({"t258": 16, "t262": 3}, "BitsPerSample (258)", id="16-bit-palette"),
        pytest.param({"t339": 4}, "SampleFormat (339)", id="undefined-format"),
        pytest.param({"t339": 6}, "SampleFormat (339)", id="complex"),
        pytest.param({**RGB3, "t339": (1, 1, 2)}, "SampleFormat (339)", id="formats-differ"),
        pytest.param({**RGB3, "t339": (2,) * 3}, "SampleFormat (339)", id="signed-colour"),
        pytest.param({**RGB3, "t258": (5, 6, 5)}, "BitsPerSample (258)", id="bits-differ"),
        pytest.param({**RGB3, "t258": (16,) * 3}, "16-bit colour", id="16-bit-colour"),
        pytest.param({**RGB3, "t258": (16,) * 3, "t284": 2}, "16-bit colour", id="16-bit-colour-planes"),
        pytest.param({"t258": (16,) * 4, "t262": 5, "t277": 4, "t284": 2}, "16-bit colour", id="16-bit-cmyk-planes"),
        pytest.param({"t258": (8,) * 4, "t262": 5, "t277": 4, "t332": 2}, "InkSet (332)", id="other-inks"),
        pytest.param({**GREY2, "t338": 1}, "ExtraSamples (338)", id="grey-premultiplied"),
        pytest.param({**GREY2, "t338": 2, "t262": 0}, "ExtraSamples (338)", id="white-is-zero-with-alpha"),
        pytest.param({**GREY2, "t258": (16, 16), "t338": 2}, "ExtraSamples (338)", id="16-bit-grey-alpha"),
        pytest.param(GREY2, "SamplesPerPixel (277)", id="a-channel-of-nothing"),
        pytest.param({**GREY2, "t338": 2, "t284": 2}, "PlanarConfiguration (284)", id="grey-alpha-planes"),
        pytest.param(
            {"t258": (8,) * 4, "t262": 2, "t277": 4, "t338": 2, "t284": 2},
            "PlanarConfiguration (284)",
            id="rgb-alpha-planes",
        ),
        pytest.param({"t284": 3}, "PlanarConfiguration (284)", id="unknown-planes"),
        pytest.param({"t258": 16, "t266": 2}, "FillOrder (266)", id="16-bits-filled-upwards"),
        pytest.param({"t266": 3}, "FillOrder (266)", id="unknown-fill-order"),
    ],
)
def test_what_is_not_read_is_named(tags: Json, words: str, deflated: bool) -> None:
    with pytest.raises(Problem) as refused:
        seen(tiff_file(bytes(224 * 224 * 8), SIZE, deflated=deflated, **tags), RANGE)
    assert refused.value.status == 415
    assert words in refused.value.detail


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(tiff_file(RAMP8, SIZE, ">", is_big=True), "BigTIFF in big-endian", id="big-endian-bigtiff"),
        pytest.param(tiff_file(RAMP8, SIZE, deflated=True, t266=2), "FillOrder (266)", id="deflated-upwards"),
        pytest.param(
            tiff_file(bytes(224 * 224 * 4), SIZE, t258=(8,) * 4, t262=2, t277=4, t338=0, t284=2),
            "PlanarConfiguration (284)",
            id="planes-of-an-unspecified-channel",
        ),
        pytest.param(tiff_file(RAMP8, SIZE, t259=34712), "Compression (259)", id="jpeg-2000"),
        pytest.param(tiff_file(RAMP.astype(np.uint32), SIZE, ">"), "BitsPerSample (258)", id="uint32-big-endian"),
        pytest.param(
            tiff_file(bytes(224 * 224 * 3), SIZE, t258=(8,) * 3, t262=6, t277=3),
            "YCbCrSubSampling (530)",
            id="subsampled-ycbcr-not-compressed",
        ),
    ],
)
def test_what_is_not_read_in_this_form_is_named(data: bytes, words: str) -> None:
    with pytest.raises(Problem) as refused:
        seen(data, RANGE)
    assert words in refused.value.detail
