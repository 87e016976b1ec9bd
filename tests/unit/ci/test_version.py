"""One version in every file that states it: what is compared, what is written, and that no place is forgotten."""

from pathlib import Path

import pytest

from ci import version
from ci.stack.folders import ROOT
from ci.statements import MissingStatement, Statement, read
from tests.unit.ci import copies

ALL = (version.SOURCE, *version.COPIES)
# What a release says of itself in prose is not a place that a tool may write.
PROSE = {"CHANGELOG.md", "RELEASING.md", "ci/version.py"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy in which all places agree, whether they do in the repository or not."""
    root = copies.copy(ALL, tmp_path)
    version.set_version(version.current(), root)
    return root


def test_all_places_agree() -> None:
    assert version.check() == []


def test_no_other_file_states_it() -> None:
    places = {str(one.path) for one in read(ROOT, ALL)}
    assert copies.mentioning(version.current()) - places - PROSE == set()


@pytest.mark.parametrize("one", [pytest.param(one, id=f"{one.path}:{one.line}") for one in read(ROOT, version.COPIES)])
def test_a_place_that_differs_is_named(one: Statement, root: Path) -> None:
    lines = (root / one.path).read_text().split("\n")
    lines[one.line - 1] = lines[one.line - 1].replace(version.current(), "9.9.9")
    (root / one.path).write_text("\n".join(lines))
    assert version.check(root) == [f"{one.path}:{one.line}: 9.9.9"]


def test_a_version_is_written_everywhere_and_nothing_else_changes(root: Path) -> None:
    before = {path: path.read_text().split("\n") for path in files(root)}
    stated = {(root / one.path, one.line) for one in read(root, ALL)}
    assert {root / path.relative_to(root) for path in version.set_version("9.8.7", root)} == set(before)
    changed = {
        (path, number)
        for path, old in before.items()
        for number, (was, now) in enumerate(zip(old, path.read_text().split("\n"), strict=True), 1)
        if was != now
    }
    assert changed == stated
    assert (version.current(root), version.check(root)) == ("9.8.7", [])


@pytest.mark.parametrize("text", ["", "0.2", "v0.2.0", "0.2.0-rc.1", "0.2.0rc1", "00.2.0", "0.2.0\n"])
def test_what_is_no_version_is_refused(text: str, root: Path) -> None:
    before = version.current(root)
    with pytest.raises(version.InvalidVersion, match="is no version: write three numbers"):
        version.set_version(text, root)
    assert version.current(root) == before


def test_a_place_that_states_nothing_is_no_agreement(root: Path) -> None:
    (root / "services" / "api" / "Dockerfile").write_text("FROM scratch\n")
    for attempt in (version.check, lambda root: version.set_version("9.8.7", root)):
        with pytest.raises(MissingStatement, match="services/api/Dockerfile: nothing matches"):
            attempt(root)
    assert version.current(root) == version.current()


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        pytest.param([], 0, "", id="all agree"),
        pytest.param(["a:1: 9.9.9"], 1, f"a:1: 9.9.9, not {version.current()}\n", id="one differs"),
    ],
)
def test_the_command(
    wrong: list[str], status: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(version, "check", lambda: wrong)
    assert version.main(["check"]) == status
    assert capsys.readouterr().out == said


def test_the_command_says_why_it_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert version.main(["set", "next"]) == 1
    assert "ci.version: 'next' is no version" in capsys.readouterr().err


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]
