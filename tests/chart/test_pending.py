"""Pods that the real scheduler cannot place: helm's notes explain its event and name the fix."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci.stack.kubernetes import Cluster
from ci.stack.waiting import wait_until
from tests.chart.test_bound import CPU, DEFAULTS, FIXED, NO_VOLUMES, PRODUCTS, cpu
from tests.harness.chart import notes
from tests.harness.chart.helm import render
from tests.harness.chart.nodes import GPU, Node, Nodes, gpu
from tests.harness.chart.placing import Placing
from tests.harness.kubectl import Kubectl

TWO_REPLICAS = (NO_VOLUMES, "triton.replicaCount=2", FIXED)
AFFINITY = "node(s) didn't match Pod's node affinity"


@dataclass(frozen=True)
class Situation:
    """`event`: the scheduler's message about `pod`; `advice`: what the notes and the commands in them say about it.

    `fix`: the settings or values files that fix it: with them all pods are bound.
    """

    nodes: tuple[Node, ...]
    event: str
    advice: tuple[str, ...]
    fix: tuple[str | Path, ...]
    values: Path = DEFAULTS
    settings: tuple[str, ...] = ()
    pod: str = "medinfer-triton-0"


SITUATIONS = {
    "no GPU": Situation((cpu,), f"1 Insufficient {GPU}", ("-f values-cpu.yaml", "<none>"), (CPU,)),
    "no GPU, and a product is asked for": Situation(
        (cpu,), f"1 {AFFINITY}", ("-f values-cpu.yaml",), (CPU,), PRODUCTS, TWO_REPLICAS
    ),
    "fewer GPUs than replicas": Situation(
        (gpu("gpu"), cpu),
        f"2 Insufficient {GPU}",
        ("triton.replicaCount",),
        ("triton.replicaCount=1",),
        pod="medinfer-triton-1",
    ),
    "slices are asked for, and the card is whole": Situation(
        (gpu("gpu", count=2), cpu),
        "2 Insufficient nvidia.com/mig-1g.10gb",
        ("device plugin", "triton.gpu.resourceName"),
        (f"triton.gpu.resourceName={GPU}",),
        settings=("triton.gpu.resourceName=nvidia.com/mig-1g.10gb",),
    ),
    "another product": Situation(
        (gpu("t4", "Tesla-T4", count=2), cpu),
        f"2 {AFFINITY}",
        ("triton.gpu.products", "Tesla-T4"),
        ("triton.gpu.products={Tesla-T4}",),
        PRODUCTS,
        TWO_REPLICAS,
    ),
    "a GPU without GPU feature discovery": Situation(
        (gpu("gpu", product="", count=2), cpu),
        f"2 {AFFINITY}",
        ("GPU feature discovery", "triton.gpu.products"),
        ("triton.gpu.products=null",),
        PRODUCTS,
        TWO_REPLICAS,
    ),
    "a taint of one's own": Situation(
        (gpu("gpu", count=2, taint="sku=gpu"), cpu),
        "1 node(s) had untolerated taint",
        ("triton.tolerations", "sku"),
        ("triton.tolerations[0].key=sku", "triton.tolerations[0].operator=Exists"),
    ),
    "nodes with GPUs only": Situation(
        (gpu("gpu", count=2),),
        "1 node(s) had untolerated taint",
        ("api.tolerations", "operator.tolerations", GPU),
        ("api.tolerations[0].operator=Exists", "operator.tolerations[0].operator=Exists"),
        pod="medinfer-api-0",
    ),
    "nodes with GPUs only, and something to try": Situation(
        (gpu("gpu", count=2),),
        "1 node(s) had untolerated taint",
        ("bundles.tolerations", GPU),
        ("bundles.tolerations[0].operator=Exists",),
        settings=("bundles.enabled=true", *(f"{part}.tolerations[0].operator=Exists" for part in ("api", "operator"))),
        pod="medinfer-bundles-0",
    ),
    "a label that no node has, asked for by what serves bundles": Situation(
        (cpu,),
        f"1 {AFFINITY}/selector",
        ("bundles.nodeSelector", "kubernetes.io/arch=amd64"),
        (r"bundles.nodeSelector.kubernetes\.io/arch=amd64",),
        CPU,
        ("bundles.enabled=true", r"bundles.nodeSelector.kubernetes\.io/arch=arm64"),
        pod="medinfer-bundles-0",
    ),
    "a label that no node has": Situation(
        (cpu,),
        f"1 {AFFINITY}/selector",
        ("triton.nodeSelector", "kubernetes.io/arch=amd64"),
        (r"triton.nodeSelector.kubernetes\.io/arch=amd64",),
        CPU,
        (r"triton.nodeSelector.kubernetes\.io/arch=arm64",),
    ),
    "a node with a GPU and little memory": Situation(
        (gpu("gpu", count=2, memory="4Gi"), cpu),
        "1 Insufficient memory",
        ("triton.resources.requests", "Allocatable"),
        ("triton.resources.requests.memory=1Gi",),
    ),
    "no such class of volumes": Situation(
        (gpu("gpu", count=3), cpu),
        "unbound immediate",
        ("triton.cache.storageClassName", "by-hand", "triton.cache.persistent: false"),
        ("triton.cache.persistent=false",),
        PRODUCTS,
        (FIXED,),
    ),
    "a class whose volumes somebody must make": Situation(
        (gpu("gpu", count=3), cpu),
        "didn't find available persistent volumes",
        ("triton.cache.storageClassName", "kubernetes.io/no-provisioner"),
        ("triton.cache.persistent=false",),
        PRODUCTS,
        ("triton.cache.storageClassName=by-hand", FIXED),
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_notes_say_how_to_fix_it(
    name: str, cluster: Cluster, nodes: Nodes, namespace: str, placing: Placing
) -> None:
    situation, kubectl = SITUATIONS[name], Kubectl(cluster.kubeconfig("admin", "default"))
    nodes.add(situation.nodes)
    placing.create(render(situation.values, settings=situation.settings))
    (event,) = wait_until(
        lambda: [one for one in placing.failures(situation.pod) if situation.event in one][:1],
        f"the scheduler says {situation.event!r} of {situation.pod}",
    )
    advice = notes.render(situation.values, settings=situation.settings, namespace=namespace)
    assert event in ask(kubectl, notes.find_events(advice))
    text = notes.explain(advice, event)
    read = text + "".join(ask(kubectl, command) for command in notes.commands(text))
    assert [words for words in situation.advice if words not in read] == []
    assert placing.node(situation.pod) == ""
    placing.delete()
    files = [one for one in situation.fix if isinstance(one, Path)]
    settings = [one for one in situation.fix if isinstance(one, str)]
    placing.create(render(situation.values, *files, settings=[*situation.settings, *settings]))
    placing.wait_until_bound()


def ask(kubectl: Kubectl, command: str) -> str:
    return kubectl.run(*shlex.split(command)[1:])
