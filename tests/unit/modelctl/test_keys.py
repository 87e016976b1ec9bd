"""modelctl keys: the key is shown once, and only its hash is kept."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from modelctl.keys import document as documents
from modelctl.keys import key
from modelctl.keys.commands import when
from modelctl.main import main

NOW = datetime(2027, 1, 1, tzinfo=UTC)
KEY = re.compile(r"medinfer_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.json"


def client(path: Path, name: str = "pacs") -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(path.read_text())["clients"][name]
    return entry


def mint(path: Path, capsys: pytest.CaptureFixture[str], *options: str, name: str = "pacs") -> str:
    assert main(["keys", "mint", str(path), name, *options]) == 0
    return capsys.readouterr().out.strip()


def test_the_key_is_printed_once_and_only_its_hash_is_kept(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = mint(path, capsys)
    assert KEY.fullmatch(made)
    assert client(path) == {"keys": [{"sha256": key.sha256(made)}], "scopes": ["predict", "status"]}
    assert made not in path.read_text() and path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["access.json"]
    assert mint(path, capsys) != made


def test_what_is_not_said_stays(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(json.dumps({"schemaVersion": 1, "clients": {"ris": {"scopes": [], "x": 1}}, "issuers": [1]}))
    limits = "--images-per-minute", "600", "--images-in-flight", "8"
    mint(path, capsys, *limits, "--priority", "urgent", "--no-canary", "--no-evidence", "--scope", "predict")
    first = client(path)
    assert first | {"keys": []} == {
        "keys": [],
        "scopes": ["predict"],
        "priority": "urgent",
        "canary": False,
        "evidence": False,
        "quota": {"imagesPerMinute": 600, "imagesInFlight": 8},
    }
    mint(path, capsys, "--images-per-minute", "60", "--canary")
    second = client(path)
    assert second == first | {
        "keys": second["keys"],
        "canary": True,
        "quota": {"imagesPerMinute": 60, "imagesInFlight": 8},
    }
    assert len(second["keys"]) == 2
    mint(path, capsys, name="ris")
    rest = json.loads(path.read_text())
    assert rest["issuers"] == [1] and rest["clients"]["ris"]["x"] == 1 and rest["clients"]["ris"]["scopes"] == []


def test_a_rotation(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = mint(path, capsys), mint(path, capsys, "--expires", "365d")
    assert main(["keys", "revoke", str(path), "pacs", "--key", key.id(key.sha256(old))]) == 0
    assert [entry["sha256"] for entry in client(path)["keys"]] == [key.sha256(new)]
    assert main(["keys", "revoke", str(path), "pacs", "--all"]) == 0
    assert client(path) == {"keys": [], "scopes": ["predict", "status"]}


def test_expired_keys_can_be_cleared(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    valid = mint(path, capsys)
    document = documents.read(path)
    document["clients"]["pacs"]["keys"].append({"sha256": "0" * 64, "expires": "2020-01-01T00:00:00Z"})
    documents.write(document, path)
    assert main(["keys", "revoke", str(path), "pacs", "--expired"]) == 0
    assert [entry["sha256"] for entry in client(path)["keys"]] == [key.sha256(valid)]


def test_the_list_shows_ids_and_states() -> None:
    keys = [
        {"sha256": "a" * 64},
        {"sha256": "b" * 64, "notBefore": "2027-02-01T00:00:00Z"},
        {"sha256": "c" * 64, "expires": "2027-01-01T00:00:00Z"},
    ]
    clients = {"pacs": {"keys": keys, "scopes": ["predict"], "canary": False}, "empty": {"scopes": []}}
    rows = documents.rows({"schemaVersion": 1, "clients": clients}, NOW)
    about = ("predict", "normal", "no", "yes")
    assert rows[1:] == [
        ("empty", "-", "no key", "-", "-", "-", "normal", "yes", "yes"),
        ("pacs", "a" * 12, "valid", "-", "never", *about),
        ("pacs", "b" * 12, "later", "2027-02-01T00:00:00Z", "never", *about),
        ("pacs", "c" * 12, "expired", "-", "2027-01-01T00:00:00Z", *about),
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(["mint", "{}", "PACS"], "a client's name has 1 to 63 lower-case", id="name"),
        pytest.param(["mint", "{}", "pacs", "--expires", "soon"], "'soon' is no time like 2027-", id="word-for-time"),
        pytest.param(["mint", "{}", "pacs", "--expires", "2027-01-31"], "is no time like", id="no-time-zone"),
        pytest.param(["mint", "{}", "pacs", "--expires", "2001-01-31T00:00:00Z"], "is in the past", id="past"),
        pytest.param(
            ["mint", "{}", "pacs", "--not-before", "9d", "--expires", "8d"], "not after --not-before", id="never-valid"
        ),
        pytest.param(["revoke", "{}", "ris", "--all"], "there is no client ris; known are: pacs", id="no-client"),
        pytest.param(["revoke", "{}", "pacs", "--key", "abc"], "pacs has no such key", id="no-key"),
        pytest.param(["revoke", "{}", "pacs", "--expired"], "pacs has no such key", id="none-expired"),
        pytest.param(["list", "absent.json"], "absent.json does not exist", id="no-document"),
        pytest.param(["revoke", "absent.json", "pacs", "--all"], "absent.json does not exist", id="none-to-revoke"),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    mint(path, capsys)
    before = path.read_text()
    assert main(["keys", *(argument.format(path) for argument in arguments)]) == 1
    captured = capsys.readouterr()
    assert reason in captured.err and captured.err.count("\n") == 1 and not captured.out
    assert path.read_text() == before


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"schemaVersion": 2, "clients": {}}', '{"schemaVersion": 1, "clients": {"a": {"keys": ["k"]}}}'],
)
def test_a_file_that_is_no_access_document_is_not_touched(
    path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    path.write_text(content)
    assert main(["keys", "mint", str(path), "pacs"]) == 1
    assert path.read_text() == content and str(path) in capsys.readouterr().err


def test_a_client_has_a_bounded_number_of_keys() -> None:
    document = {"schemaVersion": 1, "clients": {"pacs": {"keys": [{"sha256": "0"}] * documents.MAX_KEYS}}}
    with pytest.raises(documents.InvalidAccess, match="pacs has 16 keys already"):
        documents.mint(document, "pacs", {}, {"sha256": "1"})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("365d", "2028-01-01T00:00:00Z"),
        ("12h", "2027-01-01T12:00:00Z"),
        ("2027-01-31T01:00:00+01:00", "2027-01-31T00:00:00Z"),
    ],
)
def test_times(text: str, wanted: str) -> None:
    assert documents.text(when(text, NOW)) == wanted
