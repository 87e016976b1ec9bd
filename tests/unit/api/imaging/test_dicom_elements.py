"""Elements of DICOM files that do not fit together, or that are not there: each is named."""

import io
from typing import Any

import numpy as np
import pytest
from inference_api.imaging.dicom.reader import study_uid
from inference_api.imaging.intensity import Window
from inference_api.routing.counters import Json
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from tests.harness.hostile.dicoms import STUDY, dicom_file, with_text, without_preamble
from tests.unit.api.imaging.dicom_ramps import (
    IN_RANGE,
    RAMP,
    SMALL,
    VOI,
    linear,
    refusal,
    seen,
)

COLOUR = np.random.default_rng(3).integers(0, 256, (28, 28, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
CENTER, WIDTH, SLOPE, INTERCEPT, FRAMES = 0x00281050, 0x00281051, 0x00281053, 0x00281052, 0x00280008


def encoded(samples: NDArray[Any], file_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(samples).save(file, file_format, **options)
    return file.getvalue()


def run_length_coded(samples: NDArray[np.uint8]) -> bytes:
    from pydicom import dcmread

    data = dcmread(io.BytesIO(dicom_file(samples)))
    data.compress(RLELossless, generate_instance_uid=False)
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    return file.getvalue()


@pytest.mark.parametrize(
    ("photometric", "syntax", "frame"),
    [
        pytest.param("YBR_FULL_422", JPEGBaseline8Bit, encoded(COLOUR, "JPEG", quality=98, subsampling=0), id="jpeg"),
        pytest.param("RGB", JPEGBaseline8Bit, encoded(COLOUR, "JPEG", quality=98, keep_rgb=True), id="jpeg-rgb"),
        pytest.param("RGB", JPEG2000Lossless, encoded(COLOUR, "JPEG2000", irreversible=False), id="jpeg-2000"),
        pytest.param("YBR_RCT", JPEG2000Lossless, encoded(COLOUR, "JPEG2000", mct=1), id="jpeg-2000-rct"),
    ],
)
@pytest.mark.parametrize("planar", [0, 1, None, 7], ids=str)
def test_planar_configuration_beside_a_compressed_frame_is_ignored(
    photometric: str, syntax: str, frame: bytes, planar: int | None
) -> None:
    """PS3.5 section 8.2."""
    file = dicom_file(COLOUR, syntax, frame, PhotometricInterpretation=photometric, PlanarConfiguration=planar)
    assert np.abs(seen(file, None).astype(int) - COLOUR).max() <= (0 if syntax == JPEG2000Lossless else 20)


def test_planar_configuration_beside_run_length_coding_is_ignored() -> None:
    file = run_length_coded(COLOUR)
    at = file.index(b"\x28\0\x06\0US\x02\0") + 8
    for planar in (b"\0\0", b"\1\0"):
        np.testing.assert_array_equal(seen(file[:at] + planar + file[at + 2 :], None), COLOUR)


def test_planar_configuration_of_a_native_frame_counts() -> None:
    planes = np.ascontiguousarray(COLOUR.transpose(2, 0, 1)).tobytes()
    np.testing.assert_array_equal(seen(dicom_file(COLOUR, PixelData=planes, PlanarConfiguration=1), None), COLOUR)


TWELVE: Json = {"BitsStored": 12, "HighBit": 11}


@pytest.mark.parametrize(
    ("samples", "elements"),
    [
        pytest.param(RAMP, {}, id="16-of-16"),
        pytest.param(RAMP.astype(np.uint16) | 0x2000, TWELVE, id="an-overlay-in-bits-that-are-not-stored"),
        pytest.param(RAMP.astype(np.uint16) << 4, {"BitsStored": 12, "HighBit": 15}, id="the-upper-bits"),
        pytest.param(RAMP.astype(np.uint16) << 2, {"BitsStored": 12, "HighBit": 13}, id="bits-in-the-middle"),
        pytest.param(RAMP, {"HighBit": None}, id="no-high-bit"),
    ],
)
def test_stored_bits(samples: NDArray[Any], elements: Json) -> None:
    np.testing.assert_array_equal(seen(dicom_file(samples, **elements), VOI), IN_RANGE)


def test_stored_bits_keep_their_sign() -> None:
    samples = ((RAMP - 2000).astype(np.uint16) & 0xFFF).astype(np.uint16)
    file = dicom_file(samples, PixelRepresentation=1, **TWELVE)
    np.testing.assert_array_equal(seen(file, VOI), linear(RAMP, 0, 4000))


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        pytest.param({"BitsStored": 17, "HighBit": 16}, "Bits Stored (0028,0101)", id="more-stored-than-allocated"),
        pytest.param({"BitsStored": 12, "HighBit": 10}, "High Bit (0028,0102)", id="high-bit-too-low"),
        pytest.param({"BitsStored": 12, "HighBit": 16}, "High Bit (0028,0102)", id="high-bit-not-allocated"),
        pytest.param({"BitsStored": None}, "lacks Bits Stored (0028,0101)", id="no-bits-stored"),
        pytest.param({"BitsAllocated": None}, "lacks Bits Allocated (0028,0100)", id="no-bits-allocated"),
        pytest.param({"BitsAllocated": 12, **TWELVE}, "Bits Allocated (0028,0100)", id="12-allocated"),
        pytest.param({"PixelRepresentation": None}, "lacks Pixel Representation (0028,0103)", id="no-sign"),
        pytest.param({"PixelRepresentation": 2}, "Pixel Representation (0028,0103)", id="unknown-sign"),
        pytest.param({"SamplesPerPixel": None}, "lacks Samples per Pixel (0028,0002)", id="no-channels"),
        pytest.param({"SamplesPerPixel": 3}, "Samples per Pixel (0028,0002)", id="grey-of-three-channels"),
        pytest.param(
            {"PhotometricInterpretation": ""}, "lacks Photometric Interpretation (0028,0004)", id="no-photometric"
        ),
        pytest.param({"PhotometricInterpretation": "HSV"}, "HSV is not read", id="hsv"),
        pytest.param(
            {"PhotometricInterpretation": "Sommer"}, "Photometric Interpretation (0028,0004)", id="any-photometric"
        ),
        pytest.param({"Columns": None}, "lacks Columns (0028,0011)", id="no-columns"),
        pytest.param({"PixelPaddingValue": 0x2FA0, **TWELVE}, "Pixel Padding Value (0028,0120)", id="padding-unstored"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_named(elements: Json, words: str) -> None:
    samples = RAMP.copy()
    samples[0, 0] = 0x2FA0
    text = refusal(dicom_file(samples, **elements), VOI)
    assert words in text
    assert "Sommer" not in text


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        pytest.param({"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}, "samples of 12 bits", id="12-bits"),
        pytest.param({"BitsStored": 8, "HighBit": 7}, "samples of 12 bits", id="12-bits-said-8"),
    ],
)
def test_jpeg_of_12_bits_is_named(elements: Json, words: str) -> None:
    frame = encoded(SMALL, "JPEG")
    at = frame.index(b"\xff\xc0") + 4
    file = dicom_file(SMALL, JPEGBaseline8Bit, frame[:at] + b"\x0c" + frame[at + 1 :], **elements)
    assert words in refusal(file, VOI)


UID = "1.2.840.10008.1.2.4."


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        (UID + "57", "JPEG Lossless"),
        (UID + "70", "JPEG Lossless"),
        (UID + "80", "JPEG-LS Lossless"),
        (UID + "92", "JPEG 2000 Part 2"),
        (UID + "100", "MPEG2"),
        (UID + "201", "High-Throughput JPEG 2000"),
        (UID + "203", "High-Throughput JPEG 2000"),
        (UID + "110", "JPEG XL"),
        ("1.2.3.4.5", "which DICOM does not define"),
    ],
)
def test_transfer_syntax_that_is_not_read_is_named(syntax: str, name: str) -> None:
    file = dicom_file(RAMP, JPEGBaseline8Bit, b"\xff\xd8" + bytes(60))
    text = refusal(with_text(file, 0x00020010, "UI", syntax.encode().ljust(22, b"\0")), VOI)
    assert name in text
    assert "1.2.3.4.5" not in text


def test_number_of_frames_that_cannot_be_read() -> None:
    """The first frame begins where the pixels do, unless they are compressed."""
    native = with_text(dicom_file(RAMP, NumberOfFrames=1), FRAMES, "IS", b"many")
    np.testing.assert_array_equal(seen(native, VOI), IN_RANGE)
    coded = dicom_file(SMALL, JPEG2000Lossless, encoded(SMALL, "JPEG2000"), NumberOfFrames=1)
    assert "Number of Frames (0028,0008)" in refusal(with_text(coded, FRAMES, "IS", b"many"), VOI)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_modality_table_of_any_depth(bits: int) -> None:
    """Sample 1000 and below is 0, 1001 is 100, 1002 and above 200."""
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [3, 1000, bits], np.array([0, 100, 200], "<u2").tobytes()
    item["LUTData"].VR = "OW"
    found = seen(dicom_file(RAMP, ModalityLUTSequence=Sequence([item])), Window(127.5, 255))
    np.testing.assert_array_equal(found, np.select([RAMP <= 1000, RAMP == 1001], [0, 100], 200))


@pytest.mark.parametrize("with_meta", [True, False])
def test_file_without_preamble_is_read_and_keeps_its_study(with_meta: bool) -> None:
    file = without_preamble(dicom_file(RAMP, ImageType=["DERIVED"]), with_meta)
    np.testing.assert_array_equal(seen(file, VOI), IN_RANGE)
    assert study_uid(file) == STUDY


def test_file_that_has_neither_preamble_nor_a_first_element_says_so() -> None:
    file = without_preamble(dicom_file(RAMP, ImageType=["DERIVED"]), with_meta=False)
    text = refusal(b" " + file, VOI)
    assert "has DICOM elements, but neither begins with one nor has DICM" in text


def test_big_endian_file_without_meta_information() -> None:
    data = dicom_file(RAMP.astype(">i2"), ExplicitVRBigEndian, ImageType=["DERIVED"])
    file = without_preamble(data, with_meta=False)
    np.testing.assert_array_equal(seen(file, VOI), IN_RANGE)
    assert study_uid(file) == STUDY


def test_frame_that_cannot_be_decoded_is_named_with_its_syntax() -> None:
    frame = encoded(SMALL, "JPEG2000")
    text = refusal(dicom_file(SMALL, JPEG2000Lossless, frame[: len(frame) // 2]), VOI)
    assert "JPEG 2000 Image Compression (Lossless Only), cannot be decoded" in text


def test_compressed_file_without_meta_information_lacks_its_transfer_syntax() -> None:
    file = dicom_file(SMALL, JPEGBaseline8Bit, encoded(SMALL, "JPEG"), ImageType=["DERIVED"])
    assert "lacks Transfer Syntax UID (0002,0010)" in refusal(without_preamble(file, False), VOI)
