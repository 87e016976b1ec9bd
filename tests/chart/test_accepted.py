"""helm, kubeconform and the real API server accept every values file in the chart's ci/."""

from pathlib import Path

import pytest
import yaml

from tests.harness.chart import helm, kubeconform
from tests.harness.chart.helm import CHART, SHAPES, pod_templates, render, render_text
from tests.harness.kubectl import Kubectl, KubectlFailed

VALUES = [*SHAPES, CHART / "values-cpu.yaml", CHART / "values.yaml"]
shapes = pytest.mark.parametrize("shape", [pytest.param(path, id=path.stem) for path in VALUES])


@shapes
def test_helm_lints_it(shape: Path) -> None:
    assert "0 chart(s) failed" in helm.run("lint", "--strict", str(CHART), "--values", str(shape))


@shapes
def test_kubeconform_finds_nothing(shape: Path, schemas: Path) -> None:
    assert kubeconform.check(render_text(shape), schemas) == ""


@shapes
def test_the_api_server_takes_it(shape: Path, kubectl: Kubectl) -> None:
    """No warning either: for a Deployment whose pods violate "restricted" the API server only warns."""
    said = kubectl.dry_run(render_text(shape, namespace="restricted"))
    assert "Warning" not in said
    assert "statefulset.apps/medinfer-triton serverside-applied (server dry run)" in said


@shapes
def test_the_pods_it_makes_are_taken(shape: Path, kubectl: Kubectl) -> None:
    """Creates the pods themselves: the namespace refuses pods that violate "restricted", but warns of their owners."""
    pods = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"] | {"name": f"pod-{number}"}}
        | {"spec": with_claims(template["spec"])}
        for number, template in enumerate(pod_templates(render(shape)).values())
    ]
    said = kubectl.dry_run(yaml.safe_dump_all(pods))
    assert said.count("serverside-applied") == len(pods)
    assert "Warning" not in said


def test_what_is_not_restricted_is_refused(kubectl: Kubectl) -> None:
    """Shows that the two tests above can fail."""
    statefulset = helm.of_kind(render(namespace="restricted"), "StatefulSet")["medinfer-triton"]
    spec = statefulset["spec"]["template"]["spec"]
    spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    assert "would violate PodSecurity" in kubectl.dry_run(yaml.safe_dump(statefulset))
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": spec}
    with pytest.raises(KubectlFailed, match="violates PodSecurity"):
        kubectl.dry_run(yaml.safe_dump(pod))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param("replicas: 2", "replica: 2", id="an unknown field"),
        pytest.param("replicas: 2", "replicas: two", id="a wrong type"),
    ],
)
def test_kubeconform_would_find_it(path: str, line: str, schemas: Path) -> None:
    assert "StatefulSet medinfer-triton is invalid" in kubeconform.check(render_text().replace(path, line), schemas)


def with_claims(spec: helm.Json) -> helm.Json:
    """Adds the volumes that a StatefulSet would add to its pods for its claims."""
    volumes = {volume["name"] for volume in spec.get("volumes", ())}
    containers = helm.containers({"spec": spec})
    mounted = {mount["name"] for container in containers for mount in container.get("volumeMounts", ())}
    claimed = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in mounted - volumes]
    return spec | {"volumes": [*spec.get("volumes", ()), *claimed]}
