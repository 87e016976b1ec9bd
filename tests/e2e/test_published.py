"""`make release` into a real registry, what `make verify-release` refuses, and an install from nothing but that."""

import json
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci import version
from ci.cluster import runtime
from ci.cluster.nodes import FIRST
from ci.release import charted
from ci.release.provenance import BUILD_TYPE
from ci.release.publish import push_chart
from ci.release.signatures import PROVENANCE, Signer, Verifier
from ci.release.verify import failures
from tests.harness.release.node import needs_the_local_cluster
from tests.harness.release.published import Published, prepare, run_in
from tests.harness.release.release import Release, bundle

pytestmark = [needs_the_local_cluster, pytest.mark.timeout(900)]

WRONG = (
    "medinfer-api@.* has no valid SBOM",
    "(?s)medinfer-triton-cpu@.* has no valid signature: .*no signatures found",
    "medinfer-bundles:.* has no digest in the chart",
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    made = Published(tmp_path_factory.mktemp("published"))
    with made.reachable():
        made.make_keys()
        print(made.publish())
        yield made


def test_install_from_the_registry(published: Published, release: Release, images: list[bytes], tmp_path: Path) -> None:
    """Chart, images and the model's version: all by digest, all from there."""
    done = published.verify()
    assert done.returncode == 0, done.stderr
    assert "whole and signed" in done.stdout
    settings = prepare(release.namespace, published.registry)
    settings["rollout.artifact.uri"] = published.push_bundle(bundle("tiny", 1, tmp_path))
    release.use_chart(published.chart)
    release.use_images_of_the_chart(published.pull() / "values-cpu.yaml")
    release.install(settings=settings)
    release.wait_for_phase("Healthy", 1)
    release.wait_until_answering(images[0])
    names = names_of_images(release)
    assert names and set(names) <= set(published.names(published.path))


def test_provenance_names_commit_base_and_lock_file(published: Published) -> None:
    said = json.loads(published.write_provenance("medinfer-api").read_text())["buildDefinition"]
    materials = {one["uri"].rpartition("/")[2]: one["digest"] for one in said["resolvedDependencies"]}
    assert said["buildType"] == BUILD_TYPE
    assert len(materials["medinfer"]["gitCommit"]) == 40
    assert len(materials["medinfer#uv.lock"]["sha256"]) == 64
    assert any(name.startswith("medinfer-base") for name in materials)


def test_what_verify_release_refuses(published: Published, tmp_path: Path) -> None:
    assert "cannot be trusted" in refused(published, another_key(tmp_path))[0]
    with published.restored():
        forge_chart(published, tmp_path)
        (said,) = refused(published)
        assert "charts/medinfer" in said and "cannot be trusted" in said and "no signatures found" in said
    with published.restored():
        published.retag_chart("9.9.9")
        (said,) = failures(published.path, "9.9.9", Verifier(published.public))
        assert "somebody gave it another tag" in said
    with published.restored():
        drop_sbom(published, "medinfer-api")
        published.remove_tag("medinfer-triton-cpu", "sig")
        sign(published, push(published, chart_without_digest(published, tmp_path / "signed", "bundles")))
        lines = refused(published)
    assert len(lines) == len(WRONG), lines
    for wrong in WRONG:
        assert any(re.search(wrong, line) for line in lines), (wrong, lines)
    assert published.verify().returncode == 0, "what was refused is gone"


def test_into_a_hospital_that_reaches_nothing_else(
    published: Published, release: Release, images: list[bytes], tmp_path: Path
) -> None:
    model = tmp_path / "resnet_medical-1.tar"
    model.write_bytes(b"a bundle")
    published.gather(tmp_path / "medinfer.tar", model)
    published.registry.stop()
    with tarfile.open(tmp_path / "medinfer.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / f"medinfer-{version.current()}"
    assert (folder / "bundles" / model.name).read_bytes() == model.read_bytes()
    said = run_in(folder, "./load", published.hospital_path, str(published.public))
    assert said.count(" is signed") == 5, said

    settings = prepare(release.namespace, published.hospital)
    del settings["triton.agent.allowedPrefixes[0]"]  # the bundle comes from the store of the other tests
    release.use_chart(f"oci://{published.hospital_path}/charts/medinfer")
    release.use_images_of_the_chart(folder / "values-cpu.yaml")
    release.install(settings=settings | {"image.repository": published.hospital_path})
    release.wait_for_phase("Healthy", 1)
    release.wait_until_answering(images[0])
    # A pod's status names an image that the node has under several names by the first one.
    assert set(published.names(published.hospital_path)) <= runtime.images(FIRST)


def names_of_images(release: Release) -> list[str]:
    """As the kubelet pulled them."""
    pods = [pod for component in ("api", "triton", "operator") for pod in release.pods(component)]
    kinds = ("containerStatuses", "initContainerStatuses")
    return [one["imageID"] for pod in pods for kind in kinds for one in pod["status"].get(kind, ())]


def refused(published: Published, key: Path | None = None) -> list[str]:
    return failures(published.path, version.current(), Verifier(key or published.public))


def another_key(folder: Path) -> Path:
    run_in(folder, "cosign", "generate-key-pair")
    return folder / "cosign.pub"


def forge_chart(published: Published, folder: Path) -> None:
    """As whoever may push, but has no key: the same version with another image's digest."""
    path = copy(published, folder / "forged")
    values = path / "values.yaml"
    values.write_text(charted.replaced(values.read_text(), "api", "image", f"{{digest: sha256:{'0' * 64}}}"))
    push(published, path)


def chart_without_digest(published: Published, folder: Path, part: str) -> Path:
    path = copy(published, folder)
    values = path / "values.yaml"
    values.write_text(charted.replaced(values.read_text(), part, "image", "null"))
    return path


def copy(published: Published, folder: Path) -> Path:
    return Path(shutil.copytree(published.pull(), folder / "medinfer"))


def push(published: Published, chart: Path) -> str:
    run_in(chart.parent, "helm", "package", "medinfer")
    return push_chart(chart.parent / f"medinfer-{version.current()}.tgz", published.path)


def sign(published: Published, digest: str) -> None:
    """With its provenance, as a release."""
    name = f"{published.path}/charts/medinfer@{digest}"
    signer = Signer(published.key)
    signer.sign([name])
    signer.attest(name, PROVENANCE, published.write_provenance("medinfer-api"))


def drop_sbom(published: Published, image: str) -> None:
    """Its provenance stays."""
    document = published.write_provenance(image)
    name = published.remove_tag(image, "att")
    Signer(published.key).attest(name, PROVENANCE, document)
