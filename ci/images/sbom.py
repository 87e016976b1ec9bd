"""What is in an image, as CycloneDX JSON: checked against its schema, and against what the lock files put there."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ci.images import buildah
from ci.images.catalog import Image
from ci.images.contents import Package, packages
from ci.stack.errors import CommandFailed
from ci.stack.folders import ROOT

SCHEMA = SchemaVersion.V1_6
# Of which lock, and for which packages, an image holds what is pinned; the bundles' image has no Python of ours.
LOCKED = {
    "medinfer-api": ("--package", "inference-api"),
    "medinfer-operator": ("--package", "replica-agent", "--package", "rollout-operator"),
    "medinfer-triton-cpu": ("--project", "services/triton"),
}
IN_IMAGES = {"python_version": "3.11", "python_full_version": "3.11.2", "sys_platform": "linux"}


class Incomplete(CommandFailed):
    """The list breaks the schema, or lacks what is known to be in the image."""


def write(image: Image, reference: str, target: Path) -> int:
    """How many packages `reference`, which buildah has, holds. Raises CommandFailed; Incomplete."""
    with buildah.mounted(reference) as root:
        found = packages(root)
    check(found, pinned(image))
    target.write_text(document(image.name, reference.rpartition(":")[2], found))
    return len(found)


def document(name: str, version: str, found: Iterable[Package]) -> str:
    """CycloneDX JSON. Raises Incomplete when it breaks the schema."""
    bom, container = Bom(), Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref=name)
    parts = [_component(one) for one in found]
    bom.metadata.component = container
    bom.components.update(parts)
    bom.register_dependency(container, parts)
    text = make_outputter(bom, OutputFormat.JSON, SCHEMA).output_as_string(indent=1)
    if problem := JsonStrictValidator(SCHEMA).validate_str(text):
        raise Incomplete(f"{name}: the SBOM breaks CycloneDX' schema: {str(problem.data)[:300]}")
    return text


def check(found: Iterable[Package], expected: set[tuple[str, str]]) -> None:
    """`expected`: names and versions of Python packages. Raises Incomplete."""
    names = {(one.name, one.version) for one in found if one.purl.startswith("pkg:pypi/")}
    if missing := expected - names:
        raise Incomplete(f"the image lacks Python packages that its lock file names: {sorted(missing)}")
    if not any(one.purl.startswith("pkg:deb/debian/libc6@") for one in found):
        raise Incomplete("the image lacks Debian's libc6, which is in every one: its packages were not found")


def pinned(image: Image) -> set[tuple[str, str]]:
    """Names and versions that the lock file puts into the image."""
    if image.name not in LOCKED:
        return set()
    export = ["export", "--frozen", "--no-default-groups", "--no-header", "--no-hashes", *LOCKED[image.name]]
    command = [str(ROOT / ".tools/bin/uv"), *export]
    return parse(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def parse(exported: str) -> set[tuple[str, str]]:
    """Of what `uv export` writes, what is installed in an image."""
    lines = [line.strip() for line in exported.splitlines()]
    needed = [Requirement(line) for line in lines if "==" in line and not line.startswith(("#", "-"))]
    return {
        (canonicalize_name(one.name), next(iter(one.specifier)).version)
        for one in needed
        if one.marker is None or one.marker.evaluate(IN_IMAGES)
    }


def _component(package: Package) -> Component:
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        purl=PackageURL.from_string(package.purl),
        bom_ref=package.purl,
    )
