"""What every integration test may ask for, made once."""

import subprocess
import sys
from pathlib import Path

import pytest
from modelctl.defaults import default_config

from ci.load.images import grey_jpeg

# Minutes for each file, the longest first.
LONGEST = (
    *("integration/rollout/", "modelctl/test_resnet_demo", "imaging/test_oracle", "integration/faults/"),
    "integration/agent/",
)
# With one instance for each version, as on one GPU. Without a count a CPU has two, one process started after the other
# in every load.
KIND = "kind: KIND_GPU"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files go first: one that starts last would keep one process busy alone."""
    items.sort(
        key=lambda item: next((n for n, part in enumerate(LONGEST) if part in item.path.as_posix()), len(LONGEST))
    )


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All variants of the tiny model, as resnet_medical-N.tar; modelctl/demo/variants.py says what is with each."""
    folder = tmp_path_factory.mktemp("bundles")
    config = tmp_path_factory.mktemp("config") / "config.pbtxt"
    config.write_text(default_config().decode().replace(KIND, f"{KIND}\n    count: 1"))
    command = [sys.executable, "-m", "modelctl.main", "demo", "--model", "tiny", "--variants", "all"]
    subprocess.run([*command, "--config", str(config), "--out", str(folder)], check=True)
    return folder


@pytest.fixture(scope="session")
def images() -> list[bytes]:
    """Eight slices of 256 pixels, two of each class. Larger ones only take longer to send and to decode."""
    return [grey_jpeg(seed, side=256) for seed in range(8)]
