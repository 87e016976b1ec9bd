"""The signing keys are read over HTTPS from where the document says, and from nowhere else."""

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from inference_api.access import fetching
from inference_api.access.fetching import FetchFailed, fetch
from inference_api.access.issuers import ALGORITHMS, Issuer

from ci.stack.certificates import Authority

KEYS: dict[str, list[object]] = {"keys": []}
ADDRESS = "127.0.0.1"


class Answering(BaseHTTPRequestHandler):
    """Serves `answers`: status, headers and body by path; `asked` holds path and Authorization."""

    answers: dict[str, tuple[int, dict[str, str], bytes]]
    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        status, headers, body = self.answers[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[str]:
    serving = ThreadingHTTPServer((ADDRESS, 0), Answering)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("issuer", addresses=(ADDRESS,)))
    serving.socket = context.wrap_socket(serving.socket, server_side=True)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield f"https://{ADDRESS}:{serving.server_port}"
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.fixture(autouse=True)
def answering() -> None:
    Answering.answers, Answering.asked = {"/keys": (200, {}, json.dumps(KEYS).encode())}, []


def issuer(url: str, authority: Authority | None, jwks_uri: str = "", cluster: bool = False) -> Issuer:
    ca = authority.certificate.read_text() if authority else ""
    return Issuer(url, "medinfer", jwks_uri, ca, cluster, ALGORITHMS)


def discovery(**fields: Any) -> None:
    Answering.answers["/.well-known/openid-configuration"] = (200, {}, json.dumps(fields).encode())


def test_the_address_is_in_the_document_or_in_the_issuers_discovery(server: str, authority: Authority) -> None:
    assert fetch(issuer("https://absent.example.org", authority, f"{server}/keys")) == KEYS
    discovery(issuer=server, jwks_uri=f"{server}/keys")
    assert fetch(issuer(server, authority)) == KEYS
    assert [authorization for _, authorization in Answering.asked] == [None] * 3


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"issuer": "https://other", "jwks_uri": "{}/keys"}, "is of another issuer", id="another-issuer"),
        pytest.param({"issuer": "{}", "jwks_uri": "http://127.0.0.1/keys"}, "is not https", id="http"),
        pytest.param({"issuer": "{}", "jwks_uri": "file:///etc/passwd"}, "is not https", id="file"),
        pytest.param({"issuer": "{}"}, "is not https", id="no-address"),
    ],
)
def test_a_discovery_document_is_not_believed_everything(
    server: str, authority: Authority, fields: dict[str, str], reason: str
) -> None:
    discovery(**{name: value.format(server) for name, value in fields.items()})
    with pytest.raises(FetchFailed, match=reason):
        fetch(issuer(server, authority))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param((302, {"Location": "/other"}, b""), "302", id="redirect"),
        pytest.param((500, {}, b""), "500", id="error"),
        pytest.param((200, {}, b"<html>"), "cannot be read", id="no-json"),
        pytest.param((200, {}, b"[" * 100_000), "cannot be read", id="deep"),
        pytest.param((200, {}, b" " * (fetching.MAX_BYTES + 1)), "more than", id="too-long"),
    ],
)
def test_an_answer_that_is_none(
    server: str, authority: Authority, answer: tuple[int, dict[str, str], bytes], reason: str
) -> None:
    Answering.answers = {"/keys": answer, "/other": (200, {}, json.dumps(KEYS).encode())}
    with pytest.raises(FetchFailed, match=reason):
        fetch(issuer(server, authority, f"{server}/keys"))


def test_a_certificate_of_another_authority_is_refused(server: str, tmp_path: Path) -> None:
    for other in (Authority(tmp_path), None):
        with pytest.raises(FetchFailed, match=r"its certificate is not one that the API trusts; .* caConfigMapName"):
            fetch(issuer(server, other, f"{server}/keys"))
    assert Answering.asked == []


def test_authorities_beside_the_systems(server: str, authority: Authority, tmp_path: Path) -> None:
    """For an issuer that names none of its own; what the document names is alone trusted."""
    named = issuer("https://x", None, f"{server}/keys")
    assert fetch(named, authority.certificate) == KEYS
    other = Authority(tmp_path)
    for issuer_, ca_file in ((named, other.certificate), (replace(named, ca=other.certificate.read_text()), None)):
        with pytest.raises(FetchFailed, match="its certificate is not one that the API trusts"):
            fetch(issuer_, ca_file)
    with pytest.raises(FetchFailed, match="its certificate is not one that the API trusts"):
        fetch(replace(named, ca=other.certificate.read_text()), authority.certificate)


def test_authorities_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("no certificate")
    for ca_file in (tmp_path / "ca.crt", tmp_path / "absent.crt"):
        with pytest.raises(FetchFailed, match=f"{ca_file} has no certificates.*correct the key ca.crt"):
            fetch(issuer("https://x", None, "https://127.0.0.1:1/keys"), ca_file)


def test_nobody_answers() -> None:
    with pytest.raises(FetchFailed, match="Connection refused"):
        fetch(issuer("https://x", None, f"https://{ADDRESS}:1/keys"))


def test_the_keys_of_the_cluster_are_read_as_the_pod(server: str, authority: Authority, tmp_path: Path) -> None:
    Answering.answers["/openid/v1/jwks"] = Answering.answers["/keys"]
    host, port = server.removeprefix("https://").split(":")
    environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port, "HTTPS_PROXY": "http://absent:1"}
    cluster = issuer("https://kubernetes.default.svc", None, cluster=True)
    with pytest.raises(FetchFailed, match="own token cannot be read: No such file"):
        fetch(cluster, None, environment, tmp_path)
    (tmp_path / "token").write_text("pod-token\n")
    (tmp_path / "ca.crt").write_bytes(authority.certificate.read_bytes())
    assert fetch(cluster, None, environment, tmp_path) == KEYS
    assert Answering.asked == [("/openid/v1/jwks", "Bearer pod-token")]
    with pytest.raises(FetchFailed, match="does not run in a cluster"):
        fetch(cluster, None, {}, tmp_path)
