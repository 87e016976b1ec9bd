"""A file that says it is something else than the version is for is refused, and no value of it is told."""

import io
from typing import Any

import numpy as np
import pytest
from inference_api.imaging import images, inputs, suitability
from inference_api.problems import NotForThisModel
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.harness.hostile.dicoms import dicom_file, with_text

GREY = np.zeros((40, 30), np.uint8)
COLOUR = np.zeros((40, 30, 3), np.uint8) + np.array([1, 2, 3], np.uint8)
AXIAL, CORONAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1]
MR = {"modality": ["MR"]}
IN_PLANE = {"orientation": ["axial"]}


def picture(pixels: Any, file_format: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format)
    return file.getvalue()


def enhanced(cosines: list[int]) -> Sequence:
    group, plane = Dataset(), Dataset()
    plane.ImageOrientationPatient = cosines
    group.PlaneOrientationSequence = Sequence([plane])
    return Sequence([group])


def dicom(**elements: Any) -> bytes:
    return dicom_file(GREY, **elements)


def check(file: bytes, value: dict[str, Any]) -> None:
    wanted = inputs.parse(value, "inputs")
    assert wanted is not None
    suitability.check(file, images.decode(file, 10**6), wanted)


@pytest.mark.parametrize(
    "file, value",
    [
        pytest.param(dicom(Modality="MR"), {}, id="anything"),
        pytest.param(dicom(Modality="MR"), MR | {"required": ["modality"]}, id="modality"),
        pytest.param(with_text(dicom(Modality="MR"), 0x00080060, "CS", b"mr"), MR, id="small-letters"),
        pytest.param(dicom(), MR, id="says-nothing"),
        pytest.param(dicom(Modality=""), MR, id="says-it-empty"),
        pytest.param(picture(GREY), MR | {"bodyPart": ["HEAD"], "orientation": ["axial"]}, id="a-picture-says-nothing"),
        pytest.param(dicom(BodyPartExamined="BRAIN"), {"bodyPart": ["HEAD", "BRAIN"]}, id="one-of-two"),
        pytest.param(dicom(ImageOrientationPatient=AXIAL), IN_PLANE, id="axial"),
        pytest.param(dicom(ImageOrientationPatient=[0.9, 0, -0.43, 0, 1, 0]), IN_PLANE, id="oblique"),
        pytest.param(dicom(ImageOrientationPatient=CORONAL), {"orientation": ["coronal"]}, id="coronal"),
        pytest.param(dicom(ImageOrientationPatient=SAGITTAL), {"orientation": ["sagittal"]}, id="sagittal"),
        pytest.param(dicom(ImageOrientationPatient=[0] * 6), IN_PLANE, id="no-direction-is-no-plane"),
        pytest.param(dicom(SharedFunctionalGroupsSequence=enhanced(AXIAL)), IN_PLANE, id="enhanced"),
        pytest.param(dicom(ViewPosition="PA"), {"orientation": ["PA", "AP"]}, id="view-position"),
        pytest.param(picture(GREY), {"photometricInterpretation": ["MONOCHROME1"]}, id="grey-picture"),
        pytest.param(
            picture(np.repeat(GREY[..., None], 3, 2)),
            {"photometricInterpretation": ["MONOCHROME2"]},
            id="grey-as-colour",
        ),
        pytest.param(picture(GREY.astype(np.uint16)), {"photometricInterpretation": ["MONOCHROME2"]}, id="16-bit-grey"),
        pytest.param(picture(COLOUR), {"photometricInterpretation": ["RGB"]}, id="colour"),
        pytest.param(picture(GREY), {"smallestSize": [40, 30]}, id="just-large-enough"),
        pytest.param(dicom(), {"smallestSize": [40, 30]}, id="dicom-large-enough"),
    ],
)
def test_taken(file: bytes, value: dict[str, Any]) -> None:
    check(file, value)


@pytest.mark.parametrize(
    "file, value, reason",
    [
        pytest.param(
            dicom(Modality="CT"), MR, "its Modality (0008,0060) is another one; the version takes MR", id="ct"
        ),
        pytest.param(dicom(Modality="CT\\MR"), MR, "its Modality (0008,0060) is another one", id="two-values"),
        pytest.param(
            dicom(), MR | {"required": ["modality"]}, "it does not state its Modality (0008,0060)", id="required"
        ),
        pytest.param(
            picture(GREY), MR | {"required": ["modality"]}, "it does not state its Modality", id="required-of-a-picture"
        ),
        pytest.param(
            dicom(BodyPartExamined="KNEE"), {"bodyPart": ["HEAD"]}, "its Body Part Examined (0018,0015)", id="knee"
        ),
        pytest.param(dicom(ImageOrientationPatient=CORONAL), IN_PLANE, "its orientation", id="coronal"),
        pytest.param(
            dicom(SharedFunctionalGroupsSequence=enhanced(SAGITTAL)),
            IN_PLANE,
            "its orientation",
            id="enhanced-sagittal",
        ),
        pytest.param(
            dicom(ViewPosition="LL"), {"orientation": ["PA", "AP"]}, "View Position (0018,5101)", id="lateral"
        ),
        pytest.param(
            dicom(ImageOrientationPatient=[0] * 6),
            IN_PLANE | {"required": ["orientation"]},
            "does not state its orientation",
            id="required-plane-that-is-none",
        ),
        pytest.param(
            dicom(PhotometricInterpretation="MONOCHROME1"),
            {"photometricInterpretation": ["MONOCHROME2"]},
            "its Photometric Interpretation (0028,0004)",
            id="monochrome1",
        ),
        pytest.param(
            picture(COLOUR), {"photometricInterpretation": ["MONOCHROME1", "MONOCHROME2"]}, "0028,0004", id="colour"
        ),
        pytest.param(picture(GREY), {"photometricInterpretation": ["RGB"]}, "0028,0004", id="grey"),
        pytest.param(
            picture(GREY), {"smallestSize": [41, 30]}, "smaller than 41 x 30 pixels (height x width)", id="height"
        ),
        pytest.param(dicom(), {"smallestSize": [40, 31]}, "smaller than 40 x 31 pixels", id="width"),
    ],
)
def test_refused(file: bytes, value: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotForThisModel) as refused:
        check(file, value)
    assert refused.value.status == 422
    assert reason in refused.value.detail
    assert not any(word in refused.value.detail for word in ("CT", "KNEE", "LL", "coronal", "sagittal"))


def test_a_large_grey_picture_that_has_one_coloured_pixel_is_in_colour() -> None:
    pixels = np.zeros((600, 20, 3), np.uint8)
    check(picture(pixels), {"photometricInterpretation": ["MONOCHROME2"]})
    pixels[599, 19, 2] = 1
    with pytest.raises(NotForThisModel):
        check(picture(pixels), {"photometricInterpretation": ["MONOCHROME2"]})
