"""Tokens instead of keys: of the API server's ServiceAccounts, and of an OIDC issuer that is away."""

import json
import secrets
import shutil
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from ci.load.images import grey_jpeg
from ci.stack.api import Api
from ci.stack.certificates import Authority
from ci.stack.folders import ROOT
from ci.stack.issuer import OidcIssuer
from ci.stack.processes import Process
from ci.stack.waiting import wait_until
from tests.harness import routes
from tests.harness.rollout.namespace import Namespace

ADDRESS, ISSUER_ADDRESS = "127.0.4.102", "127.0.4.103"
CLUSTER = "https://kubernetes.default.svc"
AUDIENCE = "medinfer"
PROVIDER, PROVIDER_PORT = ROOT / ".cache" / "issuer", 9443

pytestmark = pytest.mark.integration


def let_everybody_read_the_signing_keys(namespace: Namespace) -> None:
    """A pod of a cluster may read them by its own token; a process outside has none."""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"signing-keys-{namespace.name}"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "system:service-account-issuer-discovery",
        },
        "subjects": [
            {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:unauthenticated"},
        ],
    }
    namespace.client.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)


def service_account_token(namespace: Namespace, account: str, audience: str = AUDIENCE) -> str:
    """As the kubelet asks for a projected token."""
    accounts = f"/api/v1/namespaces/{namespace.name}/serviceaccounts"
    if namespace.client.find(f"{accounts}/{account}") is None:
        namespace.client.create(accounts, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}})
    spec = {"audiences": [audience], "expirationSeconds": 3600}
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    return str(namespace.client.create(f"{accounts}/{account}/token", request)["status"]["token"])


def write(path: Path, issuer: dict[str, Any], **claims: str) -> None:
    client = {"scopes": ["predict"], "tokens": [{"issuer": issuer["issuer"], "claims": claims}]}
    path.write_text(json.dumps({"schemaVersion": 1, "issuers": [issuer], "clients": {"ris": client}}))


def predict(api: Api, token: str, http: httpx.Client | None = None) -> str:
    """The kind of problem: no replica answers here, which is found out after the client was let in."""
    headers = {"Authorization": f"Bearer {token}"}
    post = http.post if http else httpx.post
    answer = post(f"{api.url}/predict", files={"image": grey_jpeg()}, headers=headers, timeout=60)
    return str(answer.json()["type"]).rpartition(":")[2]


def answers_under_load(api: Api, tokens: Sequence[str]) -> set[str]:
    """What 50 clients at once are told: one entry when all are told the same."""
    with httpx.Client(timeout=60) as http, ThreadPoolExecutor(50) as clients:
        return set(clients.map(lambda token: predict(api, token, http), islice(cycle(tokens), 50)))


def start(folder: Path) -> Api:
    """With an access document at `folder`/access.json."""
    environment = {"ACCESS_FILE": str(folder / "access.json"), "DRAIN_SECONDS": "0"}
    api = Api("api", f"{ADDRESS}:8002", folder, environment=environment)
    api.follow(routes.only_stable())
    api.start()
    api.wait_until_ready(f"{api.url}/health", 90)
    return api


def test_a_service_account_needs_no_key_and_the_api_server_may_go_away(namespace: Namespace, tmp_path: Path) -> None:
    let_everybody_read_the_signing_keys(namespace)
    plane = namespace.cluster.plane
    issuer = {
        "issuer": CLUSTER,
        "audience": AUDIENCE,
        "jwksUri": f"{plane.url}/openid/v1/jwks",
        "ca": plane.certificate.read_text(),
    }
    write(tmp_path / "access.json", issuer, sub=f"system:serviceaccount:{namespace.name}:worker")
    good = [service_account_token(namespace, "worker") for _ in range(5)]
    another, for_the_api_server = (
        service_account_token(namespace, "other"),
        service_account_token(namespace, "worker", CLUSTER),
    )
    api = start(tmp_path)
    try:
        assert predict(api, good[0]) == "no-replica"
        assert predict(api, another) == "no-client"
        assert predict(api, for_the_api_server) == "bad-credentials"
        plane.stop_api_server()
        assert answers_under_load(api, good) == {"no-replica"}
        assert predict(api, another) == "no-client"
    finally:
        api.stop()


