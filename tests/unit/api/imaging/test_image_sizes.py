import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_api.imaging.formats import is_small
from inference_api.imaging.image_sizes import INLINE_PIXELS
from inference_api.routing.counters import Json
from PIL import Image

SMALL, LARGE = (512, 512), (1025, 1024)


def encoded(size: tuple[int, int], kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param("JPEG", {}, id="jpeg"),
        pytest.param("JPEG", {"progressive": True, "exif": b"Exif\0\0" + b"x" * 9000}, id="progressive-with-exif"),
        pytest.param("PNG", {}, id="png"),
        pytest.param("BMP", {}, id="bmp"),
    ],
)
def test_the_announced_size_decides(kind: str, options: Json) -> None:
    assert SMALL[0] * SMALL[1] <= INLINE_PIXELS < LARGE[0] * LARGE[1]
    assert is_small(encoded(SMALL, kind, **options))
    assert not is_small(encoded(LARGE, kind, **options))


@pytest.mark.parametrize("kind", ["WEBP", "TIFF"])
def test_what_is_not_understood_here_goes_to_a_thread(kind: str) -> None:
    assert not is_small(encoded(SMALL, kind))


@given(st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM"]), st.binary(max_size=60))
def test_garbage_is_no_error(magic: bytes, rest: bytes) -> None:
    assert is_small(magic + rest) in (True, False)


@given(st.integers(2, 700))
def test_a_truncated_jpeg_is_no_error(length: int) -> None:
    assert is_small(encoded(SMALL, "JPEG")[:length]) in (True, False)
