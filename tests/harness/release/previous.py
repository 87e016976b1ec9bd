"""The version of medinfer before this one, 0.1.0: its chart, and images that are built from its sources.

tests/e2e/previous has them as git had them; a shallow clone lacks the commit. It was made by

git archive a210b65 charts/medinfer services/api services/common operators pyproject.toml uv.lock \
  model_repository/pyproject.toml model_repository/modelctl/__init__.py model_repository/modelctl/bundle | xz -9e
"""

import hashlib
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ci.cluster import chart
from ci.cluster.delivery import to_node
from ci.cluster.nodes import FIRST
from ci.images.catalog import OURS, Image
from ci.images.provide import provide_each
from ci.stack.folders import CLUSTER, ROOT
from tests.harness.release.release import Release, run

ARCHIVE = ROOT / "tests" / "e2e" / "previous" / "medinfer-0.1.0.tar.xz"
# Triton for CPUs is this version's for both: it is NVIDIA's wheel, and takes longest to build.
BUILT = ("medinfer-api", "medinfer-operator")
SUFFIX = "-previous"
CRD = "modelrollouts.serving.medinfer.io"


def sources() -> Path:
    """A folder of this checkout with the archive's files."""
    folder = CLUSTER / "previous" / hashlib.sha256(ARCHIVE.read_bytes()).hexdigest()[:12]
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(part, filter="data")
        part.rename(folder)
    return folder


def images() -> list[Image]:
    """With names of their own: of one name only the newest is kept."""
    root = sources()
    return [replace(one, name=one.name + SUFFIX, root=root) for one in OURS if one.name in BUILT]


def use(release: Release) -> None:
    """The release's next install or upgrade is of the previous version, on the local cluster."""
    names = chart.known_images()
    for name, image in provide_each(images(), to_node(FIRST)).items():
        names[name.removesuffix(SUFFIX)] = image
    release.use_another(sources() / "charts" / "medinfer", chart.image_settings(names))


@contextmanager
def without_crd() -> Iterator[None]:
    """helm installs the chart's own meanwhile, as on a cluster that never had another."""
    left = run("kubectl", "get", "modelrollouts", "--all-namespaces", "--output", "name", check=False)
    assert not left, f"uninstall what make up installed: the CRD is deleted, and with it {left}"
    run("kubectl", "delete", "crd", CRD, "--ignore-not-found")
    try:
        yield
    finally:
        run("kubectl", "apply", "--server-side", "--force-conflicts", "--filename", str(chart.CHART / "crds"))
