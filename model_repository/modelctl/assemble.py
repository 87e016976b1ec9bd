"""Makes a bundle out of its parts and checks the result as a reader would."""

import hashlib
import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelctl.bundle import canonical, config, golden, manifest, onnx_file
from modelctl.bundle.archive import write
from modelctl.bundle.contract import Contract
from modelctl.bundle.golden import Golden
from modelctl.bundle.manifest import FileEntry, Manifest, Preprocessing
from modelctl.bundle.verify import Wanted, verify


@dataclass(frozen=True)
class Parts:
    """What a version is made of; `onnx` and `config` are the bytes of the files.

    `operator_domains` may be in the graph beside the usual ones.
    """

    version: int
    contract: Contract
    preprocessing: Preprocessing
    onnx: bytes
    config: bytes
    golden: Golden
    memory_bytes: int
    provenance: Mapping[str, str]
    schema_version: int = manifest.FIRST_SCHEMA_VERSION
    operator_domains: tuple[str, ...] = ()


def assemble(parts: Parts, directory: Path) -> tuple[Path, str]:
    """Writes `<model>-<version>.tar` into `directory`; returns its path and digest. Raises InvalidBundle."""
    contents = {"config.pbtxt": parts.config, "golden.npz": golden.dump(parts.golden), "model.onnx": parts.onnx}
    found = _manifest(parts, contents)
    # What is written is what `verify` accepts: a wrong field is refused before anything is on disk.
    text = canonical.dumps(manifest.to_json(found)).encode()
    manifest.parse(text)
    contents["model.json"] = text
    out = directory / f"{found.model}-{found.version}.tar"
    with tempfile.TemporaryDirectory(dir=directory, prefix=f".{out.name}.") as folder:
        files = {name: Path(folder, name) for name in contents}
        for name, path in files.items():
            path.write_bytes(contents[name])
        whole = Path(folder, out.name)
        digest = write(whole, files)
        verify(whole, Wanted(digest, found.model, found.version, parts.operator_domains))
        whole.replace(out)
    return out, digest


def _manifest(parts: Parts, contents: Mapping[str, bytes]) -> Manifest:
    return Manifest(
        schema_version=parts.schema_version,
        model=config.model_name(config.parse(parts.config)),
        version=parts.version,
        contract=parts.contract,
        preprocessing=parts.preprocessing,
        opset=onnx_file.read_opset(io.BytesIO(parts.onnx), len(parts.onnx), parts.operator_domains),
        provenance=parts.provenance,
        memory_bytes=parts.memory_bytes,
        config_sha256=config.config_sha256(parts.config),
        files={name: FileEntry(hashlib.sha256(data).hexdigest(), len(data)) for name, data in contents.items()},
    )
