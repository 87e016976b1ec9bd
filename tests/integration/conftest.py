"""What every integration test may ask for, made once."""

import subprocess
import sys
from pathlib import Path

import pytest
from modelctl.defaults import default_config

from ci.load.images import grey_jpeg

# Most releases take a minute, and a CPU; other tests wait more.
LONG = "/integration/rollout/"
# The longest start first, in this order.
LONGEST = ("test_parts_die.py", "test_bad_versions.py", "test_nonsense.py", "test_flux.py")
# With one instance for each version, as on one GPU. Without a count a CPU has two, one process started after the other
# in every load.
KIND = "kind: KIND_GPU"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files among short ones, a little earlier: one that starts last would keep one process busy alone."""
    paths = list(dict.fromkeys(item.path for item in items))
    long = sorted(filter(is_long, paths), key=place_among_the_longest)
    short = [path for path in paths if path not in long]
    places = {path: 0.8 * place / len(long) for place, path in enumerate(long)}
    places |= {path: place / len(short) for place, path in enumerate(short)}
    items.sort(key=lambda item: places[item.path])


def is_long(path: Path) -> bool:
    return LONG in path.as_posix() or path.name in LONGEST


def place_among_the_longest(path: Path) -> int:
    return LONGEST.index(path.name) if path.name in LONGEST else len(LONGEST)


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
