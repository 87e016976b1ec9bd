"""Rules that every pod of the chart follows, with every values file in ci/."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.harness.chart import helm
from tests.harness.chart.helm import SHAPES, Json, containers, pod_templates, render

TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
# Who asks the API server; nobody else may hold a token.
ASKING = {
    ("Deployment/medinfer-api", "api"),
    ("Deployment/medinfer-rollout-operator", "operator"),
    ("StatefulSet/medinfer-triton", "agent"),
}
PARTS = {
    "Deployment/medinfer-api": "api",
    "Deployment/medinfer-bundles": "bundles",
    "Deployment/medinfer-rollout-operator": "operator",
    "StatefulSet/medinfer-triton": "triton",
}
PLACEMENT = ("priorityClassName", "nodeSelector", "tolerations")

shapes = pytest.mark.parametrize("shape", [pytest.param(path, id=path.stem) for path in SHAPES])


@shapes
def test_tokens_are_only_where_they_are_used(shape: Path) -> None:
    objects = render(shape)
    templates = pod_templates(objects)
    accounts = helm.of_kind(objects, "ServiceAccount").values()
    assert not any(account["automountServiceAccountToken"] for account in accounts)
    assert not any(template["spec"]["automountServiceAccountToken"] for template in templates.values())
    holders = {
        (owner, container["name"])
        for owner, template in templates.items()
        for container in containers(template)
        for mount in container.get("volumeMounts", ())
        if mount["mountPath"] == TOKEN_FOLDER
    }
    watches = yaml.safe_load(shape.read_text()).get("api", {}).get("watchRoutes", True)
    asking = ASKING if watches else ASKING - {("Deployment/medinfer-api", "api")}
    assert holders == asking
    with_projected = {owner for owner, template in templates.items() if "serviceAccountToken" in yaml.dump(template)}
    assert with_projected == {owner for owner, _ in asking}


@shapes
def test_nothing_can_be_written_but_volumes(shape: Path) -> None:
    for owner, template in pod_templates(render(shape)).items():
        pod = template["spec"]["securityContext"]
        assert pod["runAsNonRoot"] is True and pod["seccompProfile"] == {"type": "RuntimeDefault"}, owner
        for container in containers(template):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, (owner, container["name"])


@shapes
def test_every_container_asks_for_cpu_and_memory_and_is_bounded(shape: Path) -> None:
    """The autoscaler does nothing unless each container has a CPU request."""
    for owner, template in pod_templates(render(shape)).items():
        for container in containers(template):
            resources = container["resources"]
            assert resources["requests"].keys() >= {"cpu", "memory"}, (owner, container["name"])
            assert "memory" in resources["limits"], (owner, container["name"])


@shapes
def test_no_service_names_become_variables(shape: Path) -> None:
    """With service links, a Service named medinfer-api would set MEDINFER_API_PORT in the API's environment."""
    assert all(template["spec"]["enableServiceLinks"] is False for template in pod_templates(render(shape)).values())


@shapes
def test_grace_periods_add_up(shape: Path) -> None:
    """The grace period includes preStop, so it must also leave time for the shutdown after it."""
    templates = pod_templates(render(shape))
    triton = templates["StatefulSet/medinfer-triton"]["spec"]
    container = triton["containers"][0]
    pre_stop = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    exit_timeout = int(argument(container, "--exit-timeout-secs"))
    assert pre_stop >= 5
    assert triton["terminationGracePeriodSeconds"] >= pre_stop + exit_timeout + 10
    api = templates["Deployment/medinfer-api"]["spec"]
    drain = float(environment(api["containers"][0])["MEDINFER_API_DRAIN_SECONDS"])
    longest_pre_stop, graceful = 3 * drain, drain + 10
    assert drain >= 10
    assert api["terminationGracePeriodSeconds"] >= longest_pre_stop + graceful + 10


def test_an_upgrade_of_the_chart_alone_replaces_no_pod(tmp_path: Path) -> None:
    """Pod templates and selectors contain neither the chart's version nor anything random."""
    newer = tmp_path / "medinfer"
    shutil.copytree(helm.CHART, newer)
    chart = yaml.safe_load((newer / "Chart.yaml").read_text())
    (newer / "Chart.yaml").write_text(yaml.safe_dump(chart | {"version": "9.9.9"}))
    text = helm.run("template", "medinfer", str(newer), "--kube-version", helm.KUBERNETES)
    before, after = pod_templates(render()), pod_templates(list(yaml.safe_load_all(text)))
    owners = [owner for owner in before if not owner.startswith("Pod/")]
    assert [before[owner] for owner in owners] == [after[owner] for owner in owners]


def test_gpus() -> None:
    spec = pod_templates(render(helm.CHART / "ci" / "gpu-values.yaml"))["StatefulSet/medinfer-triton"]["spec"]
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    wanted = {"key": "nvidia.com/gpu.product", "operator": "In", "values": ["NVIDIA-L4", "NVIDIA-L40S"]}
    assert terms == [{"matchExpressions": [wanted]}]
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in spec["tolerations"]
    assert spec["runtimeClassName"] == "nvidia"


def test_every_part_is_placed_as_its_values_say() -> None:
    everything = helm.CHART / "ci" / "everything-values.yaml"
    values, templates = yaml.safe_load(everything.read_text()), pod_templates(render(everything))
    placed = {part: templates[owner]["spec"] for owner, part in PARTS.items()}
    said = {part: {name: spec.get(name) for name in PLACEMENT} for part, spec in placed.items()}
    assert said == {part: {name: values[part][name] for name in PLACEMENT} for part in PARTS.values()}
    assert {owner for owner in templates if not owner.startswith("Pod/")} == set(PARTS)


def argument(container: Json, name: str) -> str:
    arguments: list[str] = container["args"]
    return next(one.removeprefix(f"{name}=") for one in arguments if one.startswith(f"{name}="))


def environment(container: Json) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in container["env"]}
