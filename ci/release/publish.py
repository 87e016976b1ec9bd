"""make release: images and chart go into a registry, signed, each with what it was made of."""

import json
import os
import re
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from ci.cluster.chart import CHART
from ci.images import buildah, sbom
from ci.images.catalog import OURS, Image
from ci.images.provide import built_alone
from ci.release import charted, commit, provenance
from ci.release.programs import explained, helm
from ci.release.provenance import Build
from ci.release.signatures import PROVENANCE, SBOM, Signer
from ci.stack.errors import CommandFailed
from ci.stack.say import say

CHARTS = "charts"  # below the registry's path


def publish(registry: str, build: Build, signer: Signer) -> dict[str, str]:
    """Digests by name, of the images and of the chart, which comes last: it names the others. Raises CommandFailed."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return _publish(registry, build, signer, Path(folder))
        except CommandFailed as error:
            raise explained(error, registry) from None


def _publish(registry: str, build: Build, signer: Signer, folder: Path) -> dict[str, str]:
    digests = {image.name: _push(image, registry, build.version, folder) for image in OURS}
    for image in OURS:
        _attest_image(image, f"{registry}/{image.name}@{digests[image.name]}", build, signer, folder)
    chart = _push_chart(registry, digests, folder)
    name = f"{registry}/{CHARTS}/medinfer@{chart}"
    materials = {f"{registry}/{image}": digest.removeprefix("sha256:") for image, digest in digests.items()}
    _attest_origin(name, "medinfer", materials, build, signer, folder)
    # Signatures come last: what is signed is whole.
    signer.sign([*(f"{registry}/{image}@{digest}" for image, digest in digests.items()), name])
    return digests | {f"{CHARTS}/medinfer": chart}


def _push(image: Image, registry: str, version: str, folder: Path) -> str:
    """Built first, unless buildah has it; its digest."""
    digest = buildah.push(built_alone(image), f"{registry}/{image.name}:{version}", folder / "digest")
    say(f"{registry}/{image.name}@{digest}")
    return digest


def _attest_image(image: Image, name: str, build: Build, signer: Signer, folder: Path) -> None:
    document = folder / f"{image.name}.cdx.json"
    sbom.write(image, built_alone(image), document)
    signer.attest(name, SBOM, document)
    base = {f"oci://{buildah.BASE}": buildah.digest(buildah.BASE).removeprefix("sha256:")}
    _attest_origin(name, image.name, base | provenance.lock_file(provenance.lock_path(image)), build, signer, folder)


def _attest_origin(
    name: str, what: str, materials: Mapping[str, str], build: Build, signer: Signer, folder: Path
) -> None:
    document = folder / "provenance.json"
    document.write_text(json.dumps(provenance.predicate(build, what, materials, datetime.now(UTC))))
    signer.attest(name, PROVENANCE, document)


def _push_chart(registry: str, digests: Mapping[str, str], folder: Path) -> str:
    """Its digest."""
    package = packaged(registry, digests, folder)
    return push_chart(package, registry)


def packaged(registry: str, digests: Mapping[str, str], folder: Path) -> Path:
    """The chart's archive in this folder, with the commit's time."""
    charted.with_digests(CHART, folder / "medinfer", registry, digests)
    helm("package", str(folder / "medinfer"), "--destination", str(folder))
    (package,) = folder.glob("medinfer-*.tgz")
    time = commit.time()
    charted.repack(package, time)
    os.utime(package, (time, time))  # helm writes it into the manifest
    return package


def push_chart(package: Path, registry: str) -> str:
    """The chart's digest in the registry. Raises CommandFailed."""
    said = helm("push", str(package), f"oci://{registry}/{CHARTS}")
    found = re.search(r"^Digest: (sha256:[0-9a-f]{64})$", said, re.MULTILINE)
    if found is None:
        raise CommandFailed(f"helm push named no digest: {said}")
    say(f"{registry}/{CHARTS}/medinfer@{found[1]}")
    return found[1]
