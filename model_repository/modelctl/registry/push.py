"""Pushes a bundle: what the registry has already stays, and what breaks off is tried again."""

import io
import time
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from modelctl.bundle.oci import artifact
from modelctl.bundle.oci.artifact import (
    BUNDLE,
    EMPTY_CONFIG,
    MANIFEST_TYPE,
    MAX_MANIFEST_BYTES,
    SIGNATURE,
    Kind,
    Layer,
    digest_of,
)
from modelctl.bundle.oci.errors import InvalidArtifact
from modelctl.bundle.oci.reference import Reference, signature_tag
from modelctl.bundle.signature.check import SUFFIX
from modelctl.bundle.verify import Wanted, file_digest, verify
from modelctl.registry.client import Client, RegistryError

TRIES = 5
BACKOFF_SECONDS = 1.0  # doubled after each


def push(bundle: Path, to: Reference, client: Client, operator_domains: tuple[str, ...] = ()) -> tuple[str, str]:
    """The `uri` and `digest` for a ModelRollout. The tag is the version's number, where `to` has none.

    Raises InvalidBundle before anything is sent; RegistryError, InvalidArtifact, OSError.
    """
    if to.digest:
        raise InvalidArtifact("push makes the digest; name a repository, and a tag if you want one")
    found = verify(bundle, Wanted(operator_domains=operator_domains))
    pushed = bring(bundle, found.version, to, client)
    signature = bundle.with_name(bundle.name + SUFFIX)
    if signature.is_file():
        _bring_artifact(client, signature, found.version, signature_tag(pushed[1]), SIGNATURE)
    return pushed


def bring(bundle: Path, version: int, to: Reference, client: Client) -> tuple[str, str]:
    """The same without a look into the bundle."""
    manifest, layer = _bring_artifact(client, bundle, version, to.tag or str(version), BUNDLE)
    return to.at(digest_of(manifest)), layer.digest


def _bring_artifact(client: Client, file: Path, version: int, tag: str, kind: Kind) -> tuple[bytes, Layer]:
    layer = Layer(file_digest(file), file.stat().st_size)
    manifest = artifact.build(layer, file.name, version, kind)
    _bring(client, io.BytesIO(EMPTY_CONFIG), Layer(digest_of(EMPTY_CONFIG), len(EMPTY_CONFIG)), "config")
    with file.open("rb") as stream:
        _bring(client, stream, layer, file.name)
    headers = {"Content-Type": MANIFEST_TYPE}
    client.ask("PUT", f"manifests/{tag}", (201,), data=manifest, headers=headers)
    return manifest, layer


def resolve(to: Reference, client: Client) -> tuple[str, str]:
    """The same two of what is there, by its tag or digest. Raises RegistryError, InvalidArtifact."""
    if not (name := to.digest or to.tag):
        raise InvalidArtifact("resolve finds the digest of a tag; name one, as in oci://HOST/REPOSITORY:TAG")
    answer = client.ask("GET", f"manifests/{name}", (200,), headers={"Accept": MANIFEST_TYPE}, stream=True)
    content = answer.raw.read(MAX_MANIFEST_BYTES)
    digest = to.digest or digest_of(content)
    return to.at(digest), artifact.parse(content, digest).digest


def _bring(client: Client, stream: BinaryIO, layer: Layer, name: str) -> None:
    for failed in range(1, TRIES + 1):
        try:
            return _upload(client, stream, layer, name)
        except RegistryError as error:
            if not error.may_pass or failed == TRIES:
                raise
            time.sleep(BACKOFF_SECONDS * 2 ** (failed - 1))


def _upload(client: Client, stream: BinaryIO, layer: Layer, name: str) -> None:
    """In one request, as every registry takes it; nothing at all where the registry has the blob."""
    if client.ask("HEAD", f"blobs/{layer.digest}", (200, 404)).status_code == 200:
        return
    place = client.ask("POST", "blobs/uploads/", (202,)).headers["Location"]
    stream.seek(0)
    shown = {"desc": name, "unit": "B", "unit_scale": True, "unit_divisor": 1024, "disable": None, "leave": False}
    with tqdm.wrapattr(stream, "read", total=layer.size, **shown) as watched:
        headers = {"Content-Type": "application/octet-stream"}
        parameter = f"{'&' if '?' in place else '?'}digest={layer.digest}"
        client.ask("PUT", place + parameter, (201,), data=watched, headers=headers)
