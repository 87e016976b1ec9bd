"""A bundle from a registry: the manifest that the address names, then its only layer, the bundle itself."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
from modelctl.bundle.oci import artifact
from modelctl.bundle.oci.artifact import MANIFEST_TYPE, MAX_MANIFEST_BYTES, SIGNATURE, Layer, digest_of
from modelctl.bundle.oci.errors import InvalidArtifact
from modelctl.bundle.oci.reference import Reference, parse, parse_pinned, signature_tag
from yarl import URL

from replica_agent.store.body import Body
from replica_agent.store.errors import Refused, WrongDigest
from replica_agent.store.http import guarded_session, read_all, read_body
from replica_agent.store.redaction import redact
from replica_agent.store.registry import Registry
from replica_agent.store.rules import Rules, check, is_named


@contextlib.asynccontextmanager
async def open_oci(uri: str, start: int, rules: Rules, digest: str) -> AsyncIterator[Body]:
    """From byte `start` of the bundle on, or of the signature of bundle `digest` where `uri` is its address.

    Every try asks for the manifest and, if need be, for a token anew, so that an expired one costs nothing but the
    question. Raises WrongDigest where the layer is not `digest`, Refused, aiohttp.ClientError, OSError.
    """
    try:
        reference = parse(uri)
        is_signature = reference.tag == signature_tag(digest)
        manifest_digest = None if is_signature else parse_pinned(uri)[1]
        base = _address(reference, rules)
        async with guarded_session(uri, rules, _check_hops(base, rules), keep_alive=True) as session:
            registry = Registry(session, base, reference, rules.pull_secret_file)
            layer = await _layer(registry, manifest_digest, digest)
            async with registry.get(f"blobs/{layer.digest}", {"Range": f"bytes={start}-"} if start else {}) as response:
                yield _bounded(read_body(response), layer)
    except InvalidArtifact as error:
        raise Refused(str(error)) from None


def _address(reference: Reference, rules: Rules) -> URL:
    """Of the repository's API. Without TLS only where the settings name this very registry so."""
    plain = f"http://{reference.host}/"
    scheme = "http" if is_named(plain, rules.prefixes) else "https"
    return URL(f"{scheme}://{reference.host}/v2/{reference.repository}/")


def _check_hops(base: URL, rules: Rules) -> aiohttp.ClientMiddlewareType:
    """Besides the registry itself, only addresses that the settings allow: for redirects, and for a realm's tokens."""

    async def check_hop(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if request.url.origin() != base.origin():
            if base.scheme == "https" and request.url.scheme != "https":
                raise Refused(f"leads to {redact(str(request.url))}, which is not https; correct the registry")
            check(str(request.url), rules.prefixes)
        return await handler(request)

    return check_hop


async def _layer(registry: Registry, manifest_digest: str | None, wanted: str) -> Layer:
    """Without a digest of its manifest it is the signature, which proves itself."""
    if manifest_digest is None:
        content = await _manifest(registry, signature_tag(wanted))
        return artifact.parse(content, digest_of(content), SIGNATURE)
    layer = artifact.parse(await _manifest(registry, manifest_digest), manifest_digest)
    _compare(layer, wanted)
    return layer


async def _manifest(registry: Registry, name: str) -> bytes:
    async with registry.get(f"manifests/{name}", {"Accept": MANIFEST_TYPE}) as response:
        return await read_all(response, MAX_MANIFEST_BYTES)


def _compare(layer: Layer, wanted: str) -> None:
    if layer.digest != wanted:
        raise WrongDigest(f"is the bundle with digest {layer.digest}, the plan says {wanted}; correct the plan")


def _bounded(body: Body, layer: Layer) -> Body:
    """The size is the manifest's, whatever the registry says about the layer."""
    problem = f"the registry's layer is not the {layer.size} bytes that its manifest names; push the bundle again"
    if body.size is not None and body.size != layer.size:
        raise Refused(problem)

    async def chunks() -> AsyncIterator[bytes]:
        left = layer.size - body.begins_at
        async for chunk in body.chunks:
            left -= len(chunk)
            if left < 0:
                raise Refused(problem)
            yield chunk

    return replace(body, size=layer.size, chunks=chunks())
