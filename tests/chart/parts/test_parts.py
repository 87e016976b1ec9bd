"""What may be set for each part: image, variables, labels, placement, and the address that its processes listen on."""

from pathlib import Path

import pytest
import yaml

from tests.harness.chart.helm import CHART, HelmFailed, Json, containers, pod_templates, render

CPU = CHART / "ci" / "cpu-values.yaml"
DIGEST = "sha256:" + "5" * 64
# Part -> (its pods, its container, name of its image)
PARTS = {
    "api": ("Deployment/medinfer-api", "api", "medinfer-api"),
    "triton": ("StatefulSet/medinfer-triton", "triton", "medinfer-triton-cpu"),
    "operator": ("Deployment/medinfer-rollout-operator", "operator", "medinfer-operator"),
    "bundles": ("Deployment/medinfer-bundles", "bundles", "medinfer-bundles"),
}
parts = pytest.mark.parametrize("part", PARTS)
ZONES = {"maxSkew": 2, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}
NODES: Json = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}


@pytest.fixture
def values(tmp_path: Path) -> Path:
    return tmp_path / "values.yaml"


def template(part: str, values: Path, document: Json, *settings: str) -> Json:
    """Of a part with these values. What was rendered from a file of the same name would be taken again."""
    file = values.with_name(f"{len(document)}.yaml")
    file.write_text(yaml.safe_dump({part: document}))
    return pod_templates(render(CPU, file, settings=["bundles.enabled=true", *settings]))[PARTS[part][0]]


def container(part: str, pod: Json) -> Json:
    return next(one for one in containers(pod) if one["name"] == PARTS[part][1])


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param(None, "r.example/m/{name}:v7", id="nothing"),
        pytest.param("", "r.example/m/{name}:v7", id="empty"),
        pytest.param("other.example/x:1", "other.example/x:1", id="in-full"),
        pytest.param({"repository": "other.example/x"}, "other.example/x:v7", id="a-repository"),
        pytest.param({"tag": "8"}, "r.example/m/{name}:8", id="a-tag"),
        pytest.param({"digest": DIGEST}, f"r.example/m/{{name}}@{DIGEST}", id="a-digest"),
        pytest.param({"tag": "8", "digest": DIGEST}, f"r.example/m/{{name}}:8@{DIGEST}", id="tag-and-digest"),
    ],
)
@parts
def test_an_image(part: str, image: object, expected: str, values: Path) -> None:
    where = ("image.repository=r.example/m", "image.tag=v7")
    if image is None and part == "triton":
        image = ""  # its default is NVIDIA's
    pod = template(part, values, {"image": image}, *where)
    assert container(part, pod)["image"] == expected.format(name=PARTS[part][2])


@parts
def test_variables_labels_and_placement(part: str, values: Path) -> None:
    extra = {"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"}
    labels = {"example.org/number": "1"}
    document = {"extraEnv": [extra], "podLabels": labels, "affinity": NODES, "topologySpreadConstraints": [ZONES]}
    plain, pod = template(part, values, {}), template(part, values, document)
    assert container(part, pod)["env"] == [*container(part, plain).get("env", []), extra]
    assert pod["metadata"]["labels"] == plain["metadata"]["labels"] | labels
    assert (pod["spec"]["affinity"], pod["spec"]["topologySpreadConstraints"]) == (NODES, [ZONES])


def test_variables_of_the_agent(values: Path) -> None:
    extra = {"name": "AWS_REGION", "value": "eu-central-1"}
    pod = template("triton", values, {"agent": {"extraEnv": [extra]}})
    by_name = {one["name"]: one for one in containers(pod)}
    assert extra in by_name["agent"]["env"] and extra not in by_name["triton"]["env"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            ["api.extraEnv[0].name=MEDINFER_API_WORKERS"], "api.extraEnv sets MEDINFER_API_WORKERS", id="of-the-chart"
        ),
        pytest.param(
            ["operator.extraEnv[0].name=A", "operator.extraEnv[1].name=A"], "operator.extraEnv sets A", id="twice"
        ),
        pytest.param(
            [r"api.podLabels.app\.kubernetes\.io/component=x"],
            "api.podLabels sets app.kubernetes.io/component",
            id="a-label-of-the-selectors",
        ),
        pytest.param(["bindAddress=10.0.0.1"], "at '/bindAddress'", id="an-address-of-one-pod"),
    ],
)
def test_what_would_not_work_is_refused(settings: list[str], message: str) -> None:
    with pytest.raises(HelmFailed, match=message):
        render(CPU, settings=settings)


def test_products_and_a_node_affinity_of_ones_own_are_one_too_many(values: Path) -> None:
    values.write_text(yaml.safe_dump({"triton": {"affinity": NODES, "gpu": {"products": ["NVIDIA-A10"]}}}))
    with pytest.raises(HelmFailed, match=r"triton\.affinity\.nodeAffinity and triton\.gpu\.products"):
        render(values)


def test_nvidias_image_by_its_digest_alone_is_refused(values: Path) -> None:
    """It would be that of the build for CPUs."""
    values.write_text(yaml.safe_dump({"triton": {"image": {"digest": DIGEST}}}))
    with pytest.raises(HelmFailed, match=r"triton\.image needs a repository"):
        render(values)


def listening(address: str) -> dict[str, str]:
    """Each argument and variable that names an address."""
    templates = pod_templates(render(CPU, settings=[f"bindAddress={address}"]))
    found: dict[str, str] = {}
    for name in ("Deployment/medinfer-api", "StatefulSet/medinfer-triton", "Deployment/medinfer-rollout-operator"):
        for one in containers(templates[name]):
            found |= {pair["name"]: pair["value"] for pair in one["env"] if "value" in pair}
            found |= dict(argument.split("=", 1) for argument in one.get("args", ()) if "address" in argument)
    return {name: value for name, value in found.items() if "ADDRESS" in name or "BIND" in name or "address" in name}


def test_addresses_of_ipv4() -> None:
    assert listening("0.0.0.0") == {
        "MEDINFER_API_BIND": "0.0.0.0:8002",
        "MEDINFER_API_INNER_BIND": "0.0.0.0:8003",
        "--http-address": "0.0.0.0",
        "--grpc-address": "127.0.0.1",
        "--metrics-address": "0.0.0.0",
    }


def test_addresses_of_ipv6() -> None:
    assert listening("::") == {
        "MEDINFER_API_BIND": "[::]:8002",
        "MEDINFER_API_INNER_BIND": "[::]:8003",
        "MEDINFER_AGENT_ADDRESS": "::",
        "MEDINFER_AGENT_TRITON_ADDRESS": "[::1]",
        "MEDINFER_OPERATOR_ADDRESS": "::",
        "--http-address": "ipv6:::",
        "--grpc-address": "[::1]",
        "--metrics-address": "ipv6:::",
    }
