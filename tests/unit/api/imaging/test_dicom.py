"""DICOM in, greys or colours out; and nothing of a patient in any log."""

import io
import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from inference_api.imaging import images
from inference_api.imaging.dicom.reader import study_uid
from inference_api.imaging.intensity import Intensity, Percentile, Voi, Window
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.problems import Problem
from inference_api.routing.counters import Json
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from tests.harness.hostile.dicoms import PATIENT, STUDY, dicom_file
from tests.harness.hostile.files import deflated, dicom_of_many_elements, jpeg_of_many_scans

MAX_PIXELS = 1_000_000
RAMP = np.linspace(0, 4000, 224 * 224).astype(np.int16).reshape(224, 224)
RAMP8 = np.repeat(np.arange(224, dtype=np.uint8)[:, np.newaxis], 224, axis=1)
COLOUR = np.random.default_rng(3).integers(0, 256, (224, 224, 3), dtype=np.uint8)


def seen(data: bytes, intensity: Intensity | None) -> NDArray[np.uint8]:
    preprocessing = Preprocessing("nearest", 1 / 255, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), intensity)
    return images.pixels(images.decode(data, MAX_PIXELS), preprocessing)


def linear(samples: NDArray[Any], black: float, white: float) -> NDArray[np.float64]:
    return np.rint(np.clip((samples.astype(float) - black) / (white - black), 0, 1) * 255)


def item(**elements: Any) -> Sequence:
    found = Dataset()
    for name, value in elements.items():
        setattr(found, name, value)
    return Sequence([found])


def encoded(samples: NDArray[Any], file_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(samples).save(file, file_format, **options)
    return file.getvalue()


def voi_table() -> Sequence:
    """Intensity 1000 and below is grey 0, 1001 is 128, 1002 and above 255 (of 12 bits)."""
    return item(LUTDescriptor=[3, 1000, 12], LUTData=np.array([0, 2056, 4095], "<u2").tobytes())


@pytest.mark.parametrize(
    ("elements", "intensity", "expected"),
    [
        pytest.param({}, Window(2000, 4000), linear(RAMP, 0, 4000), id="window"),
        pytest.param({}, Percentile(0, 100), linear(RAMP, 0, 4000), id="percentile"),
        pytest.param({}, Voi(), linear(RAMP, 0, 4000), id="no-voi-is-min-to-max"),
        pytest.param({"WindowCenter": 2000.5, "WindowWidth": 1001}, Voi(), linear(RAMP, 1500, 2500), id="voi-window"),
        pytest.param(
            {"WindowCenter": [2000.5, 1], "WindowWidth": [1001, 1]}, Voi(), linear(RAMP, 1500, 2500), id="first-of-two"
        ),
        pytest.param(
            {"WindowCenter": 2000, "WindowWidth": 1000, "VOILUTFunction": "LINEAR_EXACT"},
            Voi(),
            linear(RAMP, 1500, 2500),
            id="voi-linear-exact",
        ),
        pytest.param({"WindowCenter": 2000, "WindowWidth": 0}, Voi(), linear(RAMP, 0, 4000), id="width-0-is-no-window"),
        pytest.param(
            {"VOILUTSequence": voi_table()},
            Voi(),
            np.select([RAMP <= 1000, RAMP == 1001], [0, 128], 255),
            id="voi-table",
        ),
        pytest.param(
            {"RescaleSlope": 2, "RescaleIntercept": -1000}, Window(3000, 8000), linear(RAMP, 0, 4000), id="rescaled"
        ),
        pytest.param(
            {"PhotometricInterpretation": "MONOCHROME1"}, Voi(), 255 - linear(RAMP, 0, 4000), id="monochrome1-inverted"
        ),
        pytest.param(
            {
                "SharedFunctionalGroupsSequence": item(
                    FrameVOILUTSequence=item(WindowCenter=2000.5, WindowWidth=1001),
                    PixelValueTransformationSequence=item(RescaleSlope=1, RescaleIntercept=0),
                )
            },
            Voi(),
            linear(RAMP, 1500, 2500),
            id="window-of-an-enhanced-file",
        ),
        pytest.param(
            {"NumberOfFrames": 2, "PixelData": RAMP.tobytes() + bytes(RAMP.nbytes)},
            Voi(),
            linear(RAMP, 0, 4000),
            id="first-frame-of-two",
        ),
    ],
)
def test_greys(elements: Json, intensity: Intensity, expected: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
    np.testing.assert_array_equal(seen(dicom_file(RAMP, **elements), intensity), expected)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(dicom_file(RAMP8), id="uncompressed"),
        pytest.param(dicom_file(RAMP8, JPEG2000Lossless, encoded(RAMP8, "JPEG2000")), id="jpeg-2000"),
        pytest.param(dicom_file(RAMP.astype(np.float32)), id="float"),
        pytest.param(dicom_file(RAMP.astype(np.float64)), id="double"),
        pytest.param(dicom_file(RAMP.astype(np.uint16)), id="unsigned"),
    ],
)
def test_encodings(data: bytes) -> None:
    samples = RAMP8 if b"JPEG 2000" in data or len(data) < 60_000 else RAMP
    np.testing.assert_array_equal(seen(data, Voi()), linear(samples, samples.min(), samples.max()))


