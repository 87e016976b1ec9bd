"""The registry that releases and bundles are tested against: what it is asked for with and without a password."""

import ssl
from pathlib import Path

import httpx
import pytest

from ci.stack.certificates import Authority
from ci.stack.control_plane import ADDRESS
from ci.stack.registry import Registry

USER, PASSWORD = "puller", "for-the-tests"


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(
    "users, given, status",
    [
        ({}, None, 200),
        ({USER: PASSWORD}, None, 401),
        ({USER: PASSWORD}, (USER, "guess"), 401),
        ({USER: PASSWORD}, (USER, PASSWORD), 200),
    ],
    ids=["open", "no password", "another password", "its password"],
)
def test_who_is_let_in(
    tmp_path: Path, secure: bool, users: dict[str, str], given: tuple[str, str] | None, status: int
) -> None:
    authority = Authority(tmp_path / "pki") if secure else None
    with Registry(tmp_path, authority=authority, users=users) as registry:
        verify = ssl.create_default_context(cafile=registry.certificate) if registry.certificate else True
        assert registry.host.startswith(f"{ADDRESS}:")
        assert httpx.get(f"{registry.url}/v2/", auth=given, verify=verify).status_code == status
