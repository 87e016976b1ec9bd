"""Of 2,000 bundles with a mutated file, true hashes and all, only those reach Triton that hold what is allowed."""

import pytest

from tests.harness.hostile.mutated_bundles import walk
from tests.unit.modelctl.classifiers import small_bundle


@pytest.mark.no_cover
def test_of_2000_mutated_bundles_only_harmless_ones_are_taken() -> None:
    seen = walk(small_bundle(), zips=700, graphs=950, seed=1)
    assert sum(seen.values()) >= 2000
    assert seen["config.pbtxt refused"] > 300
    # These show that the others are not refused for something else.
    assert seen["config.pbtxt taken"] and seen["golden.npz taken"] and seen["model.onnx taken"] > 300
    assert seen["golden.npz refused"] > 300 and seen["model.onnx refused"] > 300
