"""Selectors match pods, named ports exist, and the NetworkPolicies allow exactly the intended connections."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.chart.helm import CHART, SHAPES, Json, containers, of_kind, pod_templates, render

shapes = pytest.mark.parametrize("shape", [pytest.param(path, id=path.stem) for path in SHAPES])
COMPONENT = "app.kubernetes.io/component"
# (who, whom, ports): the whole list of talk inside a release.
TALK = {
    ("api", "triton", (8000, 8080)),
    ("operator", "api", (8003,)),
    ("test", "api", (8002,)),
    ("operator", "triton", (8080,)),
    ("triton", "triton", (8080,)),
    ("triton", "bundles", (8080,)),
}


@shapes
def test_every_service_selects_one_part_and_its_ports(shape: Path) -> None:
    objects = render(shape)
    for name, service in of_kind(objects, "Service").items():
        (template,) = selected(objects, service["spec"]["selector"])
        ports = {port["name"]: port["containerPort"] for one in containers(template) for port in one.get("ports", ())}
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in {*ports, *ports.values()}, name


@shapes
def test_selectors_of_workloads_and_budgets_are_of_their_own_pods(shape: Path) -> None:
    objects = render(shape)
    for kind in ("Deployment", "StatefulSet", "PodDisruptionBudget", "NetworkPolicy"):
        for name, one in of_kind(objects, kind).items():
            selector = one["spec"].get("selector") or one["spec"]["podSelector"]
            found = {
                template["metadata"]["labels"][COMPONENT] for template in selected(objects, selector["matchLabels"])
            }
            assert found == {one["metadata"]["labels"][COMPONENT]}, name


@shapes
@pytest.mark.parametrize(("kind", "name"), [("Deployment", "medinfer-api"), ("StatefulSet", "medinfer-triton")])
def test_the_autoscaler_owns_the_number_of_pods(shape: Path, kind: str, name: str) -> None:
    objects = render(shape)
    scalers = of_kind(objects, "HorizontalPodAutoscaler") | of_kind(objects, "ScaledObject")
    targets = [one["spec"]["scaleTargetRef"] for one in scalers.values()]
    own = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    assert ("replicas" in of_kind(objects, kind)[name]["spec"]) is (own not in targets)


def test_policies_let_talk_who_must_and_nobody_else() -> None:
    policies = of_kind(render(CHART / "ci" / "cpu-values.yaml"), "NetworkPolicy").values()
    sending = {talk for policy in policies for talk in talks(policy, "egress", "to")}
    receiving = {(who, whom, ports) for policy in policies for whom, who, ports in talks(policy, "ingress", "from")}
    assert sending == TALK
    assert receiving == TALK - {("test", "api", (8002,))}  # the public port takes anybody's requests


def test_clients_that_are_named_are_the_only_ones() -> None:
    policies = of_kind(render(CHART / "ci" / "everything-values.yaml"), "NetworkPolicy")
    public, operator, metrics, scaling = policies["medinfer-api"]["spec"]["ingress"]
    components = [peer.get("podSelector", {}).get("matchLabels", {}).get(COMPONENT) for peer in public["from"]]
    assert components == ["test", None, None]
    ports = [[port["port"] for port in rule["ports"]] for rule in (public, operator, metrics, scaling)]
    assert ports == [[8002, 15008], *[[8003, 15008]] * 3]  # and the port of the mesh
    assert metrics["from"] == policies["medinfer-rollout-operator"]["spec"]["ingress"][0]["from"]


def test_monitors_scrape_each_port_with_metrics_once() -> None:
    objects = render(CHART / "ci" / "everything-values.yaml")
    scraped = [
        (monitor["metadata"]["labels"][COMPONENT], endpoint["port"])
        for monitor in of_kind(objects, "ServiceMonitor").values()
        for service in of_kind(objects, "Service").values()
        if monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        for endpoint in monitor["spec"]["endpoints"]
        if endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    ]
    assert sorted(scraped) == [("api", "inner"), ("operator", "http"), ("triton", "agent"), ("triton", "metrics")]


def selected(objects: list[Json], labels: dict[str, str]) -> list[Json]:
    """Return the pod templates."""
    return [one for one in pod_templates(objects).values() if labels.items() <= one["metadata"]["labels"].items()]


def talks(policy: Json, direction: str, peers: str) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Return (owner, peer, ports) of every rule whose peer is a pod of the release."""
    owner = policy["spec"]["podSelector"]["matchLabels"][COMPONENT]
    for rule in policy["spec"].get(direction, ()):
        ports = tuple(port["port"] for port in rule["ports"])
        for peer in rule.get(peers, ()):
            if "podSelector" in peer and "namespaceSelector" not in peer:
                yield owner, peer["podSelector"]["matchLabels"][COMPONENT], ports
