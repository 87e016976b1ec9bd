"""WebP is decoded without the GIL: nothing that grows with the picture is done by Python."""

import io
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from inference_api.imaging import images
from PIL import Image

SIDE = 512
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "lossy": ("RGB", {"quality": 90}),
    "lossless": ("RGB", {"lossless": True}),
    "lossy-alpha": ("RGBA", {"quality": 90}),
    "lossless-alpha": ("RGBA", {"lossless": True}),
    "animated": ("RGBA", {"save_all": True, "lossless": True}),
}
TRIES = 50
NEVER_SECONDS = 1e6


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


@pytest.fixture
def only_if_it_is_let() -> Iterator[None]:
    """Python takes the GIL from no thread: another one runs only if one lets it go."""
    interval_seconds = sys.getswitchinterval()
    sys.setswitchinterval(NEVER_SECONDS)
    yield
    sys.setswitchinterval(interval_seconds)


@pytest.mark.usefixtures("only_if_it_is_let")
def test_another_thread_goes_on_while_libwebp_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for the GIL from just before libwebp begins; tried again, as the CPUs may be taken."""
    file, real = encoded("lossless"), Image.frombuffer
    before_libwebp, went_on, seen = threading.Event(), threading.Event(), []

    def after_libwebp(*arguments: Any) -> Image.Image:
        seen.append(went_on.is_set())
        return real(*arguments)

    def other() -> None:
        before_libwebp.wait()
        went_on.set()

    monkeypatch.setattr(Image, "frombuffer", after_libwebp)
    for _ in range(TRIES):
        if any(seen):
            break
        before_libwebp.clear()
        went_on.clear()
        thread = threading.Thread(target=other)
        thread.start()
        images.decode(file, SIDE**2, lambda _: before_libwebp.set())
        thread.join()
    assert any(seen)
