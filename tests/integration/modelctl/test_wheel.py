"""modelctl works as an installed wheel, outside the repository."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
PRINT_CONFIG = """
import sys
from modelctl import defaults
sys.stdout.buffer.write(defaults.default_config())
print(defaults.__file__, file=sys.stderr)
"""


def test_the_wheel_brings_the_canonical_config(tmp_path: Path) -> None:
    package = ROOT / "model_repository"
    # uv run sets UV; --offline: its cache has what builds the package since it was installed
    build = [os.environ["UV"], "build", "--wheel", "--offline", "--out-dir", str(tmp_path), str(package)]
    built = subprocess.run(build, capture_output=True)
    assert built.returncode == 0, built.stderr.decode()
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    found = subprocess.run([sys.executable, "-c", PRINT_CONFIG], capture_output=True, cwd=tmp_path / "site")
    assert found.stdout == (package / "resnet_medical" / "config.pbtxt").read_bytes()
    assert str(tmp_path) in found.stderr.decode()
