"""Where the real scheduler places the chart's pods, on nodes with and without GPUs."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.harness.chart.helm import CHART, render
from tests.harness.chart.nodes import Node, Nodes, gpu
from tests.harness.chart.placing import Placing

DEFAULTS, CPU = CHART / "values.yaml", CHART / "values-cpu.yaml"
PRODUCTS, EVERYTHING = CHART / "ci" / "gpu-values.yaml", CHART / "ci" / "everything-values.yaml"
FIXED = "triton.autoscaling.enabled=false"
NO_VOLUMES = "triton.cache.persistent=false"  # nobody makes them here
cpu = Node("cpu")


def large(node: Node) -> Node:
    return replace(node, cpu="64", memory="512Gi")


@dataclass(frozen=True)
class Situation:
    """`where`: the nodes of each part's pods, in order of pod name; pods of other parts may be on any node."""

    nodes: tuple[Node, ...]
    where: dict[str, str]
    values: Path = DEFAULTS
    settings: tuple[str, ...] = ()


SITUATIONS = {
    "tainted GPU nodes are for those that need a GPU": Situation(
        (gpu("gpu-0"), gpu("gpu-1"), cpu), {"triton": "gpu-0 gpu-1", "api": "cpu cpu", "operator": "cpu"}
    ),
    "no taint, no label, no other node": Situation(
        (gpu("gpu", product="", count=2, taint=""),), {"triton": "gpu gpu", "api": "gpu gpu", "operator": "gpu"}
    ),
    "several products are allowed": Situation(
        (gpu("t4", "Tesla-T4", count=3), gpu("l4"), gpu("l40s", "NVIDIA-L40S"), cpu),
        {"triton": "l4 l40s"},
        PRODUCTS,
        (NO_VOLUMES, "triton.replicaCount=2", FIXED),
    ),
    "slices of a card, and every other value": Situation(
        (large(Node("mig", {"nvidia.com/mig-1g.10gb": 8}, "NVIDIA-A100-SXM4-80GB", "team=imaging")), cpu),
        {"triton": "mig mig mig mig", "api": "cpu cpu cpu", "operator": "cpu cpu", "bundles": "cpu"},
        EVERYTHING,
        (NO_VOLUMES, FIXED),
    ),
    # The large ones have so much more room that the scheduler would fill them first.
    "one replica on each node": Situation(
        (large(gpu("large", count=8)), gpu("small", count=8), large(Node("cpu-large")), Node("cpu-small")),
        {"triton": "large small", "api": "cpu-large cpu-small"},
    ),
    "one replica in each zone": Situation(
        (
            *(large(gpu("a", count=8, zone="a")) for _ in range(2)),
            gpu("b", count=8, zone="b"),
            *(large(Node("cpu-a", zone="a")) for _ in range(2)),
            Node("cpu-b", zone="b"),
        ),
        {"triton": "a b", "api": "cpu-a cpu-b"},
    ),
    "no GPU, and the values for that": Situation(
        (cpu,), {"triton": "cpu cpu", "api": "cpu cpu", "operator": "cpu"}, CPU
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_bound(name: str, nodes: Nodes, placing: Placing) -> None:
    situation = SITUATIONS[name]
    nodes.add(situation.nodes)
    placing.create(render(situation.values, settings=situation.settings))
    bound = placing.wait_until_bound()
    where = {part: " ".join(sorted(map(nodes.plain, found))) for part, found in bound.items()}
    assert where == where | situation.where
