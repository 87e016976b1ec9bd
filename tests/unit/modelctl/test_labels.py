"""labels.txt as editors and programs write it."""

import pytest
from modelctl import labels
from modelctl.bundle.errors import ModelctlError


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"A\nNo B\n", id="plain"),
        pytest.param(b"A \t\n  No B", id="blanks"),
        pytest.param("A\u00a0\nNo B".encode(), id="no-break-space"),
        pytest.param(b"A\r\nNo B\r\n\r\n", id="crlf"),
        pytest.param(b"A\rNo B\r", id="cr"),
        pytest.param(b"\n\nA\n\nNo B\n", id="empty-lines"),
        pytest.param(b"\xef\xbb\xbfA\nNo B\n", id="bom"),
        pytest.param("A\r\nNo B\r\n".encode("utf-16"), id="utf-16"),
        pytest.param(b'["A", "No B "]', id="json"),
        pytest.param(b'\xef\xbb\xbf{"1": "No B", "0": "A"}', id="json-by-number"),
        pytest.param(b'{"No B": 1, "A": 0}', id="json-by-label"),
    ],
)
def test_gives_the_labels_in_output_order(data: bytes) -> None:
    assert labels.read(data, "labels.txt") == ["A", "No B"]


@pytest.mark.parametrize(
    "data, expected",
    [
        pytest.param(b"0\n1\n2", ["0", "1", "2"], id="numbers-as-labels"),
        pytest.param(b"2 lesions\nnone", ["2 lesions", "none"], id="one-begins-with-a-number"),
        pytest.param(b"Stage 0\nStage 1", ["Stage 0", "Stage 1"], id="numbers-behind"),
        pytest.param(b'["0 none", "1 mild"]', ["0 none", "1 mild"], id="numbers-in-json"),
        pytest.param(b"A\x0bB\x85C", None, id="other-separators"),
        pytest.param(b"", [], id="empty"),
    ],
)
def test_what_may_belong_to_a_label_is_kept(data: bytes, expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(ModelctlError, match="not UTF-8"):
            labels.read(data, "labels.txt")
    else:
        assert labels.read(data, "labels.txt") == expected


@pytest.mark.parametrize(
    "data, reason",
    [
        pytest.param("Tumör\n".encode("cp1252"), "labels.txt is not UTF-8; save it as UTF-8", id="cp1252"),
        pytest.param("A".encode("utf-16")[:-1], "not UTF-8", id="half-a-letter"),
        pytest.param(b"0 A\n1 B\n", "numbers its labels; leave the numbers out", id="numbered"),
        pytest.param(b"1: A\n2: B\n", "numbers its labels", id="numbered-from-1"),
        pytest.param(b"0,A\n1,B\n", "numbers its labels", id="csv"),
        pytest.param(b'"A",\n"B"\n', "label 1 is in quotation marks", id="quoted"),
        pytest.param(b"A\nB\nA \n", "label 3 repeats label 1", id="twice"),
        pytest.param(b'["A", "B"', "not JSON", id="cut-json"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="deep-json"),
        pytest.param(b'["A", 1]', "must be a list of labels", id="a-number-in-json"),
        pytest.param(b'{"1": "A", "2": "B"}', "number from 0", id="json-from-1"),
        pytest.param(b'{"A": 0, "B": 0}', "number from 0", id="json-number-twice"),
    ],
)
def test_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ModelctlError) as refused:
        labels.read(data, "labels.txt")
    assert reason in str(refused.value)
