"""DICOM files of one ramp, and what a version sees of them."""

from typing import Any

import numpy as np
import pytest
from inference_api.imaging import images
from inference_api.imaging.intensity import Intensity, Percentile, Voi, Window
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.problems import Problem
from numpy.typing import NDArray

RAMP = np.linspace(0, 4000, 224 * 224).astype(np.int16).reshape(224, 224)
VOI, OWN_WINDOW, PERCENTILE = Voi(), Window(2000, 4000), Percentile(0, 100)
ALL = (VOI, OWN_WINDOW, PERCENTILE)


def seen(data: bytes, intensity: Intensity | None) -> NDArray[np.uint8]:
    preprocessing = Preprocessing("nearest", 1 / 255, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), intensity)
    return images.pixels(images.decode(data, 1_000_000), preprocessing)


def linear(samples: NDArray[Any], black: float, white: float) -> NDArray[np.float64]:
    return np.rint(np.clip((samples.astype(float) - black) / (white - black), 0, 1) * 255)


def refusal(data: bytes, intensity: Intensity) -> str:
    with pytest.raises(Problem) as refused:
        seen(data, intensity)
    assert refused.value.status == 415
    return refused.value.detail


IN_RANGE = linear(RAMP, 0, 4000)
SMALL = (RAMP // 64).astype(np.uint8)
