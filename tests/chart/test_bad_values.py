"""helm refuses bad values before anything reaches a cluster."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.chart.helm import HelmFailed, render_text

BAD = yaml.safe_load((Path(__file__).parent / "bad_values.yaml").read_text())


@pytest.mark.parametrize("bad", [pytest.param(bad, id=bad["id"]) for bad in BAD])
def test_refused_with_the_fix(bad: dict[str, Any]) -> None:
    with pytest.raises(HelmFailed) as refused:
        render_text(settings=bad["set"])
    assert bad["message"] in str(refused.value)


def test_a_release_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(HelmFailed, match=r"release name a{40} is too long: a{40}-medinfer may have 40 characters"):
        render_text(release="a" * 40)


def test_the_longest_names_fit() -> None:
    """Kubernetes allows 63 characters for the name of a Service and for a StatefulSet's revision label on its pods."""
    longest = "a" * 31
    assert f"name: {longest}-medinfer-rollout-operator" in render_text(release=longest)
    assert len(f"{longest}-medinfer-rollout-operator") <= 63
    assert len(f"{longest}-medinfer-triton-0123456789") <= 63
