"""Addresses, manifests, logins and credentials of registries: what is read, and what is refused with which words."""

import base64
import json
from typing import Any

import pytest
from modelctl.bundle.oci import artifact, challenge, docker_config
from modelctl.bundle.oci.artifact import BUNDLE, INDEX_TYPES, Layer, digest_of
from modelctl.bundle.oci.challenge import Challenge
from modelctl.bundle.oci.docker_config import Credential
from modelctl.bundle.oci.errors import InvalidArtifact
from modelctl.bundle.oci.reference import Reference, parse, parse_pinned

DIGEST = f"sha256:{1:064x}"
LAYER = Layer(DIGEST, 1234)
MANIFEST = artifact.build(LAYER, "resnet_medical-3.tar", 3)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param("oci://h/m", Reference("h", "m"), id="bare"),
        pytest.param("oci://h:5000/a/b_c:v1.0", Reference("h:5000", "a/b_c", "v1.0"), id="tag"),
        pytest.param(f"oci://[::1]:5000/m@{DIGEST}", Reference("[::1]:5000", "m", None, DIGEST), id="digest"),
        pytest.param(f"oci://h/m:3@{DIGEST}", Reference("h", "m", "3", DIGEST), id="both"),
    ],
)
def test_addresses(uri: str, expected: Reference) -> None:
    assert parse(uri) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "https://h/m", "oci://h", "oci://h/", "oci://h/M", "oci://h/m/", "oci://h//m", "oci://h/../m", "oci://u:p@h/m",
        "oci://h/m:", "oci://h/m@sha256:0", "oci://h/m?a", "oci://h /m", "oci://-h/m", f"oci://h/{'m' * 2048}",
        f"oci://h/m@{DIGEST}\n",
    ],
)  # fmt: skip
def test_what_is_no_address(uri: str) -> None:
    with pytest.raises(InvalidArtifact, match="is no address in a registry; write oci://HOST/REPOSITORY"):
        parse(uri)


@pytest.mark.parametrize("uri", ["oci://h/m", "oci://h/m:3", f"oci://h/m:3@{DIGEST}"])
def test_a_tag_is_refused_with_the_way_to_the_digest(uri: str) -> None:
    with pytest.raises(InvalidArtifact, match=r"a tag can come to mean other bytes; write oci://h/m@sha256:.*resolve"):
        parse_pinned(uri)


def changed(**changes: Any) -> bytes:
    return json.dumps(json.loads(MANIFEST) | changes).encode()


def layer(**changes: Any) -> bytes:
    (only,) = json.loads(MANIFEST)["layers"]
    return changed(layers=[only | changes])


def test_what_push_writes_is_read() -> None:
    assert artifact.parse(MANIFEST, digest_of(MANIFEST)) == LAYER
    with_notes = changed(annotations={"org.opencontainers.image.created": "2026-11-29T00:00:00Z"})
    assert artifact.parse(with_notes, digest_of(with_notes)) == LAYER


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "no JSON", id="empty"),
        pytest.param(b"[" * 60000, "no JSON", id="deep"),
        pytest.param(b"[]", "no JSON object", id="list"),
        pytest.param(changed(mediaType=INDEX_TYPES[0], manifests=[]), "index of several manifests", id="index"),
        pytest.param(b'{"schemaVersion":2,"manifests":[]}', "index of several manifests", id="index-without-type"),
        pytest.param(changed(mediaType=INDEX_TYPES[1]), "index of several manifests", id="docker-list"),
        pytest.param(changed(mediaType="text/html"), "the manifest is 'text/html'", id="another-type"),
        pytest.param(changed(schemaVersion=1), "the manifest is ", id="schema-1"),
        pytest.param(changed(artifactType=None), "the artifact is without a type", id="image"),
        pytest.param(changed(artifactType="\x1b[2Jx"), r"the artifact is '\\x1b\[2Jx'", id="terminal"),
        pytest.param(changed(layers=[]), "0 layers", id="no-layer"),
        pytest.param(changed(layers={}), "no layers", id="layers-of-another-kind"),
        pytest.param(changed(layers=[{}, {}]), "2 layers, a bundle is one", id="two-layers"),
        pytest.param(changed(layers=[7]), "1 layers", id="no-object"),
        pytest.param(layer(mediaType="application/vnd.oci.image.layer.v1.tar"), "a bundle is", id="image-layer"),
        pytest.param(layer(urls=["https://elsewhere/"]), "lies elsewhere", id="foreign"),
        pytest.param(layer(digest="sha512:0"), "layer's digest is 'sha512:0'", id="another-hash"),
        pytest.param(layer(digest=f"{DIGEST}/../x"), "layer's digest is", id="path-in-the-digest"),
        pytest.param(layer(size=-1), "layer's size is -1", id="negative"),
        pytest.param(layer(size=True), "layer's size is True", id="bool"),
        pytest.param(layer(size="1"), "layer's size is '1'", id="text"),
        pytest.param(layer(size=1.5), "layer's size is 1.5", id="fraction"),
    ],
)
def test_bad_manifests(content: bytes, message: str) -> None:
    with pytest.raises(InvalidArtifact, match=message):
        artifact.parse(content, digest_of(content))


