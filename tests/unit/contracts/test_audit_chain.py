"""What the API writes to its audit stream, modelctl verifies."""

import json
from pathlib import Path

import pytest
from inference_api.audit.chain import Chain
from inference_api.audit.pseudonyms import Pseudonyms
from modelctl.audit import verify
from modelctl.main import main

KEY = b"0123456789abcdef0123456789abcdef"


def written(writer: str = "api-0", count: int = 4) -> list[bytes]:
    """Lines in two batches."""
    chain = Chain(Pseudonyms(KEY).chain_key, writer)
    first, chain = chain.extend([{"requestId": "a", "outcome": "answered"}])
    rest, _ = chain.extend([{"requestId": f"ü{number}", "latencyMs": 1.5} for number in range(count - 1)])
    return (first + rest).splitlines(keepends=True)


def problems_of(lines: list[bytes], key: bytes = KEY, *, continued: bool = False) -> list[str]:
    numbered = ((f"line {number}", line) for number, line in enumerate(lines, 1))
    return verify(numbered, key, continued=continued).problems


def altered(line: bytes, **changes: object) -> bytes:
    return json.dumps(json.loads(line) | changes, separators=(",", ":")).encode() + b"\n"


def test_what_was_written_holds() -> None:
    one, other = written("api-0"), written("api-1")
    mixed = [line for pair in zip(one, other, strict=True) for line in pair]
    found = verify((("", line) for line in mixed), KEY)
    assert found.problems == [] and found.writers == {"api-0": (4, 4), "api-1": (4, 4)}


LINES = written()


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        pytest.param(
            [LINES[0], *LINES[2:]], "line 2: line 2 of writer api-0 missing before this one", id="one-missing"
        ),
        pytest.param([LINES[0], LINES[3]], "line 2: lines 2 to 3 of writer api-0 missing", id="two-missing"),
        pytest.param(LINES[1:], "line 1: line 1 of writer api-0 missing", id="first-missing"),
        pytest.param(
            [LINES[0], altered(LINES[1], outcome="x"), *LINES[2:]], "line 2 of writer api-0 was altered", id="altered"
        ),
        pytest.param([*LINES, LINES[3]], "line 5: line 4 of writer api-0 comes after its line 4", id="copied"),
        pytest.param([LINES[0], LINES[2], LINES[1], LINES[3]], "out of order", id="swapped"),
        pytest.param([*LINES[:3], LINES[3][:40]], "line 4: this is not a whole line", id="cut"),
        pytest.param([*LINES, b'{"a":1}\n'], "line 5: this is not a whole line", id="foreign"),
        pytest.param([*LINES, b'{"writer":1,"sequence":"x","chain":"0"}\n'], "not a whole line", id="wrong-types"),
        pytest.param([*LINES, b"\xff\x00\n"], "line 5: this is not a whole line", id="bytes"),
    ],
)
def test_what_is_missing_or_altered_is_found(lines: list[bytes], problem: str) -> None:
    found = problems_of(lines)
    assert len(found) >= 1 and problem in "; ".join(found)


def test_another_key_holds_nothing() -> None:
    assert len(problems_of(LINES, b"f" * 32)) == 4


def test_a_file_that_continues_another_may_begin_anywhere() -> None:
    assert problems_of(LINES[2:], continued=True) == []
    assert "line 3" in problems_of([LINES[1], LINES[3]], continued=True)[0]


def test_the_command_names_the_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, whole, cut = tmp_path / "key", tmp_path / "audit.jsonl", tmp_path / "cut.jsonl"
    key.write_bytes(KEY + b"\n")
    lines = written(count=3)
    whole.write_bytes(b"".join(lines))
    cut.write_bytes(lines[0] + lines[2])
    assert main(["audit", "verify", str(whole), "--key-file", str(key)]) == 0
    assert capsys.readouterr().out == "api-0: 3 lines hold, the last is line 3\n"
    assert main(["audit", "verify", str(cut), "--key-file", str(key)]) == 1
    captured = capsys.readouterr()
    assert f"{cut}, line 2: line 2 of writer api-0 missing before this one" in captured.err
    assert captured.err.endswith("modelctl: 1 problems in the audit stream\n")
