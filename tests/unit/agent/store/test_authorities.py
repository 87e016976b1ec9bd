"""A store whose certificate was signed by an authority of the hospital's own."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from replica_agent.store.download import download
from replica_agent.store.errors import StoreError
from replica_agent.store.rules import Rules

from ci.stack.certificates import Authority

HOST = "127.0.0.1"
DATA = b"bundle" * 1000
DIGEST = f"sha256:{sha256(DATA).hexdigest()}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        self.wfile.write(DATA)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "hospital")


@pytest.fixture
def store(authority: Authority) -> Iterator[str]:
    """The address of a bundle."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("store", addresses=(HOST,)))
    with http.server.ThreadingHTTPServer((HOST, 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://{HOST}:{server.server_port}/m-2.tar"
        server.shutdown()
        thread.join()


@pytest.fixture(params=["https", "s3"])
def uri(store: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same bundle, by either protocol."""
    if request.param == "https":
        return store
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.rpartition("/")[0])
    return "s3://bundles/m-2.tar"


def fetch(store: str, target: Path, ca_file: Path | None) -> str:
    rules = Rules(("https://", "s3://"), allow_local_addresses=True, ca_file=ca_file)
    return download(store, target, lambda received, total: None, rules, DIGEST)


def test_a_store_is_trusted_by_the_authority_that_is_named(uri: str, authority: Authority, tmp_path: Path) -> None:
    assert fetch(uri, tmp_path / "bundle", authority.certificate) == DIGEST


@pytest.mark.parametrize("named", ["nobody", "another"])
def test_a_store_that_nobody_trusts_is_refused_at_once_with_the_mend(uri: str, tmp_path: Path, named: str) -> None:
    ca_file = Authority(tmp_path / "another").certificate if named == "another" else None
    with pytest.raises(StoreError, match=r"its certificate is not one that the agent trusts.*caConfigMapName"):
        fetch(uri, tmp_path / "bundle", ca_file)
    assert (tmp_path / "bundle").read_bytes() == b""


def test_a_file_of_authorities_that_is_missing_is_named(store: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="FileNotFoundError"):
        fetch(store, tmp_path / "bundle", tmp_path / "nothing.crt")