def test_a_manifest_with_another_digest_is_refused_with_both() -> None:
    with pytest.raises(InvalidArtifact, match=f"{digest_of(MANIFEST)} for {DIGEST}"):
        artifact.parse(MANIFEST, DIGEST)


def test_the_layer_says_what_kind_it_is() -> None:
    (only,) = json.loads(MANIFEST)["layers"]
    assert (only["mediaType"], only["digest"], only["size"]) == (BUNDLE.layer_type, DIGEST, 1234)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (['Bearer realm="https://a/t",service="s",scope="repository:m:pull,push"'], Challenge("https://a/t", "s")),
        (['Basic realm="x, y"', 'bearer Realm="https://a/t"'], Challenge("https://a/t")),
        (['Basic realm="x"'], Challenge()),
    ],
)
def test_logins(headers: list[str], expected: Challenge) -> None:
    assert challenge.parse(headers) == expected


@pytest.mark.parametrize("headers", [[], [""], ["Negotiate"], ["Bearer"], ['Bearer service="s"'], ["Bearer realm"]])
def test_a_login_of_another_kind_is_refused(headers: list[str]) -> None:
    with pytest.raises(InvalidArtifact, match="neither Basic nor Bearer"):
        challenge.parse(headers)


def test_tokens() -> None:
    assert challenge.read_token(b'{"token":"a.b"}') == challenge.read_token(b'{"access_token":"a.b"}') == "a.b"
    for answer in (
        b"",
        b"tiger",
        b"[]",
        b"{}",
        b'{"token":7}',
        b'{"token":"a\\r\\nX:tiger"}',
        b'{"token":"\xc3\xa9"}',
    ):
        with pytest.raises(InvalidArtifact, match="gives no token") as refused:
            challenge.read_token(answer)
        assert "tiger" not in str(refused.value)


def config(*names: str) -> bytes:
    """Each entry's user is its own name."""
    return json.dumps({"auths": {name: {"username": name, "password": "tiger"} for name in names}}).encode()


@pytest.mark.parametrize(
    ("names", "host", "expected"),
    [
        pytest.param(["reg.example"], "reg.example", "reg.example", id="host"),
        pytest.param(["https://reg.example/v1/"], "reg.example", "https://reg.example/v1/", id="old-form"),
        pytest.param(["reg.example:5000"], "reg.example:5000", "reg.example:5000", id="port"),
        pytest.param(["reg.example"], "reg.example:5000", None, id="another-port"),
        pytest.param(["*.example"], "reg.example", "*.example", id="part"),
        pytest.param(["*.example"], "a.reg.example", None, id="a-star-is-one-part"),
        pytest.param(["*"], "reg.example", None, id="a-star-is-not-all"),
        pytest.param(["reg.example", "reg.example/models"], "reg.example", "reg.example/models", id="longest"),
        pytest.param(["reg.example/other"], "reg.example", None, id="another-path"),
        pytest.param(["reg.example.evil"], "reg.example", None, id="longer-host"),
        pytest.param(["[fd00::1]:5000"], "[fd00::1]:5000", "[fd00::1]:5000", id="ipv6"),
    ],
)
def test_an_entry_is_found_as_the_kubelet_does(names: list[str], host: str, expected: str | None) -> None:
    found = docker_config.find(config(*names), Reference(host, "models/resnet_medical"))
    assert (found and found.user) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"auth": base64.b64encode(b"joe:a:b").decode()}, Credential("joe", "a:b")),
        ({"username": "joe", "password": "tiger"}, Credential("joe", "tiger")),
        ({}, None),
        ({"email": "joe@h"}, None),
    ],
)
def test_entries(entry: dict[str, str], expected: Credential | None) -> None:
    assert docker_config.find(json.dumps({"auths": {"h": entry}}).encode(), Reference("h", "m")) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"tiger", b"[]", b"{}", b'{"auths":["tiger"]}', b'{"auths":{"h":"tiger"}}', b'{"auths":{"h":{"auth":"t!ger"}}}',
        b'{"auths":{"h":{"auth":7}}}', b'{"auths":{"h":{"username":7,"password":"tiger"}}}', b"\xff",
    ],
)  # fmt: skip
def test_credentials_that_cannot_be_read_are_not_told(content: bytes) -> None:
    with pytest.raises(InvalidArtifact, match=r"write (it|them) anew") as refused:
        docker_config.find(content, Reference("h", "m"))
    assert "tiger" not in str(refused.value) and "t!ger" not in str(refused.value)


def test_a_credential_does_not_show_its_password() -> None:
    assert "tiger" not in repr(Credential("joe", "tiger"))
