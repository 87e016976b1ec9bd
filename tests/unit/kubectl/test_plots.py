"""The pictures of a report. What they look like is for people; that they are there is tested."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kubectl_modelrollout.errors import Problem
from kubectl_modelrollout.plots.draw import draw_plots

from tests.unit.kubectl.rollouts import evidence, healthy, mid_canary, permuted, wrong
from tests.unit.rollout.healthy_cluster import cluster
from tests.unit.rollout.simulated_cluster import Cluster

PNG = b"\x89PNG"


@pytest.mark.parametrize(
    ("made", "names"),
    [
        pytest.param(healthy, ["traffic", "requests", "disagreement", "warmup"], id="promoted"),
        pytest.param(mid_canary, ["traffic", "requests", "disagreement", "warmup"], id="mid-canary"),
        pytest.param(permuted, ["traffic", "disagreement", "warmup"], id="no-request-of-a-patient"),
        pytest.param(cluster, ["warmup"], id="first-install"),
        pytest.param(wrong, [], id="nothing"),
    ],
)
def test_pictures_are_drawn_of_what_there_is(made: Callable[[], Cluster], names: list[str], tmp_path: Path) -> None:
    assert draw_plots(evidence(made()), tmp_path) == tuple(f"{name}.png" for name in names)
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(names)
    assert all(path.read_bytes().startswith(PNG) for path in tmp_path.iterdir())


def test_without_matplotlib_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(Problem, match=r"install rollout-operator\[report\]"):
        draw_plots(evidence(healthy()), tmp_path)
