"""What modelctl mints is what the API accepts."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_api.access import clients, keys
from inference_api.access.authenticator import Authenticator
from inference_api.access.document import MAX_KEYS, SCHEMA_VERSION, parse
from inference_api.problems import Problem
from modelctl.keys import document as documents
from modelctl.keys import key
from modelctl.main import main


@given(st.binary(min_size=32, max_size=32))
def test_every_key_is_well_formed(random: bytes) -> None:
    made = key.make(random)
    assert keys.is_well_formed(made.encode())
    assert keys.digest(made.encode()).hex() == key.sha256(made)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 58), st.sampled_from("0aZ_"))
def test_one_wrong_character_is_found(random: bytes, place: int, other: str) -> None:
    made = key.make(random)
    wrong = made[:place] + other + made[place + 1 :]
    assert keys.is_well_formed(wrong.encode()) is (wrong == made)


def test_both_know_the_same_words() -> None:
    assert documents.SCHEMA_VERSION == SCHEMA_VERSION
    assert documents.MAX_KEYS == MAX_KEYS
    assert set(documents.SCOPES) == set(clients.Scope)
    assert set(documents.PRIORITIES) == set(clients.Priority)


async def test_the_api_reads_what_modelctl_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "access.json"

    def mint(*options: str) -> str:
        assert main(["keys", "mint", str(path), *options]) == 0
        return capsys.readouterr().out.strip()

    first = mint("pacs", "--scope", "predict", "--priority", "urgent", "--no-canary", "--images-in-flight", "4")
    second, later = mint("pacs", "--expires", "365d"), mint("ris", "--not-before", "9d")
    access = parse(path.read_bytes())
    assert access.clients[0] == clients.Client(
        "pacs",
        frozenset([clients.Scope.PREDICT]),
        clients.Quota(images_in_flight=4),
        clients.Priority.URGENT,
        canary=False,
    )
    authenticator = Authenticator(lambda: path.stat().st_mtime)
    authenticator.apply(access)
    for secret in (first, second):
        headers = [(b"authorization", f"Bearer {secret}".encode())]
        assert await authenticator.authenticate(headers, clients.Scope.PREDICT) is access.clients[0]
    with pytest.raises(Problem, match="not valid yet"):
        await authenticator.authenticate([(b"authorization", f"Bearer {later}".encode())], clients.Scope.PREDICT)
    assert json.loads(path.read_text())["clients"]["ris"]["scopes"] == ["predict", "status"]
