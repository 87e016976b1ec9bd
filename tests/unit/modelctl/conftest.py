"""One valid bundle, packed once: what the hostile ones are made from."""

from pathlib import Path

import pytest
from modelctl import demo
from modelctl.bundle import MEMBERS
from modelctl.unpack import unpack
from modelctl.variants import select


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cheap bundle, resnet_medical version 1."""
    ((_, path, _),) = demo.write("cheap", tmp_path_factory.mktemp("bundle"), select("stable")).bundles
    return path


@pytest.fixture(scope="session")
def contents(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Member name -> bytes of `bundle`."""
    folder = tmp_path_factory.mktemp("contents") / "1"
    unpack(bundle, folder)
    return {name: (folder / name).read_bytes() for name in MEMBERS}
