"""What a registry may do to an agent: lie about a bundle, send it elsewhere, ask for passwords."""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from modelctl.bundle.oci import artifact
from modelctl.bundle.oci.artifact import MAX_MANIFEST_BYTES, SIGNATURE, Layer, digest_of
from modelctl.bundle.oci.reference import signature_address, signature_tag
from replica_agent.store.download import download
from replica_agent.store.errors import Refused, StoreError, WrongDigest
from replica_agent.store.rules import Rules

from ci.stack.certificates import Authority
from tests.unit.agent.store.registries import BUNDLE, DIGEST, MANIFEST, Answer, StrangeRegistry, strange_registry

PASSWORD = "Basic " + b64encode(b"joe:tiger").decode()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "hospital")


@pytest.fixture
def registry(authority: Authority) -> Iterator[StrangeRegistry]:
    with strange_registry(authority) as registry:
        yield registry


def rules_for(registry: StrangeRegistry, *prefixes: str, secret: bool = False, folder: Path | None = None) -> Rules:
    """Only this registry, and `prefixes`."""
    rules = Rules((f"oci://{registry.host}/models/", *prefixes), allow_local_addresses=True, ca_file=registry.authority)
    if not secret or folder is None:
        return rules
    file = folder / "config.json"
    file.write_text(json.dumps({"auths": {registry.host: {"username": "joe", "password": "tiger"}}}))
    return replace(rules, pull_secret_file=file)


def fetch(uri: str, folder: Path, rules: Rules, digest: str = DIGEST) -> str:
    return download(uri, folder / "target", lambda received, total: None, rules, digest)


def test_a_bundle(registry: StrangeRegistry, tmp_path: Path) -> None:
    assert fetch(registry.uri(), tmp_path, rules_for(registry)) == DIGEST
    assert (tmp_path / "target").read_bytes() == BUNDLE
    assert [one.path for one in registry.asked] == [registry.manifest, registry.blob]


def test_another_bundle_than_the_plans_is_named_before_a_byte_of_it_comes(
    registry: StrangeRegistry, tmp_path: Path
) -> None:
    wanted = f"sha256:{7:064x}"
    with pytest.raises(WrongDigest, match=f"is the bundle with digest {DIGEST}, the plan says {wanted}"):
        fetch(registry.uri(), tmp_path, rules_for(registry), wanted)
    assert [one.path for one in registry.asked] == [registry.manifest]


INDEX = b'{"schemaVersion":2,"manifests":[]}'
HUGE = MANIFEST[:-1] + b" " * MAX_MANIFEST_BYTES + b"}"
WITHOUT_END = artifact.build(Layer(DIGEST, 1 << 40), "m-2.tar", 2)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        pytest.param(INDEX, "index of several manifests", id="index"),
        pytest.param(HUGE, "gives more than 65536 bytes", id="huge"),
        pytest.param(WITHOUT_END, "is not the 1099511627776 bytes", id="size-of-another"),
    ],
)
def test_a_manifest_that_is_no_bundles_is_asked_for_once(
    registry: StrangeRegistry, tmp_path: Path, manifest: bytes, message: str
) -> None:
    with pytest.raises(Refused, match=message):
        fetch(registry.serve(manifest), tmp_path, rules_for(registry))
    assert sum("manifests" in one.path for one in registry.asked) == 1


def test_other_bytes_than_the_manifest_asked_for(registry: StrangeRegistry, tmp_path: Path) -> None:
    registry.answers[registry.manifest] = [(200, {}, MANIFEST + b" ")]
    with pytest.raises(Refused, match=f"{digest_of(MANIFEST + b' ')} for {digest_of(MANIFEST)}"):
        fetch(registry.uri(), tmp_path, rules_for(registry))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((200, {}, BUNDLE + b"x"), id="longer"),
        pytest.param((200, {}, BUNDLE[:-1]), id="shorter"),
        pytest.param((200, {"Content-Length": str(1 << 40)}, BUNDLE), id="announced-as-longer"),
        pytest.param((200, {"Content-Length": None}, BUNDLE + b"x"), id="longer-without-a-size"),
    ],
)
def test_a_layer_of_another_size_than_the_manifests(registry: StrangeRegistry, tmp_path: Path, answer: Answer) -> None:
    registry.answers[registry.blob] = [answer]
    with pytest.raises(Refused, match="the registry's layer is not the 6000 bytes that its manifest names"):
        fetch(registry.uri(), tmp_path, rules_for(registry))
    assert (tmp_path / "target").stat().st_size <= len(BUNDLE)


