"""The models under the benchmark, made by modelctl once and kept in .bench/."""

import subprocess
import sys
import tarfile
from pathlib import Path


def make(model: str, folder: Path) -> tuple[Path, Path]:
    """Versions 1 and 2 of the `tiny` or the `resnet50` demonstration model."""
    command = [sys.executable, "-m", "modelctl.main", "demo", "--model", model, "--out", str(folder)]
    subprocess.run(command, check=True)
    return folder / "resnet_medical-1.tar", folder / "resnet_medical-2.tar"


def extract_model(bundle: Path, folder: Path) -> Path:
    """model.onnx of a bundle that we made ourselves, for a server that knows no bundles."""
    path = folder / f"{bundle.stem}.onnx"
    with tarfile.open(bundle) as tar:
        member = tar.extractfile("model.onnx")
        assert member is not None
        path.write_bytes(member.read())
    return path
