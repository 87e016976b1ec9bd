"""What pods may reach outside their release: DNS, the API server and stores, and no more."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ci.stack.kubernetes import Cluster
from tests.harness.chart import helm, notes
from tests.harness.chart.helm import CHART, Json, containers, of_kind, pod_templates, render

CPU = CHART / "ci" / "cpu-values.yaml"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
EVERYWHERE = [
    {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]},
    {"cidr": "::/0", "except": ["fe80::/10", "fd00:ec2::254/128"]},
]
PARTS = ("medinfer-api", "medinfer-triton", "medinfer-rollout-operator")
UNKNOWN = "helm could not ask the cluster where its API server is"


def egress(objects: list[Json], name: str) -> list[Json]:
    rules: list[Json] = of_kind(objects, "NetworkPolicy")[name]["spec"]["egress"]
    return rules


def blocks(objects: list[Json], name: str, port: int) -> list[Json]:
    """The address ranges that the pods may reach on a port."""
    return [
        peer["ipBlock"]
        for rule in egress(objects, name)
        if port in {one["port"] for one in rule["ports"]}
        for peer in rule.get("to", ())
        if "ipBlock" in peer
    ]


@pytest.mark.parametrize(
    ("settings", "api", "operator"),
    [
        pytest.param([], EVERYWHERE, EVERYWHERE, id="helm-cannot-ask"),
        pytest.param(
            ["networkPolicy.apiServerCidr=10.0.0.1/32"],
            [{"cidr": "10.0.0.1/32"}],
            [{"cidr": "10.0.0.1/32"}],
            id="named",
        ),
        pytest.param(
            ["networkPolicy.apiServerCidr={10.0.0.1/32,fd00::1/128}"],
            [{"cidr": "10.0.0.1/32"}, {"cidr": "fd00::1/128"}],
            [{"cidr": "10.0.0.1/32"}, {"cidr": "fd00::1/128"}],
            id="several",
        ),
        pytest.param(["networkPolicy.apiServerCidr=::/0"], EVERYWHERE[1:], EVERYWHERE[1:], id="ipv6"),
        pytest.param(["api.watchRoutes=false"], [], EVERYWHERE, id="the-mounted-copy-only"),
    ],
)
def test_the_api_server(settings: list[str], api: list[Json], operator: list[Json]) -> None:
    objects = render(CPU, settings=settings)
    assert blocks(objects, "medinfer-api", 6443) == api
    assert blocks(objects, "medinfer-rollout-operator", 6443) == operator


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, EVERYWHERE, id="credentials-of-the-cloud-are-out-of-reach"),
        pytest.param({"egressExcept": []}, [{"cidr": "0.0.0.0/0"}, {"cidr": "::/0"}], id="unless-they-are-needed"),
        pytest.param({"egressCidr": "10.1.0.0/16"}, [{"cidr": "10.1.0.0/16"}], id="a-range-that-does-not-hold-them"),
        pytest.param({"egressCidr": "::/0", "egressExcept": []}, [{"cidr": "::/0"}], id="ipv6"),
        pytest.param(
            {"egressCidr": ["10.1.0.0/16", "fd00:1::/64"]},
            [{"cidr": "10.1.0.0/16"}, {"cidr": "fd00:1::/64"}],
            id="several",
        ),
        pytest.param(
            {"egressCidr": "::/0", "egressExcept": ["169.254.0.0/16", "fe80::/10"]},
            [{"cidr": "::/0", "except": ["fe80::/10"]}],
            id="those-of-its-family",
        ),
    ],
)
def test_stores(values: Json, expected: list[Json], tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump({"networkPolicy": values}))
    objects = render(CPU, file)
    for part in ("medinfer-triton", "medinfer-rollout-operator"):
        assert blocks(objects, part, 80) == expected
    assert blocks(objects, "medinfer-api", 80) == []


def test_issuers_of_tokens_are_never_link_local() -> None:
    settings = ["networkPolicy.issuerCidrs={0.0.0.0/0,10.2.0.0/24,::/0}", "api.watchRoutes=false"]
    ipv4, ipv6 = EVERYWHERE
    assert blocks(render(CPU, settings=settings), "medinfer-api", 443) == [ipv4, {"cidr": "10.2.0.0/24"}, ipv6]


def test_dns_is_asked_of_the_cluster() -> None:
    for part in (*PARTS, "medinfer-test"):
        rule = egress(render(CPU), part)[0]
        assert rule["ports"] == [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
        cluster_dns, cache = rule["to"]
        assert cluster_dns["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}
        assert cache == {"ipBlock": {"cidr": "169.254.20.10/32"}}


def test_the_tests_own_cluster_has_these_labels() -> None:
    addons = yaml.safe_load_all((CHART.parents[1] / "ci" / "cluster" / "addons.yaml").read_text())
    (dns,) = (one for one in addons if one["kind"] == "Service" and one["metadata"]["name"] == "kube-dns")
    assert (dns["metadata"]["namespace"], dns["spec"]["selector"]) == ("kube-system", {"k8s-app": "kube-dns"})


def test_dns_of_everybody_must_be_asked_for(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("networkPolicy: {dnsPeers: []}")
    assert "to" not in egress(render(CPU, values), "medinfer-api")[0]


def test_a_mesh_has_a_port_wherever_pods_talk_and_nowhere_else() -> None:
    mesh = {"protocol": "TCP", "port": 15008}
    plain = rules(render(CPU))
    meshed = rules(render(CPU, settings=["networkPolicy.meshPorts={15008}"]))
    assert len(plain) == len(meshed) > 10
    for (among_pods, before), (_, after) in zip(plain, meshed, strict=True):
        assert after == before | {"ports": [*before["ports"], *([mesh] if among_pods else [])]}


def rules(objects: list[Json]) -> list[tuple[bool, Json]]:
    """(whether its peers are pods that a mesh may hold, the rule) for each rule of each policy."""
    found = []
    for policy in of_kind(objects, "NetworkPolicy").values():
        for rule in policy["spec"].get("ingress", ()):
            found.append((True, rule))
        for rule in policy["spec"].get("egress", ()):
            is_dns = {"protocol": "UDP", "port": 53} in rule["ports"]
            found.append((not is_dns and all("podSelector" in peer for peer in rule["to"]), rule))
    return found


def test_without_a_watch_the_api_has_no_token() -> None:
    for settings, watches in (([], True), (["api.watchRoutes=false"], False)):
        template = pod_templates(render(CPU, settings=settings))["Deployment/medinfer-api"]
        (api,) = containers(template)
        assert ("token" in {volume["name"] for volume in template["spec"]["volumes"]}) is watches
        assert ("token" in {mount["name"] for mount in api["volumeMounts"]}) is watches
        assert ("MEDINFER_API_ROUTES_CONFIGMAP" in {variable["name"] for variable in api["env"]}) is watches
        assert template["spec"]["automountServiceAccountToken"] is False


def test_the_page_lets_those_ask_the_api_server_with_cilium_that_have_a_token() -> None:
    page = (CHART.parents[1] / "docs" / "security.md").read_text()
    (block,) = (one for one in re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S) if "CiliumNetworkPolicy" in one)
    spec = yaml.safe_load(block)["spec"]
    wanted = {one["key"]: one["values"] for one in spec["endpointSelector"]["matchExpressions"]}
    for name, template in pod_templates(render(CPU)).items():
        has_token = "token" in {volume["name"] for volume in template["spec"].get("volumes", ())}
        labels = template["metadata"]["labels"]
        assert all(labels[key] in values for key, values in wanted.items()) is has_token, name
    (rule,) = spec["egress"]
    ports = [int(one["port"]) for one in rule["toPorts"][0]["ports"]]
    assert (rule["toEntities"], ports) == (["kube-apiserver"], VALUES["networkPolicy"]["apiServerPorts"])


ADDRESSES = {"IPv4": ["192.0.2.10/32", "192.0.2.11/32"], "IPv6": ["fd00::10/128", "fd00::11/128"]}


@pytest.fixture(params=ADDRESSES)
def endpoint_slice(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[list[str]]:
    """As a real API server's; the one of the tests makes none. Yields all ranges that must be found."""
    ports = [{"name": "https", "port": 6443, "protocol": "TCP"}]
    ranges = ADDRESSES[request.param]
    body = {"metadata": {"name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}}}
    endpoints = [{"addresses": [one.partition("/")[0]]} for one in ranges]
    collection = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    cluster.client.create(collection, body | {"addressType": request.param, "endpoints": endpoints, "ports": ports})
    service = cluster.client.get("/api/v1/namespaces/default/services/kubernetes")
    yield [f"{service['spec']['clusterIP']}/32", *ranges]
    cluster.client.delete(f"{collection}/kubernetes")


def install(cluster: Cluster, user: str, *settings: str) -> tuple[list[Json], str]:
    """(objects, notes) that helm would install with what the cluster says."""
    environment = {"KUBECONFIG": str(cluster.kubeconfig(user, "restricted"))}
    how = ("install", "medinfer", str(CHART), "--dry-run=server", "--namespace", "restricted")
    text = helm.run(*how, *helm.options([CPU], settings), environment=environment)
    manifest, _, said = text.partition("\nNOTES:")
    objects = [one for one in yaml.safe_load_all(manifest.partition("\n---")[2]) if one]
    return objects, said


def test_helm_asks_where_the_api_server_is(cluster: Cluster, endpoint_slice: list[str]) -> None:
    objects, said = install(cluster, "admin")
    assert blocks(objects, "medinfer-api", 6443) == [{"cidr": one} for one in endpoint_slice]
    assert blocks(objects, "medinfer-rollout-operator", 6443) == EVERYWHERE
    assert UNKNOWN not in said


def test_the_notes_say_when_nobody_knows(cluster: Cluster) -> None:
    """Without an EndpointSlice; the Service alone is not enough, as most plug-ins look at the address behind it."""
    objects, said = install(cluster, "admin")
    assert blocks(objects, "medinfer-api", 6443) == EVERYWHERE
    assert UNKNOWN in said


def test_helm_fails_where_its_user_may_not_ask(cluster: Cluster, namespace: str) -> None:
    """Who has a namespace of his own, and no other: docs/install.md says which values make the rights needless."""
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    cluster.client.create(f"{roles}/roles", {"metadata": {"name": "owner"}, "rules": everything})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "owner"}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "api"}]
    cluster.client.create(
        f"{roles}/rolebindings", {"metadata": {"name": "owner"}, "roleRef": role, "subjects": subjects}
    )
    environment = {"KUBECONFIG": str(cluster.kubeconfig("api", namespace))}
    how = ("template", "medinfer", str(CHART), "--dry-run=server", "--namespace", namespace)
    with pytest.raises(helm.HelmFailed, match=r'services "kubernetes" is forbidden'):
        helm.run(*how, environment=environment)
    named = helm.options([], ["networkPolicy.apiServerCidr=10.0.0.1/32", "admission.enabled=false"])
    assert 'cidr: "10.0.0.1/32"' in helm.run(*how, *named, environment=environment)


@pytest.mark.parametrize(
    "settings",
    [["networkPolicy.apiServerCidr=10.0.0.1/32"], ["api.watchRoutes=false"], ["networkPolicy.enabled=false"]],
)
def test_the_notes_are_silent_where_it_is_not_needed(settings: list[str]) -> None:
    assert UNKNOWN in notes.render(CPU)
    assert UNKNOWN not in notes.render(CPU, settings=settings)
