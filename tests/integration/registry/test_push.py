"""modelctl push and resolve against a real registry."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from modelctl.bundle.oci.reference import signature_address
from modelctl.main import main
from replica_agent.store.download import download
from replica_agent.store.errors import Missing
from replica_agent.store.rules import Rules

from ci.stack.certificates import Authority
from ci.stack.documents import digest_of
from ci.stack.registry import Registry
from tests.integration.registry.conftest import PASSWORD, USER, write_login

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Ended:
    status: int
    stdout: str
    stderr: str


Modelctl = Callable[..., Ended]


@pytest.fixture
def modelctl(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Modelctl:
    """As somebody types it whose home is `tmp_path`."""
    for name in ("DOCKER_CONFIG", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*arguments: str) -> Ended:
        return Ended(main(list(arguments)), *capsys.readouterr())

    return run


def uploads(registry: Registry) -> int:
    return registry.log.read_text().count('"POST /v2/')


def test_a_bundle_is_pushed_once_and_found_by_its_tag(
    registry: Registry,
    authority: Authority,
    bundles: Path,
    tmp_path: Path,
    modelctl: Modelctl,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle, to = bundles / "resnet_medical-1.tar", f"oci://{registry.host}/models/resnet_medical"
    write_login(registry.host, tmp_path / ".docker/config.json")
    ca = ("--ca", str(authority.certificate))
    pushed = modelctl("push", str(bundle), to, *ca)
    assert pushed.status == 0, pushed.stderr
    uri, digest = pushed.stdout.splitlines()
    assert uri.startswith(f"uri: {to}@sha256:") and digest == f"digest: {digest_of(bundle)}"
    before = uploads(registry)
    for again in (("push", str(bundle), to), ("resolve", f"{to}:1"), ("resolve", uri.removeprefix("uri: "))):
        found = modelctl(*again, *ca)
        assert (found.stdout, found.stderr) == (pushed.stdout, "")
    assert uploads(registry) == before
    (tmp_path / ".docker/config.json").unlink()
    monkeypatch.setenv("MODELCTL_USERNAME", USER)
    monkeypatch.setenv("MODELCTL_PASSWORD", PASSWORD)
    assert modelctl("push", str(bundle), f"{to}:v1", *ca).stdout == pushed.stdout


def test_a_signature_beside_the_bundle_goes_along(
    registry: Registry, authority: Authority, bundles: Path, tmp_path: Path, modelctl: Modelctl
) -> None:
    bundle = tmp_path / "resnet_medical-2.tar"
    shutil.copy(bundles / bundle.name, bundle)
    login = write_login(registry.host, tmp_path / ".docker/config.json")
    to, digest = f"oci://{registry.host}/models/signed", digest_of(bundle)
    rules = Rules((f"{to}",), allow_local_addresses=True, ca_file=authority.certificate, pull_secret_file=login)

    def pull(uri: str) -> bytes:
        download(uri, tmp_path / "target", lambda received, total: None, rules, digest)
        return (tmp_path / "target").read_bytes()

    for signature in (None, b"first", b"second"):
        if signature:
            (tmp_path / f"{bundle.name}.sig").write_bytes(signature)
        pushed = modelctl("push", str(bundle), to, "--ca", str(authority.certificate))
        uri = pushed.stdout.splitlines()[0].removeprefix("uri: ")
        assert pull(uri) == bundle.read_bytes()
        if signature:
            assert pull(signature_address(uri, digest)) == signature
        else:
            with pytest.raises(Missing, match="HTTP 404"):
                pull(signature_address(uri, digest))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("push", "{bundle}", "{to}"), "not one that this machine trusts; name its authority", id="no-ca"),
        pytest.param(("push", "{bundle}", "{to}", "--ca", "{ca}"), "HTTP 401 .*docker login, or set", id="no-password"),
        pytest.param(("push", "{bundle}", "{to}@{digest}", "--ca", "{ca}"), "push makes the digest", id="digest"),
        pytest.param(("push", "{bundle}", "https://{host}/m"), "is no address in a registry", id="https"),
        pytest.param(("push", "{ca}", "{to}"), "bundle is empty or truncated|not a bundle", id="no-bundle"),
        pytest.param(("push", "{bundle}", "{to}", "--ca", "/nothing"), "/nothing", id="no-such-ca"),
        pytest.param(("push", "{bundle}", "{to}", "--plain-http"), "HTTP 400", id="plain"),
        pytest.param(("resolve", "{to}"), "name one, as in oci://HOST/REPOSITORY:TAG", id="no-tag"),
        pytest.param(("resolve", "oci://127.0.31.5:9/m:1"), "127.0.31.5:9: ConnectionError", id="away"),
    ],
)
def test_refused_with_the_mend(
    registry: Registry,
    authority: Authority,
    bundles: Path,
    modelctl: Modelctl,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    places = {
        "bundle": bundles / "resnet_medical-1.tar",
        "to": f"oci://{registry.host}/models/refused",
        "host": registry.host,
        "ca": authority.certificate,
        "digest": f"sha256:{1:064x}",
    }
    refused = modelctl(*(one.format(**places) for one in arguments))
    assert refused.status == 1 and refused.stdout == ""
    assert re.fullmatch(f"modelctl: .*({message}).*\n", refused.stderr), refused.stderr
