"""make verify-release: the chart is signed, and so is every image that it runs, by its digest, with SBOM and origin."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ci.release.programs import helm
from ci.release.publish import CHARTS
from ci.release.reference import InvalidReference, Reference, parse
from ci.release.signatures import PROVENANCE, SBOM, Verifier
from ci.stack.errors import CommandFailed
from ci.stack.say import say

# Everything that the chart can run, for GPUs and for CPUs.
EVERYTHING = "bundles.enabled=true,networkPolicy.apiServerCidr=10.0.0.1/32"


def failures(registry: str, version: str, verifier: Verifier) -> list[str]:
    """A sentence for each thing that is wrong; none where the release is whole and the signer's."""
    name = f"{registry}/{CHARTS}/medinfer"
    try:
        digest = verifier.digest(f"{name}:{version}")
        with tempfile.TemporaryDirectory() as folder:
            names = images(f"oci://{name}@{digest}", registry, Path(folder))
            contained = yaml.safe_load((Path(folder) / "medinfer" / "Chart.yaml").read_text())["version"]
    except CommandFailed as error:
        return [f"{name}:{version} cannot be trusted: {error}"]
    chart = Reference(name, digest)
    if contained != version:
        return [f"{name}:{version} is the signed chart of {contained}: somebody gave it another tag"]
    say(f"{chart} is signed")
    found = list(_failed(chart, {"provenance": lambda: verifier.attested(str(chart), PROVENANCE)}))
    return found + [one for image in sorted(names) for one in _image_failures(image, registry, verifier)]


def images(chart: str, registry: str, folder: Path) -> set[str]:
    """The names of the images that the pods of this chart run. chart: oci://... with its digest.

    `registry`: where ours are, which after an air gap is not what the chart says.
    """
    helm("pull", chart, "--untar", "--untardir", str(folder))
    path = folder / "medinfer"
    command = ("template", "medinfer", str(path), "--set", f"{EVERYTHING},image.repository={registry}")
    rendered = [helm(*command, *values) for values in ((), ("--values", str(path / "values-cpu.yaml")))]
    return {name for text in rendered for document in yaml.safe_load_all(text) for name in named(document)}


def named(document: Any) -> Iterator[str]:
    """Every `image` of a container in a manifest."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "image" and isinstance(value, str):
                yield value
            else:
                yield from named(value)
    elif isinstance(document, list):
        for value in document:
            yield from named(value)


def _image_failures(text: str, registry: str, verifier: Verifier) -> list[str]:
    """NVIDIA's image is not ours to sign: it is named, and that is all."""
    if not text.startswith(f"{registry}/"):
        say(f"{text} is not from {registry}: who made it vouches for it")
        return []
    try:
        image = parse(text)
    except InvalidReference as error:
        return [str(error)]
    if not image.digest:
        return [f"{text} has no digest in the chart: whoever may push can change what it runs"]
    checks = {
        "signature": lambda: verifier.digest(str(image)),
        "SBOM": lambda: verifier.attested(str(image), SBOM),
        "provenance": lambda: verifier.attested(str(image), PROVENANCE),
    }
    found = list(_failed(image, checks))
    if not found:
        say(f"{image} is signed, with SBOM and provenance")
    return found


def _failed(what: Reference, checks: Mapping[str, Callable[[], object]]) -> Iterator[str]:
    for name, check in checks.items():
        try:
            check()
        except CommandFailed as error:
            yield f"{what} has no valid {name}: {error}"