def test_jpeg_baseline_is_as_pillow_decodes_it() -> None:
    frame = encoded(RAMP8, "JPEG")
    with Image.open(io.BytesIO(frame)) as image:
        samples = np.asarray(image)
    found = seen(dicom_file(RAMP8, JPEGBaseline8Bit, frame), Voi())
    np.testing.assert_array_equal(found, linear(samples, samples.min(), samples.max()))


def test_nan_is_black_and_the_rest_keeps_its_range() -> None:
    samples = RAMP.astype(np.float32)
    samples[0, 0], samples[0, 1] = np.nan, np.inf
    found = seen(dicom_file(samples), Voi())
    assert found[0, 0] == 0 and found[0, 1] == 255
    np.testing.assert_array_equal(found[1:], linear(RAMP, 0, 4000)[1:])


def test_colour_is_8_bit_already_and_needs_no_intensity() -> None:
    np.testing.assert_array_equal(seen(dicom_file(COLOUR), None), COLOUR)


def test_grey_without_an_intensity_is_refused_and_it_says_so() -> None:
    with pytest.raises(Problem, match=r"does not say how such intensities become 8 bits") as refused:
        seen(dicom_file(RAMP8), None)
    assert refused.value.status == 415


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        pytest.param(dicom_file(RAMP)[:400], 415, "pixels", id="truncated-in-the-header"),
        pytest.param(dicom_file(RAMP)[:-9], 415, r"Pixel Data \(7FE0,0010\)", id="truncated-in-the-pixels"),
        pytest.param(bytes(128) + b"DICM", 415, "holds no pixels", id="magic-word-only"),
        pytest.param(dicom_file(RAMP, Rows=None), 415, r"lacks Rows \(0028,0010\)", id="no-rows"),
        pytest.param(dicom_file(RAMP, PixelData=None), 415, "holds no pixels", id="no-pixel-data"),
        pytest.param(dicom_file(RAMP, Rows=2000, Columns=2000), 413, "2,000 x 2,000", id="too-many-pixels"),
        pytest.param(dicom_file(RAMP, Rows=0), 415, r"Rows \(0028,0010\)", id="no-height"),
        pytest.param(
            dicom_file(RAMP8, JPEGBaseline8Bit, encoded(np.zeros((2000, 2000), np.uint8), "JPEG")),
            413,
            "2,000 x 2,000",
            id="frame-larger-than-the-header-says",
        ),
        pytest.param(
            dicom_file(RAMP8, JPEGBaseline8Bit, jpeg_of_many_scans()),
            415,
            "more than 50 scans",
            id="many-scans",
        ),
        pytest.param(dicom_file(RAMP, JPEGLSLossless, b"\xff\xd8\xff\xf7" + bytes(60)), 415, "JPEG-LS", id="jpeg-ls"),
        pytest.param(dicom_file(RAMP8, RLELossless, bytes(5_000_000)), 415, "run-length", id="run-length-bomb"),
        pytest.param(dicom_file(COLOUR.astype(np.uint16)), 415, "16-bit colour", id="16-bit-colour"),
        pytest.param(deflated(dicom_file(RAMP)), 415, "deflated as a whole", id="deflated"),
        pytest.param(dicom_of_many_elements(), 415, "too many elements", id="millions-of-elements"),
    ],
)
def test_hostile_file_is_refused(data: bytes, status: int, words: str) -> None:
    with pytest.raises(Problem, match=words) as refused:
        seen(data, Voi())
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(dicom_file(RAMP), STUDY, id="dicom"),
        pytest.param(dicom_file(RAMP, StudyInstanceUID=""), None, id="empty"),
        pytest.param(dicom_file(RAMP, StudyInstanceUID=None), None, id="none"),
        pytest.param(dicom_file(RAMP)[:200], None, id="truncated"),
        pytest.param(deflated(dicom_file(RAMP)), None, id="not-read"),
        pytest.param(encoded(RAMP8, "JPEG"), None, id="jpeg"),
        pytest.param(b"", None, id="no-bytes"),
    ],
)
def test_study(data: bytes, expected: str | None) -> None:
    assert study_uid(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(dicom_file(RAMP), id="good"),
        pytest.param(dicom_file(RAMP)[:-9], id="truncated"),
        pytest.param(dicom_file(RAMP).replace(b"PN", b"IS"), id="name-where-a-number-belongs"),
        pytest.param(dicom_file(RAMP).replace(STUDY.encode(), PATIENT.encode().ljust(len(STUDY))), id="name-as-uid"),
        pytest.param(dicom_file(RAMP).replace(b"ISO_IR", PATIENT.encode()[:6]), id="name-as-charset"),
    ],
)
def test_nothing_of_the_header_is_logged_or_warned(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """pydicom's own log lines and warnings quote the values they stumble over."""
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.DEBUG):
        study_uid(data)
        try:
            seen(data, Voi())
        except Problem as problem:
            assert "Sommer" not in problem.detail
    assert [str(warning.message) for warning in warned if "Sommer" in str(warning.message)] == []
    assert "Sommer" not in caplog.text
