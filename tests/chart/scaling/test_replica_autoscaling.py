"""An autoscaler of Triton's replicas: it alone says how many there are, and it may read what it needs."""

import pytest

from ci.stack.kubernetes import Cluster
from tests.harness.chart import helm
from tests.harness.chart.helm import CHART, Json, of_kind, render
from tests.harness.kubectl import Kubectl

CPU = CHART / "ci" / "cpu-values.yaml"
KEDA = "networkPolicy.scalingClients[0].namespaceSelector.matchLabels.name=keda"
ON = ("triton.autoscaling.enabled=true", KEDA)
FIELD_NAMES = ("images", "replicaFloor")


@pytest.mark.parametrize(
    ("settings", "replicas", "autoscalers"),
    [
        pytest.param((), 2, [], id="off"),
        pytest.param(ON, None, ["ScaledObject"], id="keda"),
        pytest.param((*ON, "triton.autoscaling.kind=ExternalMetrics"), None, ["HorizontalPodAutoscaler"], id="hpa"),
        pytest.param((*ON, "triton.autoscaling.kind=Other"), None, [], id="ones-own"),
        pytest.param(
            ("triton.autoscaling.enabled=true", "networkPolicy.enabled=false"), None, ["ScaledObject"], id="no-policies"
        ),
    ],
)
def test_one_part_says_how_many_replicas_there_are(
    settings: tuple[str, ...], replicas: int | None, autoscalers: list[str]
) -> None:
    objects = render(CPU, settings=settings)
    stateful_set = of_kind(objects, "StatefulSet")["medinfer-triton"]
    assert stateful_set["spec"].get("replicas") == replicas
    found = [one for one in objects if one.get("spec", {}).get("scaleTargetRef", {}).get("kind") == "StatefulSet"]
    assert [one["kind"] for one in found] == autoscalers
    assert [one["spec"]["scaleTargetRef"]["name"] for one in found] == ["medinfer-triton"] * len(autoscalers)


def triggers() -> list[Json]:
    spec = of_kind(render(CPU, settings=ON, namespace="hospital"), "ScaledObject")["medinfer-triton"]["spec"]
    found: list[Json] = spec["triggers"]
    return found


def test_keda_reads_every_api_pod() -> None:
    """By the addresses behind the Service: the URL names Service and namespace, and the port of the pods."""
    for trigger, field, aggregation in zip(triggers(), FIELD_NAMES, ("sum", "max"), strict=True):
        told = trigger["metadata"]
        assert trigger["metricType"] == "AverageValue"
        assert told["url"] == "http://medinfer-api-inner.hospital.svc:8003/scaling"
        assert (told["valueLocation"], told["aggregationType"]) == (field, aggregation)
        assert told["aggregateFromKubeServiceEndpoints"] == "true"


def test_one_replica_for_each_of_the_floor() -> None:
    assert [one["metadata"]["targetValue"] for one in triggers()] == ["8", "1"]


@pytest.mark.parametrize("settings", [(), (KEDA,)], ids=["nobody", "keda"])
def test_who_may_read_it(settings: tuple[str, ...]) -> None:
    rules = of_kind(render(CPU, settings=settings), "NetworkPolicy")["medinfer-api"]["spec"]["ingress"]
    peer = {"namespaceSelector": {"matchLabels": {"name": "keda"}}}
    opened = [rule["ports"] for rule in rules if peer in rule.get("from", ())]
    assert opened == [[{"protocol": "TCP", "port": 8003}]] * len(settings)


# As docs/scaling.md has it.
KEEP = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: medinfer-triton}, spec: {replicas: 2}}"


ON_THE_SERVER = ("--server-side=true", "--force-conflicts")


@pytest.mark.parametrize(
    ("installer", "upgrader", "is_kept", "replicas"),
    [
        pytest.param("helm", ["helm"], True, 2, id="kept"),
        pytest.param("helm", ["helm"], False, 1, id="not-kept"),
        pytest.param("helm3", ["helm3"], True, 1, id="helm-3-knows-no-owners"),
        pytest.param("helm3", ["helm", *ON_THE_SERVER], True, 2, id="kept-from-helm-3-on"),
    ],
)
def test_switching_it_on_removes_no_replica_that_somebody_keeps(
    installer: str, upgrader: list[str], is_kept: bool, replicas: int, cluster: Cluster, namespace: str
) -> None:
    """With helm and the API server; no autoscaler is there to put it right."""
    kubeconfig = cluster.kubeconfig("admin", namespace)
    where = ("--namespace", namespace, "--kubeconfig", str(kubeconfig), "--values", str(CPU))
    helm.run("install", "medinfer", str(CHART), *where, program=installer)
    if is_kept:
        options = ("--server-side", "--field-manager=autoscaling", "--force-conflicts")
        Kubectl(kubeconfig).run("-n", namespace, "apply", *options, "-f", "-", document=KEEP)
    program, *flags = upgrader
    helm.run("upgrade", "medinfer", str(CHART), *where, *helm.options((), ON), *flags, program=program)
    stateful_set = cluster.client.get(f"/apis/apps/v1/namespaces/{namespace}/statefulsets/medinfer-triton")
    assert stateful_set["spec"]["replicas"] == replicas
