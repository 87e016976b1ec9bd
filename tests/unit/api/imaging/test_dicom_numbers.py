"""Numbers that a DICOM file writes as text: what can be read is read, the rest is named where it is needed."""

import numpy as np
import pytest
from inference_api.imaging.intensity import Intensity
from inference_api.routing.counters import Json
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.harness.hostile.dicoms import dicom_file, with_text
from tests.unit.api.imaging.dicom_ramps import (
    ALL,
    IN_RANGE,
    OWN_WINDOW,
    PERCENTILE,
    RAMP,
    VOI,
    linear,
    refusal,
    seen,
)

CENTER, WIDTH, SLOPE, INTERCEPT, FRAMES = 0x00281050, 0x00281051, 0x00281053, 0x00281052, 0x00280008
WINDOWED = dicom_file(RAMP, WindowCenter="1", WindowWidth="1", VOILUTFunction="LINEAR_EXACT")
RESCALED = dicom_file(RAMP, RescaleSlope="1", RescaleIntercept="0")
IN_WINDOW = linear(RAMP, 1500, 2500)


def windowed(center: bytes, width: bytes) -> bytes:
    return with_text(with_text(WINDOWED, CENTER, "DS", center), WIDTH, "DS", width)


def rescaled(slope: bytes | None, intercept: bytes | None) -> bytes:
    elements: Json = {"RescaleSlope": None if slope is None else "1"}
    elements["RescaleIntercept"] = None if intercept is None else "0"
    file = dicom_file(RAMP, **{name: text for name, text in elements.items() if text})
    file = file if slope is None else with_text(file, SLOPE, "DS", slope)
    return file if intercept is None else with_text(file, INTERCEPT, "DS", intercept)


@pytest.mark.parametrize(
    ("center", "width", "expected"),
    [
        pytest.param(b"2000", b"1000", IN_WINDOW, id="plain"),
        pytest.param(b"2000,0", b"1000,0", IN_WINDOW, id="decimal-comma"),
        pytest.param(b"2000.0", b"1000,0", IN_WINDOW, id="decimal-comma-in-one"),
        pytest.param(b"  2000 ", b" 1000 ", IN_WINDOW, id="blanks"),
        pytest.param(b"2000\0", b"1000\0", IN_WINDOW, id="nul-padded"),
        pytest.param(b"+2.0E3", b"1.0e+3", IN_WINDOW, id="exponent"),
        pytest.param(b"2000\\40", b"1000\\80", IN_WINDOW, id="several"),
        pytest.param(b"2000\\40", b"1000", IN_WINDOW, id="two-centers-one-width"),
        pytest.param(b"2000", b"1000\\", IN_WINDOW, id="second-width-empty"),
        pytest.param(b"\\2000", b"\\1000", IN_WINDOW, id="first-empty"),
        pytest.param(b"[2000, 40]", b"[1000, 80]", IN_WINDOW, id="brackets"),
        pytest.param(b"['2000','40']", b"['1000','80']", IN_WINDOW, id="quotes"),
        pytest.param(b"(2000)", b"(1000)", IN_WINDOW, id="parentheses"),
        pytest.param(b"2000, 40", b"1000, 80", IN_WINDOW, id="comma-and-blank"),
        pytest.param(b"2000\\N/A", b"1000\\N/A", IN_WINDOW, id="second-in-words"),
        pytest.param(b"", b"", IN_RANGE, id="both-empty"),
        pytest.param(b"2000", b"", IN_RANGE, id="width-empty"),
        pytest.param(b"", b"1000", IN_RANGE, id="center-empty"),
        pytest.param(b"2000", b"-1000", IN_RANGE, id="negative-width"),
    ],
)
def test_window(center: bytes, width: bytes, expected: NDArray[np.float64]) -> None:
    file = windowed(center, width)
    np.testing.assert_array_equal(seen(file, VOI), expected)
    for other in (OWN_WINDOW, PERCENTILE):
        np.testing.assert_array_equal(seen(file, other), IN_RANGE)