def test_an_issuer_that_is_away_comes_back_and_signs_with_another_key(tmp_path: Path) -> None:
    with OidcIssuer(tmp_path / "issuer", ISSUER_ADDRESS) as issuer:
        write(tmp_path / "access.json", issuer.entry(AUDIENCE), sub="robot")
        before = issuer.token(AUDIENCE, sub="robot")
        issuer.stop()
        api = start(tmp_path)
        try:
            assert predict(api, before) == "issuer-unreachable"
            issuer.start()
            wait_until(lambda: predict(api, before) == "no-replica", "the signing keys are read")
            issuer.stop()
            never_seen = [issuer.token(AUDIENCE, sub="robot") for _ in range(20)]
            assert answers_under_load(api, never_seen) == {"no-replica"}
            issuer.start()
            issuer.rotate()
            after = issuer.token(AUDIENCE, sub="robot")
            wait_until(lambda: predict(api, after) == "no-replica", "the new key is asked for")
            assert predict(api, before) == "no-replica"
            asked = issuer.requests
            for _ in range(20):
                assert predict(api, after.replace(".", ".x", 1)) == "bad-credentials"
            assert issuer.requests - asked <= 2, "strangers do not make the API ask the issuer"
        finally:
            api.stop()


class OidcProvider:
    """npm's oidc-provider, which `ci/issuer/install` installs; the client `robot` gets tokens by its secret.

    Each start signs with another key. It is made here: Node 20 was once seen to stand still while it made one.
    """

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder / "pki")
        certificate, key = authority.issue("issuer", addresses=(ISSUER_ADDRESS,))
        self.url, self._ca = f"https://{ISSUER_ADDRESS}:{PROVIDER_PORT}", authority.certificate
        self._signing_key = folder / "signing-key.json"
        files, port = (str(certificate), str(key)), str(PROVIDER_PORT)
        command = ["node", str(PROVIDER / "issuer.js"), *files, ISSUER_ADDRESS, port, str(self._signing_key)]
        self.process = Process("oidc-provider", command, {}, folder / "oidc-provider.log")

    def start(self) -> None:
        key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(8), "use": "sig", "alg": "RS256"})
        self._signing_key.write_text(json.dumps(key.as_dict(private=True)))
        self.process.start()
        self.process.wait_until_ready(f"{self.url}/.well-known/openid-configuration", 60, self._context())

    def entry(self) -> dict[str, Any]:
        return {"issuer": self.url, "audience": "urn:medinfer", "ca": self._ca.read_text()}

    def token(self, resource: str = "urn:medinfer") -> str:
        form = {"grant_type": "client_credentials", "resource": resource}
        with httpx.Client(verify=self._context()) as http:
            answer = http.post(f"{self.url}/token", data=form, auth=("robot", "of-the-tests"), timeout=30)
        return str(answer.raise_for_status().json()["access_token"])

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._ca)


def test_a_real_oidc_provider_is_killed_and_comes_back_with_another_key(tmp_path: Path) -> None:
    if not (PROVIDER / "installed").exists() or not shutil.which("node"):
        pytest.skip("oidc-provider is the issuer: install Node 20 or later with npm, and run make issuer")
    provider = OidcProvider(tmp_path)
    provider.start()
    write(tmp_path / "access.json", provider.entry(), sub="robot")
    api = start(tmp_path)
    try:
        tokens = [provider.token() for _ in range(5)]
        assert predict(api, tokens[0]) == "no-replica"
        assert predict(api, provider.token("urn:other")) == "bad-credentials"
        provider.process.kill()
        assert answers_under_load(api, tokens) == {"no-replica"}
        provider.start()
        after = provider.token()
        wait_until(lambda: predict(api, after) == "no-replica", "the new key is asked for")
        assert predict(api, tokens[0]) == "bad-credentials", "its key was taken back"
    finally:
        api.stop()
        provider.process.stop()
