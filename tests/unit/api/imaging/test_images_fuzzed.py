"""Whatever hypothesis makes of a file, it is read, or refused with a 413 or 415; nothing else comes out."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from inference_api.imaging import images
from inference_api.imaging.dicom.reader import study_uid
from inference_api.imaging.intensity import Intensity, Percentile, Voi, Window
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.problems import Problem

from tests.harness.hostile.files import read_files, refused_files

MAX_PIXELS = 100_000
FILES = sorted(data for data in {**read_files(), **refused_files()}.values() if len(data) < 100_000)
INTENSITIES = [None, Window(100.0, 50.0), Percentile(1.0, 99.0), Voi()]

EDIT = st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=8))


def edited(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """Each edit: at a fraction of the file, remove some bytes, put others there."""
    for fraction, removed, added in edits:
        at = int(fraction * len(data))
        data = data[:at] + added + data[at + removed :]
    return data


FUZZED = st.builds(edited, st.sampled_from(FILES), st.lists(EDIT, max_size=4))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow tells of damage; a worker ignores it as well
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.one_of(FUZZED, st.binary(max_size=300)), intensity=st.sampled_from(INTENSITIES))
@example(data=b"", intensity=None)
def test_read_or_refused(data: bytes, intensity: Intensity | None) -> None:
    preprocessing = Preprocessing("bicubic", 1 / 255, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), intensity)
    study = study_uid(data)
    assert study is None or isinstance(study, str)
    try:
        found = images.pixels(images.decode(data, MAX_PIXELS), preprocessing)
    except Problem as problem:
        assert problem.status in (413, 415)
        return
    assert found.dtype == np.uint8 and found.shape in ((224, 224), (224, 224, 3))