@pytest.mark.parametrize("where", ["manifest", "blob"])
def test_a_redirect_takes_no_password_along(
    registry: StrangeRegistry, authority: Authority, tmp_path: Path, where: str
) -> None:
    with strange_registry(authority, "127.0.0.2") as elsewhere:
        path = getattr(registry, where)
        basic: Answer = (401, {"WWW-Authenticate": 'Basic realm="r"'}, b"")
        registry.answers[registry.manifest] = [basic, (200, {}, MANIFEST)]
        registry.answers[path] = [
            *registry.answers.get(path, [])[:1],
            (307, {"Location": f"https://{elsewhere.host}{path}"}, b""),
        ]
        rules = rules_for(registry, f"https://{elsewhere.host}/", secret=True, folder=tmp_path)
        assert fetch(registry.uri(), tmp_path, rules) == DIGEST
        assert registry.passwords(path)[-1] == PASSWORD and elsewhere.passwords(path) == [None]


def test_a_redirect_leads_nowhere_that_the_settings_do_not_allow(registry: StrangeRegistry, tmp_path: Path) -> None:
    for to, message in (
        ("https://127.0.0.2:9/x", "is under none of the allowed addresses"),
        ("http://127.0.0.2:9/x", "leads to http://127.0.0.2:9/x, which is not https"),
        (f"http://{registry.host}/x", "which is not https"),
    ):
        registry.answers[registry.blob] = [(307, {"Location": to}, b"")]
        with pytest.raises(Refused, match=message):
            fetch(registry.uri(), tmp_path, rules_for(registry))


def test_a_registry_on_a_local_address_is_not_asked(registry: StrangeRegistry, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="a loopback or link-local address"):
        fetch(registry.uri(), tmp_path, replace(rules_for(registry), allow_local_addresses=False))
    assert not registry.asked


def bearer(realm: str) -> Answer:
    return 401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="reg",scope="registry:catalog:*"'}, b""


def test_a_password_goes_to_the_realm_and_the_token_to_the_registry(registry: StrangeRegistry, tmp_path: Path) -> None:
    registry.answers[registry.manifest] = [bearer(f"https://{registry.host}/token?a=b"), (200, {}, MANIFEST)]
    registry.answers["/token"] = [(200, {}, b'{"token":"t1"}')]
    assert fetch(registry.uri(), tmp_path, rules_for(registry, secret=True, folder=tmp_path)) == DIGEST
    assert registry.passwords("/token") == [PASSWORD]
    assert registry.passwords(registry.manifest) == [None, "Bearer t1"]
    assert registry.passwords(registry.blob) == ["Bearer t1"]
    (asked,) = (one.path for one in registry.asked if one.path.startswith("/token"))
    assert asked == "/token?a=b&scope=repository:models/m:pull&service=reg"


def test_a_token_that_expires_between_manifest_and_layer_is_renewed_once(
    registry: StrangeRegistry, tmp_path: Path
) -> None:
    expired = bearer(f"https://{registry.host}/token")
    registry.answers[registry.manifest] = [expired, (200, {}, MANIFEST)]
    registry.answers[registry.blob] = [expired, (200, {}, BUNDLE)]
    registry.answers["/token"] = [(200, {}, b'{"token":"t1"}'), (200, {}, b'{"token":"t2"}')]
    assert fetch(registry.uri(), tmp_path, rules_for(registry)) == DIGEST
    assert registry.passwords(registry.blob) == ["Bearer t1", "Bearer t2"]


@pytest.mark.parametrize(
    ("realm", "message"),
    [
        pytest.param("https://127.0.0.2:9/token", "is under none of the allowed addresses", id="elsewhere"),
        pytest.param("http://{host}/token", "which is not https", id="http"),
        pytest.param("https://169.254.169.254/token", "is under none of the allowed", id="metadata"),
        pytest.param("file:///etc/passwd", "no address of https", id="file"),
        pytest.param("https://u:p@{host}/token", "no address of https", id="user"),
        pytest.param("/token", "no address of https", id="relative"),
        pytest.param("https://[/", "no address of https", id="broken"),
    ],
)
def test_a_realm_that_gets_no_password(registry: StrangeRegistry, tmp_path: Path, realm: str, message: str) -> None:
    registry.answers[registry.manifest] = [bearer(realm.format(host=registry.host))]
    with pytest.raises(Refused, match=message) as refused:
        fetch(registry.uri(), tmp_path, rules_for(registry, secret=True, folder=tmp_path))
    assert "tiger" not in str(refused.value) and PASSWORD[6:] not in str(refused.value)
    assert not registry.passwords("/token")


