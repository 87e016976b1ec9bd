"""How clients outside the cluster reach the API: by an Ingress or an HTTPRoute, by the public port alone."""

from pathlib import Path

import pytest

from tests.harness.chart.helm import CHART, Json, of_kind, render

CPU = CHART / "ci" / "cpu-values.yaml"
KEYS = "api.auth.secretName=access"
INGRESS = ("api.ingress.enabled=true", KEYS, "api.ingress.host=a.example.org")
GATEWAY = ("api.gateway.enabled=true", KEYS, "api.gateway.parentRefs[0].name=public")
HOSTNAMES = "api.gateway.hostnames={b.example.org,c.example.org}"
ISSUER = "api.certificate.issuerRef.name=hospital"
ELSEWHERE = "api.gateway.parentRefs[0].namespace=gateways"


def made(kind: str, *settings: str) -> Json:
    """The spec of the one object of this kind."""
    (one,) = of_kind(render(CPU, settings=settings, namespace="clinic"), kind).values()
    spec: Json = one["spec"]
    return spec


def test_nothing_of_it_by_default() -> None:
    kinds = {one["kind"] for one in render()}
    assert not kinds & {"Ingress", "HTTPRoute", "Certificate", "ReferenceGrant"}


@pytest.mark.parametrize(
    ("values", "deadline", "timeout"),
    [
        pytest.param(CPU, 10, "15s", id="default"),
        pytest.param(CHART / "ci" / "everything-values.yaml", 2.5, "8s", id="rounded-up"),
    ],
)
def test_the_gateway_waits_longer_than_the_api(values: Path, deadline: float, timeout: str) -> None:
    objects = render(values, settings=GATEWAY)
    (rule,) = of_kind(objects, "HTTPRoute")["medinfer-api"]["spec"]["rules"]
    assert rule["timeouts"] == {"request": timeout}
    (container,) = of_kind(objects, "Deployment")["medinfer-api"]["spec"]["template"]["spec"]["containers"]
    assert {"name": "MEDINFER_API_DEADLINE_SECONDS", "value": str(deadline)} in container["env"]


def test_both_ways_lead_to_the_public_port_alone() -> None:
    objects = render(CPU, settings=[*INGRESS, *GATEWAY, "api.service.port=80"])
    service = of_kind(objects, "Service")["medinfer-api"]["spec"]
    assert [(port["name"], port["port"], port["targetPort"]) for port in service["ports"]] == [("http", 80, "http")]
    (rule,) = of_kind(objects, "HTTPRoute")["medinfer-api"]["spec"]["rules"]
    (backend,) = rule["backendRefs"]
    assert (backend["kind"], backend["name"], backend["port"]) == ("Service", "medinfer-api", 80)
    (host,) = of_kind(objects, "Ingress")["medinfer-api"]["spec"]["rules"]
    assert host["http"]["paths"][0]["backend"] == {"service": {"name": "medinfer-api", "port": {"name": "http"}}}


def test_everybody_is_let_in_only_where_that_is_meant() -> None:
    """Without it the chart refuses: see bad_values.yaml."""
    gateway = [setting for setting in GATEWAY if setting != KEYS]
    assert made("HTTPRoute", *gateway, "api.auth.allowAnonymous=true")


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        pytest.param(INGRESS, ["a.example.org"], id="ingress"),
        pytest.param((*GATEWAY, HOSTNAMES), ["b.example.org", "c.example.org"], id="gateway"),
        pytest.param((*INGRESS, *GATEWAY, HOSTNAMES), ["a.example.org", "b.example.org", "c.example.org"], id="both"),
        pytest.param((*INGRESS, HOSTNAMES), ["a.example.org"], id="names-of-a-route-that-is-off"),
    ],
)
def test_the_certificate_is_for_the_names_of_the_ways_in(settings: tuple[str, ...], names: list[str]) -> None:
    certificate = made("Certificate", *settings, ISSUER)
    assert certificate["dnsNames"] == names
    assert certificate["secretName"] == "medinfer-api-tls"
    assert certificate["issuerRef"] == {"name": "hospital"}


@pytest.mark.parametrize(
    ("settings", "secret"),
    [
        pytest.param([], None, id="plain"),
        pytest.param(["api.ingress.tlsSecretName=own"], "own", id="of-the-hospital"),
        pytest.param([ISSUER], "medinfer-api-tls", id="of-cert-manager"),
        pytest.param([ISSUER, "api.certificate.secretName=b"], "b", id="of-cert-manager-with-a-name"),
        pytest.param([ISSUER, "api.ingress.tlsSecretName=own"], "own", id="the-certificate-is-for-the-gateway"),
    ],
)
def test_the_ingress_ends_tls_with(settings: list[str], secret: str | None) -> None:
    tls = made("Ingress", *INGRESS, *settings).get("tls")
    assert tls == (secret and [{"hosts": ["a.example.org"], "secretName": secret}])


@pytest.mark.parametrize(
    ("settings", "namespaces"),
    [
        pytest.param([ISSUER, ELSEWHERE], ["gateways"], id="another-namespace"),
        pytest.param([ISSUER, "api.gateway.parentRefs[0].namespace=clinic"], [], id="the-release's-own"),
        pytest.param([ISSUER], [], id="the-release's-own-by-default"),
        pytest.param([ELSEWHERE], [], id="no-certificate"),
    ],
)
def test_a_gateway_elsewhere_may_read_that_one_secret(settings: list[str], namespaces: list[str]) -> None:
    objects = render(CPU, settings=[*GATEWAY, HOSTNAMES, *settings], namespace="clinic")
    grants = [one["spec"] for one in of_kind(objects, "ReferenceGrant").values()]
    assert [one["namespace"] for grant in grants for one in grant["from"]] == namespaces
    assert [grant["to"] for grant in grants] == [
        [{"group": "", "kind": "Secret", "name": "medinfer-api-tls"}] for _ in namespaces
    ]
