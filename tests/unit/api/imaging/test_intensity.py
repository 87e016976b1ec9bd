"""Greys worked out by hand from DICOM PS3.3 C.11.2.1 and from the definitions of window and percentile."""

import numpy as np
import pytest
from inference_api.imaging.high_pixels import HighPixels, VoiFunction, VoiTable, VoiWindow
from inference_api.imaging.intensity import Intensity, Percentile, Voi, Window, to_grey8
from numpy.typing import NDArray

NAN, INF = float("nan"), float("inf")


def table(*grey: int) -> NDArray[np.uint8]:
    return np.array(grey, np.uint8)


@pytest.mark.parametrize(
    ("samples", "voi", "intensity", "expected"),
    [
        pytest.param([0, 50, 100, 150, 200], None, Window(100, 100), [0, 0, 128, 255, 255], id="window"),
        pytest.param([0, 200], VoiWindow(1, 1), Window(100, 400), [64, 191], id="window-beats-the-files-own"),
        pytest.param([0.0, 0.25, 1.0], None, Window(0.5, 1.0), [0, 64, 255], id="window-on-unit-floats"),
        pytest.param([0, 10, 20, 1000], None, Percentile(0, 100), [0, 3, 5, 255], id="percentile-min-to-max"),
        pytest.param(list(range(101)), None, Percentile(10, 90), [*[0] * 11], id="percentile-cuts-both-ends"),
        pytest.param([0, 100], VoiWindow(1, 1), Percentile(0, 100), [0, 255], id="percentile-beats-the-files-own"),
        pytest.param([0, 50, 100], None, Voi(), [0, 128, 255], id="voi-without-one-is-min-to-max"),
        # C.11.2.1.2.1: y = ((x - (c - 0.5)) / (w - 1) + 0.5) * 255, so c=50.5 w=101 maps 0..100 onto 0..255
        pytest.param([-5, 0, 50, 100, 105], VoiWindow(50.5, 101), Voi(), [0, 0, 128, 255, 255], id="linear"),
        pytest.param([9, 10, 11], VoiWindow(10.5, 1), Voi(), [0, 0, 255], id="linear-of-width-1-is-a-threshold"),
        pytest.param(
            [0, 50, 100], VoiWindow(50, 100, VoiFunction.LINEAR_EXACT), Voi(), [0, 128, 255], id="linear-exact"
        ),
        # C.11.2.1.3.1: y = 255 / (1 + exp(-4 (x - c) / w)); one width above the center: 255 / (1 + e^-4) = 250.4
        pytest.param(
            [-1e9, 0, 50, 100, 1e9], VoiWindow(50, 50, VoiFunction.SIGMOID), Voi(), [0, 5, 128, 250, 255], id="sigmoid"
        ),
        pytest.param([-9, 0, 1, 2, 9], VoiTable(0, table(7, 8, 9)), Voi(), [7, 7, 8, 9, 9], id="table-ends-extend"),
        pytest.param([NAN, 0, 1, 2, INF], VoiTable(0, table(7, 8, 9)), Voi(), [7, 7, 8, 9, 9], id="table-nan"),
        pytest.param([NAN, -INF, 0.0, 1.0, INF], None, Voi(), [0, 0, 0, 255, 255], id="nan-and-infinities"),
        pytest.param([NAN, NAN], None, Voi(), [0, 0], id="nothing-but-nan"),
        pytest.param([INF, -INF], None, Percentile(1, 99), [255, 0], id="nothing-but-infinities"),
        pytest.param([5, 5, 5], None, Percentile(0, 100), [0, 0, 0], id="one-value-everywhere"),
        pytest.param([1e300, -1e300], None, Voi(), [255, 0], id="huge-range"),
        pytest.param([NAN, 1.0], None, Window(0, NAN), [0, 0], id="window-of-nothing"),
    ],
)
def test_grey(
    samples: list[float], voi: VoiWindow | VoiTable | None, intensity: Intensity, expected: list[int]
) -> None:
    found = to_grey8(HighPixels(np.array([samples]), voi), intensity)
    assert found.dtype == np.uint8
    assert found[0, : len(expected)].tolist() == expected


@pytest.mark.parametrize("rescale", [None, (1.5, -1000.0), (-2.25, 7.0)], ids=str)
@pytest.mark.parametrize("dtype", ["u1", "i2", ">u2", "f4"])
def test_an_image_of_several_bands_has_the_greys_and_percentiles_of_the_whole(
    dtype: str, rescale: tuple[float, float] | None
) -> None:
    samples = np.random.default_rng(3).normal(60, 20, (1100, 1000)).clip(0, 120).astype(dtype)
    image = HighPixels(samples, None, False, rescale)
    whole = image.rescaled(samples)
    for low, high in ((0.5, 99.5), (33.3, 66.6), (0, 100)):
        black, white = np.percentile(whole, (low, high))
        expected = to_grey8(HighPixels(whole), Window((black + white) / 2, white - black))
        np.testing.assert_array_equal(to_grey8(image, Percentile(low, high)), expected)
    np.testing.assert_array_equal(to_grey8(image, Voi()), to_grey8(image, Percentile(0, 100)))


@pytest.mark.parametrize("intensity", [Window(50, 100), Percentile(0, 100), Voi()], ids=["window", "percentile", "voi"])
def test_inverted_is_the_complement(intensity: Intensity) -> None:
    samples = np.array([[0, 30, 100]])
    upright = to_grey8(HighPixels(samples), intensity)
    np.testing.assert_array_equal(to_grey8(HighPixels(samples, inverted=True), intensity), 255 - upright)


@pytest.mark.parametrize("dtype", ["u1", "i2", ">u2", "i4", "f4", "f8"])
def test_any_dtype_gives_the_same_greys(dtype: type[np.generic]) -> None:
    samples = np.array([[0, 60, 120]]).astype(dtype)
    assert to_grey8(HighPixels(samples), Percentile(0, 100)).tolist() == [[0, 128, 255]]


def test_percentile_ends() -> None:
    """10 and 90 percent of 0..100 are 10 and 90: from there everything is black or white."""
    grey = to_grey8(HighPixels(np.arange(101)[np.newaxis]), Percentile(10, 90))[0]
    assert (grey[:11] == 0).all() and grey[12] > 0 and grey[88] < 255 and (grey[90:] == 255).all()