@pytest.mark.parametrize(
    ("token", "message"),
    [
        pytest.param((401, {}, b"tiger"), r"gives no token \(HTTP 401\); give the Secret", id="refuses"),
        pytest.param((200, {}, b"tiger"), "gives no token", id="no-json"),
        pytest.param((200, {}, b'"' + b"x" * 70000), "gives more than 65536 bytes", id="huge"),
        pytest.param((307, {"Location": "/other"}, b""), "gives no token", id="redirect"),
    ],
)
def test_a_realm_that_gives_no_token(registry: StrangeRegistry, tmp_path: Path, token: Answer, message: str) -> None:
    registry.answers[registry.manifest] = [bearer(f"https://{registry.host}/token")]
    registry.answers["/token"] = [token]
    with pytest.raises(Refused, match=message) as refused:
        fetch(registry.uri(), tmp_path, rules_for(registry, secret=True, folder=tmp_path))
    assert "tiger" not in str(refused.value)
    assert not registry.passwords("/other") and len(registry.passwords("/token")) == 1


@pytest.mark.parametrize(
    ("challenges", "secret", "message"),
    [
        pytest.param(['Basic realm="r"'], False, "asks for a password; give the Secret", id="no-secret"),
        pytest.param(['Basic realm="r"'], True, r"the registry refuses \(HTTP 401\); give the Secret", id="wrong"),
        pytest.param(["Negotiate"], True, "neither Basic nor Bearer", id="another-kind"),
    ],
)
def test_logins_that_fail_ask_once(
    registry: StrangeRegistry, tmp_path: Path, challenges: list[str], secret: bool, message: str
) -> None:
    registry.answers[registry.manifest] = [(401, {"WWW-Authenticate": one}, b"") for one in challenges]
    with pytest.raises(Refused, match=message):
        fetch(registry.uri(), tmp_path, rules_for(registry, secret=secret, folder=tmp_path))
    assert len(registry.asked) <= 2


def test_without_tls_only_where_it_is_named_and_never_with_a_password(authority: Authority, tmp_path: Path) -> None:
    with strange_registry(authority, tls=False) as registry:
        rules = rules_for(registry, secret=True, folder=tmp_path)
        with pytest.raises(StoreError, match=r"took longer than 0.3 s"):
            fetch(registry.uri(), tmp_path, replace(rules, prefixes=(*rules.prefixes, "http://"), timeout_seconds=0.3))
        assert not registry.asked
        plain = replace(rules, prefixes=(*rules.prefixes, f"http://{registry.host}/"))
        assert fetch(registry.uri(), tmp_path, plain) == DIGEST
        registry.answers[registry.manifest] = [(401, {"WWW-Authenticate": 'Basic realm="r"'}, b"")]
        with pytest.raises(Refused, match="asks for a password"):
            fetch(registry.uri(), tmp_path, plain)
        assert {one.authorization for one in registry.asked} == {None}


def test_only_the_signature_of_this_bundle_may_be_asked_by_a_tag(registry: StrangeRegistry, tmp_path: Path) -> None:
    address = signature_address(registry.uri(), DIGEST)
    path = f"/v2/models/m/manifests/{signature_tag(DIGEST)}"
    registry.answers[path] = [(200, {}, MANIFEST)]
    with pytest.raises(Refused, match=r"the artifact is 'application/vnd\.medinfer\.model\.v1', a signature's is"):
        fetch(address, tmp_path, rules_for(registry))
    signed = artifact.build(Layer(DIGEST, len(BUNDLE)), "m-2.tar.sig", 2, SIGNATURE)
    registry.answers[path] = [(200, {}, signed)]
    assert fetch(address, tmp_path, rules_for(registry)) == DIGEST
    for other in (signature_address(registry.uri(), f"sha256:{7:064x}"), f"oci://{registry.host}/models/m:2"):
        with pytest.raises(Refused, match="a tag can come to mean other bytes"):
            fetch(other, tmp_path, rules_for(registry))
