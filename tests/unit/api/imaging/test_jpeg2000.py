"""JPEG 2000 in DICOM: the samples of pydicom's plugin for Pillow, decoded without the GIL."""

import io
from typing import Any

import numpy as np
import pytest
from inference_api.imaging import images
from inference_api.imaging.dicom import jpeg2000, openjpeg
from inference_api.imaging.high_pixels import HighPixels
from numpy.typing import NDArray
from PIL import Image
from pydicom.uid import JPEG2000Lossless

from tests.harness import gil
from tests.harness.hostile.dicoms import dicom_file

SIDE = 48
LARGE_SIDE = 512
SIZ = b"\xff\x51"
COLR = b"colr"
SIGN = 0x80

WRITTEN: dict[str, dict[str, Any]] = {
    "codestream": {"no_jp2": True},
    "jp2": {"no_jp2": False},
    "lossy": {"no_jp2": True, "irreversible": True, "quality_layers": [20, 5]},
    "tiles": {"no_jp2": True, "tile_size": (20, 16), "progression": "RPCL"},
}
# Colour spaces of a JP2 file: unknown, sRGB, grey, YCC (ISO 15444-1 table I.10, and -2 table M.25).
SPACES = (0, 16, 17, 18)


def noise(bits: int, side: int = SIDE, colours: tuple[int, ...] = ()) -> NDArray[Any]:
    samples = np.random.default_rng(7).integers(0, 1 << bits, (side, side, *colours))
    return samples.astype(np.uint8 if bits <= 8 else np.uint16)


def frame(samples: NDArray[Any], written: str, bits: int = 8, sign: int = 0, space: int = 0) -> bytes:
    """`bits`, `sign` and `space` are stated; Pillow writes 8 or 16 bits without a sign."""
    stream = io.BytesIO()
    Image.fromarray(samples).save(stream, "JPEG2000", **WRITTEN[written])
    coded = bytearray(stream.getvalue())
    coded[coded.index(SIZ) + 40] = bits - 1 | sign
    if space:
        at = coded.index(COLR) + 7
        coded[at : at + 4] = space.to_bytes(4)
    return bytes(coded)


def grey(bits: int, written: str, sign: int, representation: int) -> bytes:
    samples = noise(bits)
    coded = frame(samples, written, bits, sign)
    elements = {"BitsStored": bits, "HighBit": bits - 1, "PixelRepresentation": representation}
    return dicom_file(samples, JPEG2000Lossless, coded, **elements)


def colour(written: str, photometric: str, space: int = 0) -> bytes:
    samples = noise(8, colours=(3,))
    coded = frame(samples, written, space=space)
    return dicom_file(samples, JPEG2000Lossless, coded, PhotometricInterpretation=photometric)


FILES = {
    **{
        f"{bits}-bit {written}, sign {sign} in {representation}": grey(bits, written, sign, representation)
        for bits, written in ((8, "codestream"), (7, "lossy"), (16, "jp2"), (12, "lossy"), (13, "tiles"))
        for sign in (0, SIGN)
        for representation in (0, 1)
    },
    **{
        f"{photometric} {written}": colour(written, photometric)
        for written in WRITTEN
        for photometric in ("RGB", "YBR_RCT", "YBR_ICT", "YBR_FULL")
    },
    **{f"colour space {space}": colour("jp2", "RGB", space) for space in SPACES},
    "size of another": dicom_file(noise(8, SIDE * 2), JPEG2000Lossless, frame(noise(8), "codestream")),
    "alpha": dicom_file(noise(8), JPEG2000Lossless, frame(noise(8, colours=(4,)), "codestream")),
    "half": dicom_file(noise(8), JPEG2000Lossless, frame(noise(8), "codestream")[:900]),
}


def read(file: bytes) -> NDArray[Any] | str:
    try:
        content = images.decode(file, LARGE_SIDE**2).content
    except Exception as error:
        return str(error)
    return content.samples if isinstance(content, HighPixels) else np.asarray(content)


@pytest.mark.parametrize("kind", FILES)
def test_the_samples_are_those_of_pillow_and_so_are_the_refusals(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = read(FILES[kind])
    monkeypatch.setattr(jpeg2000, "NAME", "pillow")
    expected = read(FILES[kind])
    if isinstance(expected, str):
        assert ours == expected
    else:
        assert isinstance(ours, np.ndarray) and ours.dtype == expected.dtype
        assert np.array_equal(ours, expected)


def test_another_thread_goes_on_while_openjpeg_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    samples, real = noise(8, LARGE_SIDE), openjpeg._decode
    file = dicom_file(samples, JPEG2000Lossless, frame(samples, "codestream"))

    def decode(watch: gil.Watch) -> None:
        def watched(*arguments: Any) -> int:
            watch.begin()
            result: int = real(*arguments)
            watch.end()
            return result

        monkeypatch.setattr(openjpeg, "_decode", watched)
        images.decode(file, LARGE_SIDE**2)

    assert gil.is_let(decode)
