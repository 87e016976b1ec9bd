"""What a small file makes a decoder allocate besides pixels is counted before, or the file is refused."""

import io
from typing import Any

import numpy as np
import pytest
from inference_api.imaging import images, lossless_webps
from inference_api.imaging.dicom import codestreams
from inference_api.imaging.unreadable import UnreadableImage
from inference_api.problems import Problem
from PIL import Image

from ci.load import structure_files
from ci.load.decode_files import Make

SIDE = 512
MIB = 2**20
# As measured; libwebp and OpenJPEG take them while they read the headers of the picture.
TAKEN_BYTES: dict[str, tuple[Make, int]] = {
    "WebP of many codes": (structure_files.webp_of_many_codes, 88 * MIB),
    "JPEG 2000 of many precincts": (structure_files.dicom_of_many_precincts, 16 * MIB),
    "JPEG 2000 of many tiles": (structure_files.dicom_of_many_tiles, 16 * MIB),
}


@pytest.mark.parametrize("kind", TAKEN_BYTES)
def test_it_is_counted(kind: str) -> None:
    make, taken_bytes = TAKEN_BYTES[kind]
    told: list[int] = []

    def need(size: int) -> None:
        told.append(size)
        if size > taken_bytes:
            raise Problem(503, "overloaded", "")

    with pytest.raises(Problem) as refused:
        images.decode(make(SIDE), SIDE**2, need)
    assert refused.value.status == 503
    assert max(told) > taken_bytes


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(structure_files.jpeg2000(64, 64, 0, layers=65_535), id="layers"),
        pytest.param(structure_files.jpeg2000(4096, 4096, 0), id="precincts"),
    ],
)
def test_too_many_packets_are_refused(frame: bytes) -> None:
    with pytest.raises(UnreadableImage, match="too many packets"):
        codestreams.structure_bytes(frame)


@pytest.mark.parametrize("marker", [b"\xff\x30", b"\xff\x50\0\1", b"\xff\x93"], ids=["unknown", "short", "data"])
def test_markers_that_openjpeg_would_find_elsewhere_are_refused(marker: bytes) -> None:
    frame = structure_files.jpeg2000(64, 64)
    at = frame.index(b"\xff\x52")
    with pytest.raises(UnreadableImage, match="damaged"):
        codestreams.structure_bytes(frame[:at] + marker + frame[at:])


def test_the_style_of_one_tile_is_counted() -> None:
    frame, other = structure_files.jpeg2000(1024, 1024), structure_files.jpeg2000(1024, 1024, 2)
    style = other[other.index(b"\xff\x52") : other.index(b"\xff\x5c")]
    at = frame.index(b"\xff\x93")
    length = frame.index(b"\xff\x90") + 6
    longer = frame[:length] + (15 + len(style)).to_bytes(4) + frame[length + 4 : at] + style + frame[at:]
    assert codestreams.structure_bytes(longer) == codestreams.structure_bytes(other)


def test_too_many_symbols_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lossless_webps, "MAX_SYMBOLS", 1000)
    with pytest.raises(UnreadableImage, match="too many symbols"):
        lossless_webps.structure_bytes(structure_files.webp_of_many_codes(SIDE))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("options", [{"lossless": True}, {"lossless": True, "method": 6}, {}])
def test_what_libwebp_wrote_takes_little(mode: str, options: dict[str, Any]) -> None:
    draw = np.random.default_rng(7)
    ramp = np.linspace(0, 220, 160 * 160 * len(mode)).reshape(160, 160, len(mode))
    picture = Image.fromarray((ramp + draw.integers(0, 9, ramp.shape)).astype(np.uint8))
    file = io.BytesIO()
    picture.save(file, "WEBP", **options)
    assert lossless_webps.structure_bytes(file.getvalue()) < MIB