@pytest.mark.parametrize(
    ("file", "element"),
    [
        pytest.param(windowed(b"N/A", b"1000"), "Window Center (0028,1050)", id="words"),
        pytest.param(windowed(b"2000", b"nan"), "Window Width (0028,1051)", id="nan"),
        pytest.param(windowed(b"1e999", b"1000"), "Window Center (0028,1050)", id="infinite"),
        pytest.param(windowed(b"1,024", b"1000"), "Window Center (0028,1050)", id="a-thousand-or-one"),
        pytest.param(windowed(b"1,024.5", b"1000"), "Window Center (0028,1050)", id="comma-and-point"),
        pytest.param(windowed(b"2 000", b"1000"), "Window Center (0028,1050)", id="blank-inside"),
        pytest.param(
            dicom_file(RAMP, WindowCenter="1", WindowWidth="1", VOILUTFunction="CUBIC"),
            "VOI LUT Function (0028,1056)",
            id="function",
        ),
        pytest.param(
            dicom_file(RAMP, VOILUTSequence=Sequence([Dataset()])), "LUT Descriptor (0028,3002)", id="table-of-nothing"
        ),
    ],
)
def test_window_that_cannot_be_read_is_named_where_it_is_needed(file: bytes, element: str) -> None:
    assert element in refusal(file, VOI)
    for other in (OWN_WINDOW, PERCENTILE):
        np.testing.assert_array_equal(seen(file, other), IN_RANGE)


@pytest.mark.parametrize(
    ("slope", "intercept", "expected"),
    [
        pytest.param(b"0,5", b"10,5", (0.5, 10.5), id="decimal-comma"),
        pytest.param(b" 2 ", b" -7 ", (2, -7), id="blanks"),
        pytest.param(b"-1", b"4000", (-1, 4000), id="negative"),
        pytest.param(b"", b"", (1, 0), id="both-empty"),
        pytest.param(b"", b"0", (1, 0), id="slope-empty"),
        pytest.param(b"1", b"", (1, 0), id="intercept-empty"),
        pytest.param(b"1", None, (1, 0), id="slope-1-alone"),
        pytest.param(None, b"0", (1, 0), id="intercept-0-alone"),
    ],
)
def test_rescale(slope: bytes | None, intercept: bytes | None, expected: tuple[float, float]) -> None:
    found = seen(rescaled(slope, intercept), OWN_WINDOW)
    np.testing.assert_array_equal(found, linear(RAMP * expected[0] + expected[1], 0, 4000))


@pytest.mark.parametrize(
    ("slope", "intercept", "element", "needed_by"),
    [
        pytest.param(b"0", b"5", "Rescale Slope (0028,1053)", ALL, id="slope-0-makes-all-pixels-the-same"),
        pytest.param(b"N/A", b"5", "Rescale Slope (0028,1053)", ALL, id="slope-in-words-may-be-negative"),
        pytest.param(b"-2", None, "Rescale Intercept (0028,1052)", ALL, id="negative-slope-alone"),
        pytest.param(b"-2", b"N/A", "Rescale Intercept (0028,1052)", ALL, id="negative-slope-intercept-in-words"),
        pytest.param(b"1", b"N/A", "Rescale Intercept (0028,1052)", [OWN_WINDOW], id="intercept-in-words"),
        pytest.param(b"2", None, "Rescale Intercept (0028,1052)", [OWN_WINDOW], id="slope-alone"),
        pytest.param(None, b"-1024", "Rescale Slope (0028,1053)", [OWN_WINDOW], id="intercept-alone"),
        pytest.param(b"", b"-1024", "Rescale Slope (0028,1053)", [OWN_WINDOW], id="slope-empty"),
    ],
)
def test_rescale_that_would_change_values_is_named_where_it_is_needed(
    slope: bytes | None, intercept: bytes | None, element: str, needed_by: list[Intensity]
) -> None:
    file = rescaled(slope, intercept)
    for intensity in ALL:
        if intensity in needed_by:
            assert element in refusal(file, intensity)
        else:
            np.testing.assert_array_equal(seen(file, intensity), IN_RANGE)
