"""The document is followed, and a bad one never is an instruction."""

from pathlib import Path

import pytest
from inference_api.access.access_file import AccessFile
from inference_api.access.authenticator import Authenticator

from tests.unit.api.access.made_keys import client, document


class Worker:
    """One worker of a pod; others share its folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "access.json"
        self.authenticator = Authenticator(lambda: 0.0)
        self.file = AccessFile(self.authenticator, self.path, folder / "kept.json")

    async def poll(self) -> tuple[list[str], str]:
        """The clients in force, and why the newest document was refused."""
        await self.file.poll()
        access = self.authenticator.access
        return [one.name for one in access.clients] if access else [], self.authenticator.rejected or ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(None, "access.json cannot be read: No such file", id="gone"),
        pytest.param(b"", "the document is empty", id="blank"),
        pytest.param(b"{", "not JSON", id="half-written"),
        pytest.param(document(a={"scopes": ["predict"], "Keys": []}), "unknown field Keys", id="misspelt"),
    ],
)
async def test_the_last_valid_document_stays(tmp_path: Path, content: bytes | None, reason: str) -> None:
    worker = Worker(tmp_path)
    worker.path.write_bytes(document(pacs=client(1)))
    assert await worker.poll() == (["pacs"], "")
    if content is None:
        worker.path.unlink()
    else:
        worker.path.write_bytes(content)
    for state in (worker, Worker(tmp_path)):  # a worker that starts now, too
        names, why = await state.poll()
        assert names == ["pacs"] and reason in why
    worker.path.write_bytes(document(ris=client(1)))
    assert await worker.poll() == (["ris"], "")
    worker.path.write_bytes(document(pacs=client(1)))
    assert await worker.poll() == (["pacs"], "")


async def test_at_a_first_start_without_a_document_nobody_is_a_client(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    names, why = await worker.poll()
    assert names == [] and "write the access document there" in why
    worker.path.write_bytes(document(pacs=client(1)))
    assert await worker.poll() == (["pacs"], "")


async def test_a_link_that_is_swapped_is_followed(tmp_path: Path) -> None:
    """As the kubelet does with a Secret: ..data is a link that is renamed over."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "access.json").write_bytes(document(**{name: client(1)}))
    (tmp_path / "..data").symlink_to("one")
    worker = Worker(tmp_path)
    worker.path.symlink_to("..data/access.json")
    assert await worker.poll() == (["one"], "")
    (tmp_path / "..new").symlink_to("two")
    (tmp_path / "..new").rename(tmp_path / "..data")
    assert await worker.poll() == (["two"], "")


async def test_what_cannot_be_kept_is_in_force_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker(tmp_path)
    worker.file = AccessFile(worker.authenticator, worker.path, tmp_path / "absent" / "kept.json")
    worker.path.write_bytes(document(pacs=client(1)))
    assert await worker.poll() == (["pacs"], "")
    assert "the access document cannot be saved" in caplog.text
