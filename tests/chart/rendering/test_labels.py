"""Every label value is one that Kubernetes takes, whatever version a packager gives the chart."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ci.stack.kubernetes import Cluster
from tests.harness.chart import helm
from tests.harness.chart.helm import CHART, KUBERNETES, Json

CPU = CHART / "ci" / "cpu-values.yaml"
EVERYTHING = CHART / "ci" / "everything-values.yaml"
# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
# What source-controller makes of a chart in git with reconcileStrategy: Revision.
FLUX = "0.1.0+4f2c9d1e07ab"
VERSIONS = {
    FLUX: "medinfer-0.1.0_4f2c9d1e07ab",
    "0.1.0-rc.1+4f2c9d1e07ab.dirty": "medinfer-0.1.0-rc.1_4f2c9d1e07ab.dirty",
    # Cut after 63 characters, where the last ones would be a dot and a plus.
    f"0.1.0+{'a' * 46}..{'b' * 9}".replace("..", ".-"): f"medinfer-0.1.0_{'a' * 46}",
    f"0.1.0+{'a' * 80}": f"medinfer-0.1.0_{'a' * 48}",
}
# Names that YAML reads as numbers, unless they are quoted.
RELEASES = ("medinfer", "1234", "1e3", "0x1f")


def package(folder: Path, version: str) -> Path:
    helm.run("package", str(CHART), "--version", version, "--app-version", version, "--destination", str(folder))
    (path,) = folder.glob("*.tgz")
    return path


def template(chart: Path, release: str, *flags: str) -> list[Json]:
    where = ("--namespace", "default", "--kube-version", KUBERNETES)
    return list(yaml.load_all(helm.run("template", release, str(chart), *where, *flags), yaml.CSafeLoader))


def labels(node: object) -> Iterator[Json]:
    """Each mapping of labels in an object."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("labels", "matchLabels"):
                yield value
            yield from labels(value)
    elif isinstance(node, list):
        for part in node:
            yield from labels(part)


def illegal(objects: list[Json]) -> set[tuple[str, object]]:
    found = {pair for one in objects for mapping in labels(one) for pair in mapping.items()}
    return {(key, value) for key, value in found if not isinstance(value, str) or not VALUE.fullmatch(value)}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_is_made_a_label_value(version: str, tmp_path: Path) -> None:
    objects = template(package(tmp_path, version), "medinfer", "--values", str(EVERYTHING))
    assert illegal(objects) == set()
    assert {one["metadata"]["labels"]["helm.sh/chart"] for one in objects if one["kind"] == "Service"} == {
        VERSIONS[version]
    }


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_that_looks_like_a_number_is_text(release: str) -> None:
    assert illegal(helm.render(CPU, release=release)) == set()


def test_an_image_has_a_tag_that_registries_take(tmp_path: Path) -> None:
    """Registries take no plus; helm itself pushes a chart with one under an underscore."""
    objects = template(package(tmp_path, FLUX), "medinfer", "--values", str(CPU), "--set", "image.tag=")
    images = {one["image"] for template in helm.pod_templates(objects).values() for one in helm.containers(template)}
    assert {image.rpartition(":")[2] for image in images} == {FLUX.replace("+", "_")}


# What helm-controller asks of helm's library: Flux 2.8 and newer of helm 4, older ones of helm 3.
INSTALL = ("--skip-crds", "--take-ownership", "--devel")
UPGRADE = ("--reset-values", "--take-ownership", "--devel")
FLUXES = {
    "helm-4": (("helm", "--server-side=true"), ("helm", "--server-side=auto")),
    "helm-3": (("helm3",), ("helm3",)),
    "helm-3-then-4": (("helm3",), ("helm", "--server-side=auto")),
}


@pytest.mark.parametrize("flux", FLUXES)
def test_flux_installs_and_upgrades_it(flux: str, cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """On the real API server, from the chart at one commit to the chart at the next."""
    where = ("--namespace", namespace, "--kubeconfig", str(cluster.kubeconfig("admin", namespace)))
    (first, *with_first), (second, *with_second) = FLUXES[flux]
    runs = (
        ("install", FLUX, first, (*INSTALL, *with_first)),
        ("upgrade", "0.1.0+99aa88bb77cc", second, (*UPGRADE, *with_second)),
    )
    for verb, version, program, flags in runs:
        folder = tmp_path / verb
        folder.mkdir()
        chart = str(package(folder, version))
        helm.run(verb, "medinfer", chart, "--values", str(CPU), *where, *flags, program=program)
    stored = cluster.client.get(f"/api/v1/namespaces/{namespace}/services/medinfer-api")
    assert stored["metadata"]["labels"]["helm.sh/chart"] == "medinfer-0.1.0_99aa88bb77cc"
