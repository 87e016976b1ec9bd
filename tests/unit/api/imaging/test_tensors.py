import numpy as np
import pytest
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.imaging.tensors import FIRST_SHAPE, Shape, fill
from numpy.typing import NDArray

RNG = np.random.default_rng(5)
GREY = RNG.integers(0, 256, (224, 224), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (224, 224, 3), dtype=np.uint8)
UNIT = Preprocessing("bicubic", 0.00392156862745098, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), None)
IMAGENET = Preprocessing("bilinear", 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), None)
SHARED = Preprocessing("bilinear", 1.0, (128.0, 128.0, 128.0), (64.0, 64.0, 64.0), None)


def filled(pixels: NDArray[np.uint8], preprocessing: Preprocessing, shape: Shape = FIRST_SHAPE) -> NDArray[np.float32]:
    out = np.full(shape, np.nan, np.float32)
    fill(out, pixels, preprocessing)
    return out


def spread(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(pixels[:, :, np.newaxis], 3, axis=2) if pixels.ndim == 2 else pixels


@pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])
def test_unit_scale_is_bit_identical_to_dividing_by_255(pixels: NDArray[np.uint8]) -> None:
    """The starting system's arithmetic; GREY and COLOUR hold all 256 values."""
    expected = np.asarray(spread(pixels), dtype=np.float32) / 255.0
    np.testing.assert_array_equal(filled(pixels, UNIT), expected.transpose(2, 0, 1))


@pytest.mark.parametrize("preprocessing", [UNIT, IMAGENET, SHARED], ids=["unit", "imagenet", "shared"])
@pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])
def test_tensor_is_scale_mean_std(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> None:
    exact = (spread(pixels) * preprocessing.scale - preprocessing.mean) / preprocessing.std
    np.testing.assert_allclose(filled(pixels, preprocessing), exact.transpose(2, 0, 1), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("preprocessing", [UNIT, IMAGENET, SHARED], ids=["unit", "imagenet", "shared"])
def test_grey_is_the_same_tensor_as_its_three_equal_channels(preprocessing: Preprocessing) -> None:
    np.testing.assert_array_equal(filled(GREY, preprocessing), filled(spread(GREY), preprocessing))


def test_one_channel_is_what_each_of_three_equal_ones_is() -> None:
    one = Preprocessing("bilinear", 1 / 255, (0.485,), (0.229,), None)
    np.testing.assert_array_equal(filled(GREY, one, (1, 224, 224)), filled(GREY, IMAGENET)[:1])


def test_the_buffer_may_be_one_of_a_batch() -> None:
    batch = np.zeros((2, *FIRST_SHAPE), np.float32)
    fill(batch[1], GREY, UNIT)
    assert not batch[0].any()
    np.testing.assert_array_equal(batch[1], filled(GREY, UNIT))
