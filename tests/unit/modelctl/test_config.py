"""config.pbtxt: which texts are equivalent, which are not, and which are refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelctl.bundle import config
from modelctl.bundle.errors import InvalidBundle
from modelctl.defaults import default_config

CANONICAL = Path(__file__).parents[3] / "model_repository" / "resnet_medical" / "config.pbtxt"


def test_the_packaged_config_is_the_repository_s() -> None:
    assert default_config() == CANONICAL.read_bytes()


@pytest.mark.parametrize(
    "text, parsed",
    [
        pytest.param("", {}, id="empty"),
        pytest.param('name: "a"', {"name": ["a"]}, id="a-string"),
        pytest.param("name: 'it''s' \" one\"", {"name": ["its one"]}, id="strings-join"),
        pytest.param(r'a: "\"\n\101\x41\\"', {"a": ['"\nAA\\']}, id="escapes"),
        pytest.param("a: 1 b: -2 c: 0x10 d: 010", {"a": [1], "b": [-2], "c": [16], "d": [8]}, id="whole-numbers"),
        pytest.param("a: 1.5 b: 1e3 c: .5f d: 1.", {"a": [1.5], "b": [1000.0], "c": [0.5], "d": [1.0]}, id="fractions"),
        pytest.param("a: true b: False c: KIND_GPU", {"a": [True], "b": [False], "c": ["KIND_GPU"]}, id="names"),
        pytest.param("a: [1, 2] a: 3", {"a": [1, 2, 3]}, id="repeated"),
        pytest.param("a: []", {"a": []}, id="empty-list"),
        pytest.param("a { b: 1 } a: < b: 2 >", {"a": [{"b": [1]}, {"b": [2]}]}, id="messages"),
        pytest.param("a [ { b: 1 }, { b: 2 } ]", {"a": [{"b": [1]}, {"b": [2]}]}, id="list-of-messages"),
        pytest.param("# all\na: 1, b: 2; # done", {"a": [1], "b": [2]}, id="comments-and-separators"),
        pytest.param('a: "# no comment"', {"a": ["# no comment"]}, id="hash-in-a-string"),
    ],
)
def test_parses(text: str, parsed: config.Message) -> None:
    assert config.parse(text.encode()) == parsed


@pytest.mark.parametrize(
    "text, reason",
    [
        pytest.param("name", "line 1: expected : or a message, found the end", id="no-value"),
        pytest.param("\n\nname: }", "line 3: expected a value", id="a-mark-for-a-value"),
        pytest.param("a {", "expected a field name or }", id="open-message"),
        pytest.param("a { b: 1 >", "expected a field name or }", id="crossed-brackets"),
        pytest.param("a: [1 2]", "expected , or ]", id="list-without-comma"),
        pytest.param('a: "b', "cannot read", id="open-string"),
        pytest.param(r'a: "\q"', "is not one of protobuf's", id="unknown-escape"),
        pytest.param("a: 09", "the number before this does not fit into protobuf", id="bad-octal"),
        pytest.param("a: 1e999", "the number before this does not fit into protobuf", id="overflow"),
        pytest.param("a: 1x", "cannot read", id="number-and-letter"),
        pytest.param("1: 2", "expected a field name", id="field-number"),
        pytest.param("a {" * 30, "nest deeper", id="deep"),
        pytest.param("a: %", "cannot read '%'", id="a-strange-letter"),
        pytest.param("a: 1\n" * 20_000, "bytes; 65536 are allowed", id="huge"),
    ],
)
def test_refuses(text: str, reason: str) -> None:
    with pytest.raises(InvalidBundle, match=r"^config\.pbtxt") as refused:
        config.parse(text.encode())
    assert reason in str(refused.value)


BASE = CANONICAL.read_text()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BASE.replace("KIND_GPU", "KIND_CPU"), id="another-instance-group"),
        pytest.param(BASE + "version_policy { specific { versions: [1, 2] } }", id="a-version-policy"),
        pytest.param("# ours\n" + BASE.replace("\n", "\r\n"), id="comment-and-line-ends"),
        pytest.param(BASE.replace("[ 4, 8, 16 ]", "[4,8] preferred_batch_size: 0x10"), id="list-spelled-out"),
        pytest.param(BASE.replace("name: ", "name:").replace('"', "'"), id="quotes"),
        pytest.param("\n".join([*BASE.splitlines()[1:], BASE.splitlines()[0]]), id="field-order"),
    ],
)
def test_the_hash_ignores_what_does_not_reload_other_versions(text: str) -> None:
    assert config.config_sha256(text.encode()) == config.config_sha256(BASE.encode())


@pytest.mark.parametrize(
    "old, new",
    [
        pytest.param("max_batch_size: 16", "max_batch_size: 8", id="batch-size"),
        pytest.param("dims: [ 4 ]", "dims: [ 5 ]", id="output-width"),
        pytest.param("1000", "500", id="queue-delay"),
        pytest.param("[ 4, 8, 16 ]", "[ 4, 8 ]", id="preferred-sizes"),
        pytest.param('"input"', '"image"', id="input-name"),
        pytest.param("TYPE_FP32", "TYPE_FP16", id="data-type"),
    ],
)
def test_the_hash_sees_what_does(old: str, new: str) -> None:
    assert config.config_sha256(BASE.replace(old, new).encode()) != config.config_sha256(BASE.encode())


@given(st.text(alphabet='ab1 {}[]<>:,;"#\\\n.-', max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        config.canonical_json(text.encode())
    except InvalidBundle as error:
        assert "line" in str(error)
