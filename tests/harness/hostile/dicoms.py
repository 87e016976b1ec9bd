"""DICOM files made for tests; every one names a patient, so that a leak of the name can be seen."""

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

PATIENT = "Sommer^Frieda"
STUDY = "1.2.826.0.1.3680043.8.498.1"


def dicom_file(
    samples: NDArray[Any], syntax: str = ExplicitVRLittleEndian, frame: bytes = b"", **elements: Any
) -> bytes:
    """A DICOM file of `samples` [rows, columns] or [rows, columns, 3]; `frame` is its encoded form, else raw.

    `elements` are set after all others, None removes one.
    """
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = UID(syntax)
    data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = UID(STUDY + ".1")
    data.PatientName, data.StudyInstanceUID = PATIENT, STUDY
    _describe(data, samples)
    _set_pixels(data, samples, frame)
    for name, value in elements.items():
        delattr(data, name) if value is None else setattr(data, name, value)
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _describe(data: Dataset, samples: NDArray[Any]) -> None:
    data.Rows, data.Columns = samples.shape[:2]
    data.SamplesPerPixel = 3 if samples.ndim == 3 else 1
    data.PhotometricInterpretation = "RGB" if samples.ndim == 3 else "MONOCHROME2"
    if samples.ndim == 3:
        data.PlanarConfiguration = 0
    if samples.dtype.kind != "f":
        data.BitsStored = data.BitsAllocated = 8 * samples.itemsize
        data.HighBit = data.BitsStored - 1
        data.PixelRepresentation = int(samples.dtype.kind == "i")
    else:
        data.BitsAllocated = 8 * samples.itemsize


def _set_pixels(data: Dataset, samples: NDArray[Any], frame: bytes) -> None:
    from pydicom.encaps import encapsulate

    if samples.dtype == np.float32:
        data.FloatPixelData = samples.tobytes()
    elif samples.dtype == np.float64:
        data.DoubleFloatPixelData = samples.tobytes()
    else:
        data.PixelData = encapsulate([frame]) if frame else samples.tobytes()
        data["PixelData"].VR = "OB" if frame or samples.itemsize == 1 else "OW"


def with_text(file: bytes, tag: int, vr: str, text: bytes) -> bytes:
    """Replaces the value of one explicit element by text that pydicom would not write; it is padded to even length."""
    at = file.index(struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode())
    (length,) = struct.unpack_from("<H", file, at + 6)
    text += b" " * (len(text) % 2)
    return file[: at + 6] + struct.pack("<H", len(text)) + text + file[at + 8 + length :]


def without_preamble(file: bytes, with_meta: bool) -> bytes:
    """As archives of the last century wrote it: no 128 bytes and no magic word, and perhaps no meta information."""
    if with_meta:
        return file[132:]
    (meta_bytes,) = struct.unpack_from("<I", file, 132 + 8)
    return file[132 + 12 + meta_bytes :]
