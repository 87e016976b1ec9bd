"""skaffold.yaml, without skaffold: each profile runs the images that it builds, and the chart takes its values."""

from copy import deepcopy
from typing import Any

import pytest
import yaml

from ci.images.catalog import OURS
from ci.stack.folders import ROOT
from tests.harness.chart.helm import CHART, Json, containers, pod_templates, render

CONFIG: Json = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
DOCKERFILES = {image.name: image.dockerfile for image in OURS}
profiles = pytest.mark.parametrize("profile", ["cpu", "gpu"])


@profiles
def test_images_are_built_as_everywhere_else(profile: str) -> None:
    built = dockerfiles(applied(profile))
    assert built.items() <= DOCKERFILES.items()
    assert DOCKERFILES.keys() - built.keys() == ({"medinfer-triton-cpu"} if profile == "gpu" else set())


@profiles
def test_pods_run_what_is_built_and_nothing_else_of_ours(profile: str) -> None:
    """helm refuses values that the chart does not define."""
    config = applied(profile)
    run = {one["image"] for template in pod_templates(installed(config)).values() for one in containers(template)}
    assert {image for image in run if image.startswith("medinfer-")} == set(tags(config).values())
    assert any("tritonserver" in image for image in run) is (profile == "gpu")


@profiles
def test_it_does_not_wait_for_pods_that_wait_for_a_rollout(profile: str) -> None:
    """A check would report the first install as failed: no pod is Ready until a version is served."""
    config = applied(profile)
    assert not [one for one in installed(config) if one["kind"] == "ModelRollout"]
    assert config["deploy"]["statusCheck"] is False


def test_images_reach_a_cluster_of_another_machine() -> None:
    """`push: false` would never push; skaffold itself detects clusters that need no registry."""
    assert "push" not in CONFIG["build"]["local"]


def installed(config: Json) -> list[Json]:
    """Render the release with the arguments that skaffold would pass to helm."""
    (release,) = config["deploy"]["helm"]["releases"]
    assert ROOT / release["chartPath"] == CHART
    values = {name: str(value).lower() for name, value in release["setValues"].items()}
    values |= {name: tags(config)[template] for name, template in release["setValueTemplates"].items()}
    files = [ROOT / name for name in release.get("valuesFiles", ())]
    settings = [f"{name}={value}" for name, value in values.items()]
    return render(*files, settings=settings, release=release["name"], namespace=release["namespace"])


def tags(config: Json) -> dict[str, str]:
    """Return the image name for each of skaffold's templates."""
    names = dockerfiles(config)
    return {f"{{{{.IMAGE_FULLY_QUALIFIED_{name.replace('-', '_')}}}}}": f"{name}:built" for name in names}


def dockerfiles(config: Json) -> dict[str, str]:
    return {one["image"]: one["docker"]["dockerfile"] for one in config["build"]["artifacts"]}


def applied(name: str) -> Json:
    """Return the configuration with the profile's patches applied."""
    config = deepcopy(CONFIG)
    (profile,) = [one for one in config.pop("profiles") if one["name"] == name]
    assert profile.keys() <= {"name", "patches"}
    for patch in profile.get("patches", ()):
        add(config, **patch)
    return config


def add(config: Any, op: str, path: str, value: object) -> None:
    """Apply `add`, the only JSON patch operation in use. Raises LookupError if the path does not exist."""
    assert op == "add"
    *parents, last = path.removeprefix("/").split("/")
    for key in parents:
        config = config[int(key) if isinstance(config, list) else key]
    if isinstance(config, list):
        assert last == "-"
        config.append(value)
    else:
        config[last] = value
