"""The chart under other release names, as a dependency, and rendered by other programs than `helm install`."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ci.stack.kubernetes import Cluster
from tests.chart.conftest import create_restricted
from tests.harness.chart import helm
from tests.harness.chart.helm import CHART, KUBERNETES, SHAPES, HelmFailed, Json, of_kind, render
from tests.harness.kubectl import Kubectl

CPU = CHART / "ci" / "cpu-values.yaml"
# RFC 1035, which the API server asks of a Service's name.
LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
NAMES = {
    "medinfer": "medinfer-api",
    "radiology": "radiology-medinfer-api",
    "med.infer": "med-infer-medinfer-api",
    "radiology.medinfer": "radiology-medinfer-api",
    "1medinfer": "medinfer-1medinfer-api",
    "2nd-floor": "medinfer-2nd-floor-api",
    "7": "medinfer-7-api",
}
# Of repo-server, which runs helm 3, with what it learned of the cluster; the second with spec.source.helm.skipTests.
ARGO = ("--include-crds", "--api-versions", "v1", "--api-versions", "apps/v1/Deployment")
ARGO_WITHOUT_TESTS = (*ARGO, "--skip-tests")


def is_namespaced(one: Json) -> bool:
    """All but the policies: those are the whole cluster's, and their names say for which namespace they are."""
    return not one["kind"].startswith("ValidatingAdmissionPolicy")


@pytest.mark.parametrize("release", NAMES)
def test_a_release_may_have_any_name_that_helm_takes(release: str) -> None:
    objects = render(CPU, release=release)
    services = of_kind(objects, "Service")
    assert NAMES[release] in services
    assert [name for name in services if not LABEL.fullmatch(name)] == []
    assert [one["metadata"]["name"] for one in objects if is_namespaced(one) and "." in one["metadata"]["name"]] == []


@pytest.mark.parametrize("shape", [pytest.param(path, id=path.stem) for path in SHAPES])
def test_every_object_says_its_namespace(shape: Path) -> None:
    """`kubectl apply` would otherwise put it where the user happens to be. One value names another, for approvers."""
    found = {one["metadata"].get("namespace") for one in render(shape, namespace="hospital") if is_namespaced(one)}
    assert found - {yaml.safe_load(shape.read_text()).get("operator", {}).get("approvers", {}).get("namespace")} == {
        "hospital"
    }


def test_tests_are_left_out_when_asked() -> None:
    left_out = {
        (one["kind"], one["metadata"]["name"])
        for one in render(CPU)
        if one["metadata"]["labels"]["app.kubernetes.io/component"] == "test"
    }
    without = {(one["kind"], one["metadata"]["name"]) for one in render(CPU, settings=["tests.enabled=false"])}
    assert len(left_out) == 4
    assert without == {(one["kind"], one["metadata"]["name"]) for one in render(CPU)} - left_out


def umbrella(folder: Path, values: Json, **dependency: str) -> list[Json]:
    """What a chart renders that has this one as a dependency, copied into its charts/."""
    (folder / "charts").mkdir()
    (folder / "charts" / "medinfer").symlink_to(CHART)
    needed = {"name": "medinfer", "version": "0.1.0"} | dependency
    chart = {"apiVersion": "v2", "name": "hospital", "version": "1.0.0", "dependencies": [needed]}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(chart))
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    text = helm.run("template", "hospital", str(folder), "--namespace", "default", "--kube-version", KUBERNETES)
    return [one for one in yaml.safe_load_all(text) if one]


@pytest.mark.parametrize(
    ("values", "dependency", "installed"),
    [
        pytest.param({}, {}, True, id="always"),
        pytest.param({"medinfer": {"enabled": True}}, {"condition": "medinfer.enabled"}, True, id="switched-on"),
        pytest.param({"medinfer": {"enabled": False}}, {"condition": "medinfer.enabled"}, False, id="switched-off"),
        pytest.param({}, {"condition": "medinfer.enabled"}, True, id="not-said"),
        pytest.param({"global": {"a": "b"}}, {}, True, id="global-values"),
        pytest.param(
            {"serving": {"enabled": True}}, {"condition": "serving.enabled", "alias": "serving"}, True, id="renamed"
        ),
    ],
)
def test_a_dependency(values: Json, dependency: dict[str, str], installed: bool, tmp_path: Path) -> None:
    services = of_kind(umbrella(tmp_path, values, **dependency), "Service")
    assert ("hospital-medinfer-api" in services) is installed


def test_a_release_that_is_switched_off_is_refused() -> None:
    """On its own it would install everything, whatever the value says."""
    with pytest.raises(HelmFailed, match=r"enabled: false is for a chart that has this one as a dependency"):
        render(CPU, settings=["enabled=false"])


@pytest.mark.parametrize("shape", [pytest.param(path, id=path.stem) for path in SHAPES])
def test_helm_3_renders_the_same(shape: Path) -> None:
    where = ("--namespace", "default", "--kube-version", KUBERNETES, "--values", str(shape))
    text = helm.run("template", "medinfer", str(CHART), *where, program="helm3")
    assert list(yaml.load_all(text, yaml.CSafeLoader)) == render(shape)


@pytest.fixture
def elsewhere(cluster: Cluster, namespace: str) -> Iterator[Kubectl]:
    """kubectl that would put what names no namespace into another one than that of the release."""
    create_restricted(cluster, f"not-{namespace}")
    yield Kubectl(cluster.kubeconfig("admin", f"not-{namespace}"))


@pytest.mark.parametrize(
    ("program", "flags"), [("helm", ("--skip-tests",)), ("helm3", ARGO_WITHOUT_TESTS), ("helm3", ARGO)]
)
@pytest.mark.parametrize("release", ["medinfer", "1.2"])
def test_what_it_renders_can_be_applied(
    program: str, flags: tuple[str, ...], release: str, cluster: Cluster, namespace: str, elsewhere: Kubectl
) -> None:
    """`helm template | kubectl apply`, and as Argo CD renders and applies it."""
    values = ("--values", str(CPU), "--set", f"tests.enabled={'--skip-tests' not in flags}".lower())
    where = ("--namespace", namespace, "--kube-version", KUBERNETES)
    text = helm.run("template", str(CHART), "--name-template", release, *where, *values, *flags, program=program)
    elsewhere.run("apply", "--server-side", "-f", "-", document=text)
    elsewhere.run("apply", "--server-side", "-f", "-", document=text)
    applied = cluster.client.get(f"/api/v1/namespaces/{namespace}/services")["items"]
    assert {one["metadata"]["name"] for one in applied} == set(of_kind(render(CPU, release=release), "Service"))
    assert cluster.client.get(f"/api/v1/namespaces/not-{namespace}/services")["items"] == []
