from pathlib import Path

import pytest
from replica_agent.store.download import download
from replica_agent.store.errors import StoreError
from replica_agent.store.redaction import redact
from replica_agent.store.rules import Rules

DIGEST = f"sha256:{1:064x}"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://user:password@host:8443/a/b.tar?signature=x#y", "https://host:8443/a/b.tar"),
        ("s3://bucket/a/b.tar", "s3://bucket/a/b.tar"),
        ("file:///a/b.tar", "file:///a/b.tar"),
    ],
)
def test_addresses_are_told_without_what_may_be_secret(uri: str, expected: str) -> None:
    assert redact(uri) == expected


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "m.tar"
    with pytest.raises(StoreError, match="FileNotFoundError"):
        download(missing.as_uri(), tmp_path / "target", lambda received, total: None, Rules(("file:/",)), DIGEST)


@pytest.mark.parametrize("uri", ["gs://bucket/a.tar", "ftp://host/a.tar", "file:a.tar", "memory://a.tar", "a.tar", ""])
def test_an_address_of_another_kind_is_opened_by_nothing(tmp_path: Path, uri: str) -> None:
    with pytest.raises(StoreError, match="nothing here opens such an address; write a file:, http"):
        download(uri, tmp_path / "target", lambda received, total: None, Rules(("file:/",)), DIGEST)
