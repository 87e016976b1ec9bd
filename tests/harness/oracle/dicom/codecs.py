"""How a frame of a generated DICOM file is encoded."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.harness.oracle.dicom.writer import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT

Samples = NDArray[Any]

SYNTAXES = {
    "implicit": IMPLICIT,
    "explicit": EXPLICIT,
    "big-endian": BIG_ENDIAN,
    "deflated": DEFLATED,
    "RLE": "1.2.840.10008.1.2.5",
    "JPEG": "1.2.840.10008.1.2.4.50",
    "J2K": "1.2.840.10008.1.2.4.90",
    "J2K-lossy": "1.2.840.10008.1.2.4.91",
    "JPEG-12": "1.2.840.10008.1.2.4.51",
    "JPEG-lossless": "1.2.840.10008.1.2.4.57",
    "JPEG-lossless-1": "1.2.840.10008.1.2.4.70",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG-LS-lossy": "1.2.840.10008.1.2.4.81",
    "HTJ2K": "1.2.840.10008.1.2.4.201",
    "HTJ2K-RPCL": "1.2.840.10008.1.2.4.202",
    "HTJ2K-lossy": "1.2.840.10008.1.2.4.203",
}
_BY_IMAGECODECS: Mapping[str, Callable[[Samples], bytes | bytearray]] = {
    "JPEG-12": lambda samples: imagecodecs.jpeg_encode(samples.astype(np.uint16), bitspersample=12),
    "JPEG-lossless": imagecodecs.ljpeg_encode,
    "JPEG-lossless-1": imagecodecs.ljpeg_encode,
    "JPEG-LS": imagecodecs.jpegls_encode,
    "HTJ2K": imagecodecs.htj2k_encode,
    "HTJ2K-RPCL": imagecodecs.htj2k_encode,
}
NATIVE = ("implicit", "explicit", "big-endian", "deflated")


def syntax_of(coding: str) -> str:
    """The UID of a coding, which may be a UID itself: of one that nothing here encodes."""
    return SYNTAXES.get(coding, coding)


def native(samples: Samples, coding: str, planar: bool) -> bytes:
    """The bytes of one frame [rows, columns] or [rows, columns, 3]; `planar`: one colour after the other."""
    if planar and samples.ndim == 3:
        samples = samples.transpose(2, 0, 1)
    words = samples.astype(samples.dtype.newbyteorder("<")).tobytes()
    if coding != "big-endian" or samples.itemsize == 1:
        return words
    return np.frombuffer(words, "<u2").astype(">u2").tobytes()  # OW is a string of 16-bit words: PS3.5 section 6.2


def encoded(samples: Samples, coding: str, **options: Any) -> bytes:
    if coding == "RLE":
        return run_lengths(samples)
    if encode := _BY_IMAGECODECS.get(coding.removesuffix("-lossy")):
        return bytes(encode(samples))
    if coding not in SYNTAXES:
        return bytes(64)
    file = io.BytesIO()
    if coding == "JPEG":
        Image.fromarray(samples).save(file, "JPEG", **{"quality": 92, "subsampling": 0, **options})
    else:
        Image.fromarray(samples).save(file, "JPEG2000", no_jp2=True, irreversible=coding == "J2K-lossy", **options)
    return file.getvalue()


def run_lengths(samples: Samples) -> bytes:
    """PS3.5 annex G: a segment for each byte of each colour, the high byte first; each row is packed alone."""
    channels = samples if samples.ndim == 3 else samples[..., np.newaxis]
    high_first = channels.astype(channels.dtype.newbyteorder(">"))
    rows, columns, count = channels.shape
    planes = high_first.tobytes()
    split = np.frombuffer(planes, np.uint8).reshape(rows, columns, count, samples.itemsize)
    segments = [
        _even(b"".join(_pack_bits(row.tobytes()) for row in split[:, :, channel, byte]))
        for channel in range(count)
        for byte in range(samples.itemsize)
    ]
    offsets, at = [], 64
    for segment in segments:
        offsets.append(at)
        at += len(segment)
    header = np.array([len(segments), *offsets, *[0] * (15 - len(offsets))], "<u4").tobytes()
    return header + b"".join(segments)


def _even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def _pack_bits(row: bytes) -> bytes:
    """Runs of one value where there are at least three, else the bytes as they are."""
    packed, plain, at = bytearray(), bytearray(), 0
    while at < len(row):
        end = at
        while end < len(row) and row[end] == row[at] and end - at < 128:
            end += 1
        if end - at >= 3:
            _flush(packed, plain)
            packed += bytes([257 - (end - at), row[at]])
        else:
            plain += row[at:end]
        at = end
    _flush(packed, plain)
    return bytes(packed)


def _flush(packed: bytearray, plain: bytearray) -> None:
    for start in range(0, len(plain), 128):
        part = plain[start : start + 128]
        packed += bytes([len(part) - 1]) + part
    plain.clear()
