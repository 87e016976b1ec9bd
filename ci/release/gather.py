"""A release in one archive, for a hospital that reaches no registry but its own: `load` in it brings it there."""

import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ci.release.programs import cosign
from ci.release.publish import CHARTS
from ci.release.reference import parse
from ci.release.signatures import Verifier
from ci.release.verify import failures, images
from ci.stack.control_plane import binary
from ci.stack.errors import CommandFailed
from ci.stack.say import say

LOAD = Path(__file__).with_name("load")


def gather(registry: str, version: str, verifier: Verifier, bundles: Sequence[Path], archive: Path) -> None:
    """Only what is signed. Digests stay as they are, and so do signatures. Raises CommandFailed."""
    if missing := [str(path) for path in bundles if not path.is_file()]:
        raise CommandFailed(f"{', '.join(missing)}: no such bundle")
    if wrong := failures(registry, version, verifier):
        raise CommandFailed("\n".join(wrong))
    with tempfile.TemporaryDirectory(dir=archive.absolute().parent) as temporary:
        folder = Path(temporary) / f"medinfer-{version}"
        folder.mkdir()
        _write(registry, version, verifier, bundles, folder)
        with tarfile.open(archive, "w") as tar:  # layers are compressed already
            tar.add(folder, folder.name)
    say(f"{archive}: {archive.stat().st_size / 1e6:.0f} MB")


def _write(registry: str, version: str, verifier: Verifier, bundles: Sequence[Path], folder: Path) -> None:
    chart = f"{registry}/{CHARTS}/medinfer"
    digest = verifier.digest(f"{chart}:{version}")
    names = {f"{CHARTS}/medinfer": f"{chart}@{digest}"}
    for text in images(f"oci://{chart}@{digest}", registry, folder / "unpacked"):
        if text.startswith(f"{registry}/"):
            names[parse(text).repository.removeprefix(f"{registry}/")] = text
    for name, reference in names.items():
        say(f"fetching {reference}")
        cosign("save", "--dir", str(folder / "registry" / name), reference)
    lines = [f"{name} {parse(reference).digest}" for name, reference in sorted(names.items())]
    (folder / "names").write_text("\n".join(lines) + "\n")
    (folder / "version").write_text(f"{version}\n")
    shutil.move(folder / "unpacked" / "medinfer" / "values-cpu.yaml", folder / "values-cpu.yaml")
    shutil.rmtree(folder / "unpacked")
    if verifier.key:
        shutil.copy(verifier.key, folder / "cosign.pub")
    (folder / "bundles").mkdir()
    for path in (binary("cosign"), LOAD, *bundles):
        shutil.copy(path, folder / ("bundles" if path in bundles else "."))
