"""helm's notes warn of values that are allowed but will not work."""

import pytest

from tests.harness.chart import notes
from tests.harness.chart.helm import CHART

CPU = CHART / "ci" / "cpu-values.yaml"
ARTIFACT, WEBHOOK = "rollout.artifact.uri", "rollout.notify.url"
STORE = f"{ARTIFACT}=http://store.example.org:9000/1.tar"


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        pytest.param([STORE], [f"{ARTIFACT} uses port 9000"], id="the store's port is shut"),
        pytest.param(
            [f"{WEBHOOK}=https://[::1]:8443/"], [f"{WEBHOOK} uses port 8443"], id="the webhook's port is shut"
        ),
        pytest.param([STORE, "networkPolicy.egressPorts={443,9000}"], [], id="the port is named"),
        pytest.param([STORE, "networkPolicy.enabled=false"], [], id="no policies"),
        pytest.param([f"{ARTIFACT}=s3://models/1.tar"], [], id="no port"),
        pytest.param([], [], id="demonstration bundles have a rule of their own"),
        pytest.param(["bundles.enabled=false"], [f"{ARTIFACT} uses port 8080"], id="bundles of somebody else"),
    ],
)
def test_a_port_that_the_policies_keep_shut(settings: list[str], warned: list[str]) -> None:
    advice = notes.render(CPU, settings=settings).splitlines()
    closed = [line.removeprefix("- ") for line in advice if "networkPolicy.egressPorts" in line]
    assert closed == [
        f"{words}, which the NetworkPolicies block. Add it to networkPolicy.egressPorts." for words in warned
    ]


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        pytest.param([], False, id="our bundles"),
        pytest.param([STORE], True, id="plain http"),
        pytest.param([STORE, "triton.agent.allowedPrefixes={http://store.example.org:9000/}"], False, id="named"),
        pytest.param([f"{ARTIFACT}=file:/bundles/1.tar"], True, id="a file"),
    ],
)
def test_an_address_that_the_agents_refuse(settings: list[str], warned: bool) -> None:
    assert ("is under none of triton.agent.allowedPrefixes" in notes.render(CPU, settings=settings)) == warned


def test_a_secret_that_must_be_there_is_named() -> None:
    """Without it the kubelet starts no container and reports that only as an event of the pod."""
    settings = [
        "triton.agent.environmentSecretName=store",
        "api.auth.secretName=access",
        "api.audit.mode=required",
        "api.audit.keySecretName=audit",
        "api.limits.redis.address=redis://valkey",
        "api.limits.redis.secretName=valkey",
        "tests.keySecretName=test",
    ]
    advice = notes.render(CPU, settings=settings, namespace="hospital")
    for name, secret in (one.split("=") for one in settings if "ecretName" in one):
        assert f"{name} is {secret}" in advice
        assert f"; see kubectl -n hospital get secret {secret}\n" in advice
    assert "ecretName is" not in notes.render(CPU).replace("secretName is empty", "")


def test_everybody_may_ask_is_said() -> None:
    assert "everybody who reaches the API may ask it" in notes.render(CPU)
    advice = notes.render(CPU, settings=["api.auth.secretName=access", "tests.keySecretName=key"])
    assert "everybody who reaches" not in advice
    assert 'curl -H "Authorization: Bearer $KEY" -F image=@slice.png' in advice


def test_unverified_approvals_are_said() -> None:
    words = "approvals of gates are unverified"
    assert words in notes.render(CPU)
    assert words not in notes.render(CPU, settings=["operator.approvers.configMapName=gate-approvers"])


def test_missing_policies_are_said() -> None:
    words = "admission.enabled is false: whoever may write ConfigMaps"
    assert words not in notes.render(CPU)
    advice = notes.render(CPU, settings=["admission.enabled=false"])
    assert words in advice and "medinfer-view, -release\n" in advice


@pytest.mark.parametrize("off", ["off", "false"])
def test_unsigned_bundles_are_said(off: str) -> None:
    words = "triton.agent.verification is off: agents load any bundle"
    assert words in notes.render(CPU, settings=[f"triton.agent.verification={off}"])
    signed = ["triton.agent.verification=warn", "triton.agent.signersConfigMapName=bundle-signers"]
    assert words not in notes.render(CPU, settings=signed)


def test_where_to_look_when_the_way_in_does_not_work() -> None:
    gateway = ["api.gateway.enabled=true", "api.gateway.parentRefs[0].name=public", "api.gateway.hostnames={a.example}"]
    certificate = ["api.auth.secretName=access", "api.certificate.issuerRef.name=hospital"]
    advice = notes.render(CPU, settings=[*gateway, *certificate], namespace="clinic")
    assert "kubectl -n clinic describe httproute medinfer-api" in advice
    assert "kubectl -n clinic describe certificate medinfer-api: cert-manager says there why" in advice
    assert "httproute" not in notes.render(CPU) and "certificate" not in notes.render(CPU)


@pytest.mark.parametrize(
    ("settings", "is_warned"),
    [
        pytest.param([], True, id="the build for CPUs"),
        pytest.param(["triton.image=own/medinfer-triton-cpu:mine"], True, id="the same from elsewhere"),
        pytest.param(["triton.image=nvcr.io/nvidia/tritonserver:26.10-py3"], False, id="NVIDIA's"),
    ],
)
def test_the_triton_for_cpus_is_for_trying(settings: list[str], is_warned: bool) -> None:
    assert ("for trying medinfer, not for patients" in notes.render(CPU, settings=settings)) is is_warned
