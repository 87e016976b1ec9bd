"""The manifest of a bundle in a registry: one layer, whose digest is the bundle's own. Read as bytes of a stranger."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from modelctl.bundle.oci.errors import InvalidArtifact
from modelctl.bundle.oci.reference import DIGEST

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MAX_MANIFEST_BYTES = 64 << 10  # ours has less than 1 KiB; oras and cosign add annotations

EMPTY_CONFIG = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_TITLE = "org.opencontainers.image.title"
_VERSION = "org.opencontainers.image.version"


@dataclass(frozen=True)
class Kind:
    """What an artifact is, by the media types of the whole and of its layer."""

    name: str
    artifact_type: str
    layer_type: str


BUNDLE = Kind("bundle", "application/vnd.medinfer.model.v1", "application/vnd.medinfer.model.v1+tar")
SIGNATURE = Kind(
    "signature", "application/vnd.medinfer.model.signature.v1", "application/vnd.dev.sigstore.bundle.v0.3+json"
)


@dataclass(frozen=True)
class Layer:
    """The bundle or signature: its digest `sha256:...`, its size in bytes."""

    digest: str
    size: int


def build(layer: Layer, file_name: str, version: int, kind: Kind = BUNDLE) -> bytes:
    """The manifest. The same bundle always has the same, so that pushing it again changes nothing."""
    config = {"mediaType": _EMPTY_TYPE, "digest": digest_of(EMPTY_CONFIG), "size": len(EMPTY_CONFIG)}
    found = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": kind.artifact_type,
        "config": config,
        "layers": [
            {
                "mediaType": kind.layer_type,
                "digest": layer.digest,
                "size": layer.size,
                "annotations": {_TITLE: file_name, _VERSION: str(version)},
            }
        ],
    }
    return json.dumps(found, separators=(",", ":")).encode()


def digest_of(content: bytes) -> str:
    """`sha256:<hex>`."""
    return f"sha256:{sha256(content).hexdigest()}"


def parse(content: bytes, digest: str, kind: Kind = BUNDLE) -> Layer:
    """The layer that the manifest with this digest names. Raises InvalidArtifact."""
    if digest_of(content) != digest:
        raise InvalidArtifact(f"the registry gave a manifest with digest {digest_of(content)} for {digest}")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidArtifact("the manifest is no JSON; push the bundle with modelctl push") from None
    if not isinstance(found, dict):
        raise InvalidArtifact("the manifest is no JSON object; push the bundle with modelctl push")
    _check_kind(found, kind)
    return _only_layer(found.get("layers"), kind)


def _check_kind(found: dict[str, Any], kind: Kind) -> None:
    if found.get("mediaType") in INDEX_TYPES or "manifests" in found:
        raise InvalidArtifact("this is the digest of an index of several manifests; name the digest of one manifest")
    if found.get("schemaVersion") != 2 or found.get("mediaType", MANIFEST_TYPE) != MANIFEST_TYPE:
        raise InvalidArtifact(
            f"the manifest is {_said(found.get('mediaType'))}, a {kind.name}'s is {MANIFEST_TYPE}; "
            "push the bundle with modelctl push"
        )
    if found.get("artifactType") != kind.artifact_type:
        raise InvalidArtifact(
            f"the artifact is {_said(found.get('artifactType'))}, a {kind.name}'s is "
            f"{kind.artifact_type}; push the bundle with modelctl push"
        )


def _only_layer(layers: object, kind: Kind) -> Layer:
    if not isinstance(layers, list) or len(layers) != 1 or not isinstance(layers[0], dict):
        count = len(layers) if isinstance(layers, list) else "no"
        raise InvalidArtifact(f"the manifest has {count} layers, a {kind.name} is one; push it with modelctl push")
    (layer,) = layers
    if layer.get("mediaType") != kind.layer_type:
        raise InvalidArtifact(f"the layer is {_said(layer.get('mediaType'))}, a {kind.name} is {kind.layer_type}")
    if "urls" in layer:
        raise InvalidArtifact("the layer lies elsewhere (urls), and no other address is asked; push the bundle itself")
    digest, size = layer.get("digest"), layer.get("size")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise InvalidArtifact(f"the layer's digest is {_said(digest)}, not sha256: and 64 lower-case hex digits")
    if type(size) is not int or size <= 0:
        raise InvalidArtifact(f"the layer's size is {_said(size)}, not a number of bytes")
    return Layer(digest, size)


def _said(value: object) -> str:
    """What a stranger wrote, in few and harmless characters."""
    return "without a type" if value is None else ascii(value)[:100]
