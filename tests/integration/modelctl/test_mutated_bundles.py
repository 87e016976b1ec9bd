"""The long walk of tests/unit/modelctl/test_mutated_bundles.py."""

import pytest

from tests.harness.hostile.mutated_bundles import walk
from tests.unit.modelctl.classifiers import small_bundle

pytestmark = pytest.mark.integration


def test_of_5000_mutated_bundles_only_harmless_ones_are_taken() -> None:
    seen = walk(small_bundle(), zips=1_600, graphs=3_200, seed=2)
    assert sum(seen.values()) >= 5_000
    assert seen["model.onnx taken"] > 1_000 and seen["model.onnx refused"] > 1_000
