"""Files whose pixels hardly take a byte each: what decoding is measured with, and what a hostile client sends.

Each maker takes a side in pixels, a multiple of 8, and returns the bytes of a square image.
"""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

Make = Callable[[int], bytes]

_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def by_pillow(file_format: str, mode: str, **options: Any) -> Make:
    """One colour all over, as Pillow writes it."""

    def make(side: int) -> bytes:
        file = io.BytesIO()
        Image.new(mode, (side, side)).save(file, file_format, **options)
        return file.getvalue()

    return make


def interlaced_png(side: int) -> bytes:
    """RGBA in the seven passes of Adam7 (PNG specification section 8.2), which Pillow does not write."""
    rows = b"".join(
        (b"\0" + bytes(4 * (-(-(side - left) // right)))) * -(-(side - top) // down)
        for left, top, right, down in _ADAM7
        if side > left and side > top
    )
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def animated_webp(side: int) -> bytes:
    """Two frames with alpha."""
    frames = [Image.new("RGBA", (side, side), (shade, 0, 0, 99)) for shade in (10, 200)]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], duration=50, lossless=True)
    return file.getvalue()


def dicom(dtype: str, **elements: Any) -> Make:
    """Native grey."""
    return lambda side: _dicom_file(np.zeros((side, side), dtype), ExplicitVRLittleEndian, b"", elements)


def dicom_colour(syntax: str, encode: Callable[[Image.Image], bytes] | None, **elements: Any) -> Make:
    def make(side: int) -> bytes:
        frame = encode(Image.new("RGB", (side, side))) if encode else b""
        return _dicom_file(np.zeros((side, side, 3), np.uint8), UID(syntax), frame, elements)

    return make


def dicom_jpeg2000(mode: str, dtype: str, **elements: Any) -> Make:
    """`mode` is that of the codestream; the header says grey of `dtype`."""

    def make(side: int) -> bytes:
        frame = by_pillow("JPEG2000", mode, no_jp2=True)(side)
        return _dicom_file(np.zeros((side, side), dtype), JPEG2000Lossless, frame, elements)

    return make


def dicom_rle(dtype: str, **elements: Any) -> Make:
    def make(side: int) -> bytes:
        samples = np.zeros((side, side), dtype)
        run = b"\x81\0" * -(-side * side // 128)
        starts = [64 + index * len(run) for index in range(samples.itemsize)]
        head = struct.pack(f"<{1 + len(starts)}L", len(starts), *starts).ljust(64, b"\0")
        return _dicom_file(samples, RLELossless, head + run * len(starts), elements)

    return make


def jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()


def jpeg2000(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG2000", no_jp2=True)
    return file.getvalue()


def dicom_frame(samples: NDArray[Any], syntax: UID, frame: bytes) -> bytes:
    """A DICOM file of `samples`, of which `frame` is the encoded form."""
    return _dicom_file(samples, syntax, frame, {})


def _dicom_file(samples: NDArray[Any], syntax: UID, frame: bytes, elements: dict[str, Any]) -> bytes:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = UID("1.2.826.0.1.3680043.8.498.1")
    data.Rows, data.Columns = samples.shape[:2]
    data.SamplesPerPixel = 3 if samples.ndim == 3 else 1
    data.PhotometricInterpretation = "RGB" if samples.ndim == 3 else "MONOCHROME2"
    data.PlanarConfiguration = 0
    data.BitsAllocated = 8 * samples.itemsize
    data.BitsStored = data.BitsAllocated
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(samples.dtype.kind == "i")
    if samples.dtype.kind == "f":
        data.FloatPixelData = samples.tobytes()
        del data.BitsStored, data.HighBit, data.PixelRepresentation
    else:
        data.PixelData = encapsulate([frame]) if frame else samples.tobytes()
        data["PixelData"].VR = "OB" if frame or samples.itemsize == 1 else "OW"
    for name, value in elements.items():
        setattr(data, name, value)
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    return file.getvalue()


def with_table(make: Make) -> Make:
    """The same DICOM file with a modality table of 65,536 entries."""
    import pydicom
    from pydicom.sequence import Sequence

    def made(side: int) -> bytes:
        data = pydicom.dcmread(io.BytesIO(make(side)))
        item = Dataset()
        item.add_new(0x00283002, "US", [0, 0, 16])
        item.add_new(0x00283006, "OW", np.zeros(65536, "<u2").tobytes())
        data.ModalityLUTSequence = Sequence([item])
        file = io.BytesIO()
        data.save_as(file, enforce_file_format=True)
        return file.getvalue()

    return made


def with_palette(make: Make) -> Make:
    """The same DICOM file with a palette of 65,536 colours."""
    import pydicom

    def made(side: int) -> bytes:
        data = pydicom.dcmread(io.BytesIO(make(side)))
        data.PhotometricInterpretation = "PALETTE COLOR"
        for channel in ("Red", "Green", "Blue"):
            setattr(data, f"{channel}PaletteColorLookupTableDescriptor", [0, 0, 16])
            data[f"{channel}PaletteColorLookupTableDescriptor"].VR = "US"
            setattr(data, f"{channel}PaletteColorLookupTableData", np.zeros(65536, "<u2").tobytes())
            data[f"{channel}PaletteColorLookupTableData"].VR = "OW"
        file = io.BytesIO()
        data.save_as(file, enforce_file_format=True)
        return file.getvalue()

    return made
