"""One valid bundle, packed once. The hostile ones are made from it."""

from pathlib import Path

import pytest
from modelctl.bundle.archive import MEMBERS
from modelctl.bundle.unpack import unpack
from modelctl.demo import demo
from modelctl.demo.models import Model
from modelctl.demo.variants import select


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny bundle, resnet_medical version 1."""
    ((_, path, _),) = demo.write(Model.TINY, tmp_path_factory.mktemp("bundle"), select("stable")).bundles
    return path


@pytest.fixture(scope="session")
def contents(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Member name -> bytes of `bundle`."""
    folder = tmp_path_factory.mktemp("contents") / "1"
    unpack(bundle, folder)
    return {name: (folder / name).read_bytes() for name in MEMBERS}
