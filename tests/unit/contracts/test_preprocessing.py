"""Golden inputs are made by modelctl, requests by the API: both must compute the same tensor, to the last bit."""

import io
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from inference_api.imaging import images as api_images
from inference_api.imaging import preprocessing as api_preprocessing
from inference_api.imaging import tensors
from inference_api.imaging.tensors import Shape
from modelctl import recording
from modelctl.bundle import images, manifest
from modelctl.bundle.manifest import Preprocessing
from numpy.typing import NDArray
from PIL import Image

MAX_PIXELS = 10_000_000
SCALES = {"a-255th": 1 / 255, "one": 1.0, "a-127th": 1 / 127.5, "rounded": 0.00392, "tiny": 3e-9, "huge": 7e8}
STATISTICS = {
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "halves": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "caffe": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "one-mean": ((0.1, 0.1, 0.1), (0.2, 0.3, 0.4)),
    "negative": ((-3.0, 0.0, 1e9), (1e-9, 1e9, 1.0)),
}
SHAPES = ((224, 224), (300, 511), (37, 61), (1, 1000))
FORMATS = {"png": "PNG", "jpg": "JPEG", "bmp": "BMP", "webp": "WebP", "tif": "TIFF"}


@cache
def noise(*shape: int) -> NDArray[np.uint8]:
    """Every value of a byte, in no order."""
    values = np.arange(np.prod(shape)) % 256
    return np.random.default_rng(7).permutation(values).reshape(shape).astype(np.uint8)


@cache
def file_of_noise(*shape: int, kind: str = "PNG") -> bytes:
    written = io.BytesIO()
    Image.fromarray(noise(*shape)).save(written, kind)
    return written.getvalue()


def asked(file: bytes, preprocessing: Preprocessing, shape: Shape = tensors.FIRST_SHAPE) -> NDArray[np.float32]:
    """What POST /predict sends to Triton for this file, float32 of `shape`."""
    wanted = api_preprocessing.parse(manifest.preprocessing_to_json(preprocessing), "preprocessing", shape[0])
    out = np.full(shape, np.nan, np.float32)
    tensors.fill(out, api_images.pixels(api_images.decode(file, MAX_PIXELS), wanted, shape), wanted)
    return out


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("resample", manifest.RESAMPLE_FILTERS)
def test_both_make_the_same_tensor(resample: str, scale: str, statistics: str) -> None:
    preprocessing = Preprocessing(resample, SCALES[scale], *STATISTICS[statistics], None)
    for shape, channels in product(SHAPES, ((), (3,))):
        recorded = images.tensor(noise(*shape, *channels), preprocessing)
        sent = asked(file_of_noise(*shape, *channels), preprocessing)
        assert recorded.dtype == sent.dtype and recorded.shape == sent.shape
        assert recorded.tobytes() == sent.tobytes(), f"{shape} {channels}"


@pytest.mark.parametrize("shape", [(1, 320, 320), (1, 40, 64), (3, 64, 1024), (3, 7, 5)], ids=str)
@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "colour"])
def test_both_make_the_same_tensor_of_any_shape(shape: Shape, channels: tuple[int, ...]) -> None:
    preprocessing = Preprocessing("bilinear", 1 / 255, (0.4, 0.5, 0.6)[: shape[0]], (0.2, 0.3, 0.4)[: shape[0]], None)
    for size in SHAPES:
        recorded = images.tensor(noise(*size, *channels), preprocessing, shape)
        sent = asked(file_of_noise(*size, *channels), preprocessing, shape)
        assert recorded.shape == sent.shape == shape
        assert recorded.tobytes() == sent.tobytes()


@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "colour"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_golden_file_is_read_as_an_upload_is(tmp_path: Path, suffix: str, channels: tuple[int, ...]) -> None:
    preprocessing = Preprocessing("bicubic", 1 / 255, *STATISTICS["imagenet"], None)
    file = file_of_noise(300, 200, *channels, kind=FORMATS[suffix])
    (tmp_path / f"golden.{suffix}").write_bytes(file)
    (recorded,) = recording.read_images(tmp_path, preprocessing)
    assert recorded.tobytes() == asked(file, preprocessing).tobytes()


def test_both_know_the_same_filters() -> None:
    assert manifest.RESAMPLE_FILTERS == api_preprocessing.RESAMPLE_FILTERS
