"""Pixel Padding Value and its range (PS3.3 C.7.5.1.1.2) take no part in the picture, and are black in it."""

from typing import Any

import numpy as np
import pytest
from inference_api.imaging.intensity import Intensity
from inference_api.routing.counters import Json
from numpy.typing import NDArray

from tests.harness.hostile.dicoms import dicom_file
from tests.unit.api.imaging.dicom_ramps import (
    ALL,
    IN_RANGE,
    OWN_WINDOW,
    PERCENTILE,
    RAMP,
    SMALL,
    VOI,
    linear,
    seen,
)


def padded(samples: NDArray[Any], value: int | float, last: int | float | None = None) -> NDArray[Any]:
    """A frame of padding around the samples; half of it `last`."""
    found = np.full_like(samples, value)
    if last is not None:
        found[:16] = last
    found[32:-32, 32:-32] = samples[32:-32, 32:-32]
    return found


def inside(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.zeros_like(grey)
    found[32:-32, 32:-32] = grey[32:-32, 32:-32]
    return found


LOW, HIGH = (float(part(RAMP[32:-32, 32:-32])) for part in (np.min, np.max))
SHOWN = linear(RAMP, LOW, HIGH)
SMALL_SHOWN = linear(SMALL, SMALL[32:-32, 32:-32].min(), SMALL[32:-32, 32:-32].max())


@pytest.mark.parametrize("intensity", [VOI, PERCENTILE], ids=["voi", "percentile"])
@pytest.mark.parametrize(
    ("samples", "elements", "expected"),
    [
        pytest.param(padded(RAMP, -2000), {"PixelPaddingValue": -2000}, SHOWN, id="signed"),
        pytest.param(padded(RAMP, -32768), {"PixelPaddingValue": -32768}, SHOWN, id="lowest"),
        pytest.param(padded(RAMP.astype(np.uint16), 65535), {"PixelPaddingValue": 65535}, SHOWN, id="highest"),
        pytest.param(
            padded(RAMP, -2000, -1990),
            {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1990},
            SHOWN,
            id="range",
        ),
        pytest.param(
            padded(RAMP, -2000, -1990),
            {"PixelPaddingValue": -1990, "PixelPaddingRangeLimit": -2000},
            SHOWN,
            id="range-downwards",
        ),
        pytest.param(
            padded(RAMP, 9000),
            {"PixelPaddingValue": 9000, "PhotometricInterpretation": "MONOCHROME1"},
            255 - SHOWN,
            id="monochrome1",
        ),
        pytest.param(
            padded(RAMP, -2000),
            {"PixelPaddingValue": -2000, "RescaleSlope": -2, "RescaleIntercept": 7},
            linear(-RAMP, -HIGH, -LOW),
            id="padding-is-a-stored-value",
        ),
        pytest.param(padded(SMALL, 255), {"PixelPaddingValue": 255}, SMALL_SHOWN, id="8-bits"),
        pytest.param(padded(RAMP.astype(np.int32), -32000), {"PixelPaddingValue": -32000}, SHOWN, id="32-bits"),
        pytest.param(padded(RAMP.astype(np.float32), -1e30), {"FloatPixelPaddingValue": -1e30}, SHOWN, id="float"),
        pytest.param(
            padded(RAMP.astype(np.float64), -1e300), {"DoubleFloatPixelPaddingValue": -1e300}, SHOWN, id="double"
        ),
    ],
)
def test_padding_takes_no_part_and_is_black(
    samples: NDArray[Any], elements: Json, expected: NDArray[np.float64], intensity: Intensity
) -> None:
    np.testing.assert_array_equal(seen(dicom_file(samples, **elements), intensity), inside(expected))


def test_padding_of_the_wrong_sign_is_read_as_the_samples_are() -> None:
    file = dicom_file(padded(RAMP, -2000), PixelPaddingValue=-2000)
    unsigned = file.replace(b"\x28\0\x20\x01SS", b"\x28\0\x20\x01US")
    np.testing.assert_array_equal(seen(unsigned, VOI), inside(SHOWN))


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        pytest.param({"PixelPaddingValue": -5}, IN_RANGE, id="of-no-pixel"),
        pytest.param({"PixelPaddingRangeLimit": 2000}, IN_RANGE, id="limit-alone"),
    ],
)
def test_padding_that_changes_nothing(elements: Json, expected: NDArray[np.float64]) -> None:
    np.testing.assert_array_equal(seen(dicom_file(RAMP, **elements), VOI), expected)


def test_padding_is_black_in_a_window_too() -> None:
    """PS3.3 C.7.5.1.1.2: contrast is not applied to padding."""
    file = dicom_file(padded(RAMP, 9000), PixelPaddingValue=9000)
    np.testing.assert_array_equal(seen(file, OWN_WINDOW), inside(IN_RANGE))


def test_nothing_but_padding_is_black() -> None:
    file = dicom_file(np.full_like(RAMP, 7), PixelPaddingValue=7)
    for intensity in ALL:
        assert not seen(file, intensity).any()
