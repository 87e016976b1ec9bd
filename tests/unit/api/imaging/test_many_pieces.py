"""A file of many tiny pieces is refused soon, and no file that holds up the event loop is decoded on it."""

import struct

import pytest
from inference_api.imaging import images
from inference_api.imaging.formats import is_small
from inference_api.imaging.image_sizes import INLINE_BYTES, INLINE_PIECES
from inference_api.problems import Problem

from tests.harness.hostile.many_pieces import bmp, chunk, encoded, jpeg, png, tiff

MANY = 20_000


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(jpeg(MANY), "too many segments", id="jpeg-comments"),
        pytest.param(jpeg(MANY, b"\xff\xd0"), "too many segments", id="jpeg-restart-markers"),
        pytest.param(jpeg(MANY, b"x", at=20), "too many segments", id="jpeg-junk"),
        pytest.param(jpeg(MANY, b"\xff"), "too many segments", id="jpeg-fill-bytes"),
        pytest.param(png(MANY), "too many chunks", id="png-text"),
        pytest.param(png(MANY, b"IDAT"), "too many chunks", id="png-no-pixels"),
        pytest.param(png(MANY, before_pixels=False), "too many chunks", id="png-after-the-pixels"),
        pytest.param(tiff(MANY), "more than 4,096 strips", id="tiff-strips"),
        pytest.param(tiff(1, tags=5000), "more than 4,096 tags", id="tiff-tags"),
        pytest.param(bmp(40_000), "too many runs", id="bmp-runs"),
    ],
)
def test_too_many_pieces_are_refused_with_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(Problem) as refused:
        images.decode(data, max_pixels=10**6)
    assert (refused.value.kind, refused.value.status) == ("not-an-image", 415)
    assert said in refused.value.detail
    assert not is_small(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(jpeg(1000), id="jpeg"),
        pytest.param(png(1000), id="png"),
        pytest.param(png(4000, b"IDAT"), id="png-of-20-mib-in-chunks-of-8-kib"),
        pytest.param(tiff(4096), id="tiff-of-a-strip-for-each-row"),
        pytest.param(bmp(30_000), id="bmp"),
    ],
)
def test_some_pieces_are_read(data: bytes) -> None:
    assert images.decode(data, max_pixels=10**6).content is not None


PNG = encoded("PNG")
LARGE = (1024, 1024)


@pytest.mark.parametrize(
    ("data", "is_decoded_on_the_loop"),
    [
        pytest.param(encoded("JPEG", LARGE), True, id="jpeg"),
        pytest.param(PNG, True, id="png"),
        pytest.param(encoded("BMP", (512, 512)), True, id="bmp"),
        pytest.param(encoded("JPEG", (256, 256), progressive=True), True, id="small-progressive-jpeg"),
        pytest.param(jpeg(INLINE_PIECES), False, id="jpeg-of-many-segments"),
        pytest.param(png(INLINE_PIECES), False, id="png-of-many-chunks"),
        pytest.param(PNG + bytes(INLINE_BYTES), False, id="png-of-many-bytes"),
        pytest.param(encoded("JPEG") + bytes(INLINE_BYTES), False, id="jpeg-of-many-bytes"),
        pytest.param(PNG[:33] + chunk(b"zTXt", b"a") + PNG[33:], False, id="png-with-compressed-text"),
        pytest.param(PNG[:28] + b"\1" + PNG[29:], False, id="png-interlaced"),
        pytest.param(PNG[:24] + b"\x10\6" + PNG[26:], True, id="small-png-of-8-bytes-a-pixel"),
        pytest.param(bmp(1000), False, id="bmp-run-length-coded"),
    ],
)
def test_what_is_decoded_on_the_event_loop_is_bounded_by_its_work(data: bytes, is_decoded_on_the_loop: bool) -> None:
    assert is_small(data) is is_decoded_on_the_loop


def test_each_scan_of_a_progressive_jpeg_counts() -> None:
    scans = encoded("JPEG", (512, 512), progressive=True)
    assert is_small(scans)
    assert not is_small(scans[:-2] + b"\xff\xda" * 50 + scans[-2:])


def test_tags_that_hold_the_same_bytes_are_refused() -> None:
    """Pillow copies the bytes of each: a file of 20 MB with a hundred such tags takes 2 GB."""
    entries = [struct.pack("<HHII", 1000 + number, 7, 10_000, 8) for number in range(100)]
    file = b"II*\0" + struct.pack("<I", 10_008) + bytes(10_000) + struct.pack("<H", 100) + b"".join(entries) + bytes(4)
    with pytest.raises(Problem, match="the tags of this TIFF are larger than the file"):
        images.decode(file, max_pixels=10**6)
