"""The models under the benchmark, made by modelctl once and kept in .bench/."""

import json
import subprocess
import sys
from pathlib import Path

from ci.stack.documents import read_members


def make(model: str, folder: Path) -> tuple[Path, Path]:
    """Versions 1 and 2 of a demonstration model."""
    command = [sys.executable, "-m", "modelctl.main", "demo", "--model", model, "--out", str(folder)]
    subprocess.run(command, check=True)
    first, second = (folder / one["file"] for one in json.loads((folder / "demo.json").read_text())["bundles"])
    return first, second


def extract_model(bundle: Path, folder: Path) -> Path:
    """model.onnx of a bundle that we made ourselves, for a server that knows no bundles."""
    path = folder / f"{bundle.stem}.onnx"
    path.write_bytes(read_members(bundle)["model.onnx"])
    return path
