"""One registry with TLS and passwords, for the tests that change nothing in it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.stack.certificates import Authority
from ci.stack.registry import Registry

USER, PASSWORD = "joe", "tiger-of-the-tests"
ADDRESS = "127.0.31.40"


def write_login(host: str, file: Path, password: str = PASSWORD) -> Path:
    """Docker's config.json."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"auths": {host: {"username": USER, "password": password}}}))
    return file


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("hospital"))


@pytest.fixture(scope="module")
def registry(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("registry")
    with Registry(folder, ADDRESS, authority=authority, users={USER: PASSWORD}) as registry:
        yield registry
