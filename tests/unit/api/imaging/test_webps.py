"""WebP is decoded without the GIL: nothing that grows with the picture is done by Python."""

import io
import tracemalloc
from typing import Any

import numpy as np
import pytest
from inference_api.imaging import images
from PIL import Image

from tests.harness import gil

SIDE = 512
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "lossy": ("RGB", {"quality": 90}),
    "lossless": ("RGB", {"lossless": True}),
    "lossy-alpha": ("RGBA", {"quality": 90}),
    "lossless-alpha": ("RGBA", {"lossless": True}),
    "animated": ("RGBA", {"save_all": True, "lossless": True}),
}


def noise(mode: str) -> Image.Image:
    samples = np.random.default_rng(7).integers(0, 256, (SIDE, SIDE, len(mode)), np.uint8)
    return Image.fromarray(samples, mode)


def encoded(kind: str) -> bytes:
    mode, options = KINDS[kind]
    file = io.BytesIO()
    more = {"append_images": [noise(mode).rotate(90)]} if "save_all" in options else {}
    noise(mode).save(file, "WEBP", method=0, **options, **more)
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_neither_file_nor_pixels_are_copied_to_python_objects(kind: str) -> None:
    """Python makes them with the GIL held: 0.1 s for 40 million pixels."""
    file = encoded(kind)
    images.decode(file, SIDE**2)
    tracemalloc.start()
    try:
        images.decode(file, SIDE**2)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < len(file) / 4
    assert peak_bytes < SIDE**2 / 4


def test_another_thread_goes_on_while_libwebp_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """From just before libwebp begins."""
    file, real = encoded("lossless"), Image.frombuffer

    def decode(watch: gil.Watch) -> None:
        def after_libwebp(*arguments: Any) -> Image.Image:
            watch.end()
            return real(*arguments)

        monkeypatch.setattr(Image, "frombuffer", after_libwebp)
        images.decode(file, SIDE**2, lambda _: watch.begin())

    assert gil.is_let(decode)
