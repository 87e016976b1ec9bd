"""Every picture is the one that independent programs show, or is refused for a reason that is named."""

import pytest

from tests.harness.oracle import foreign, known, suite
from tests.harness.oracle.verdict import Finding

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(suite.missing()), reason=f"ci/install-packages pictures: {', '.join(suite.missing())}"),
]


@pytest.fixture(scope="module")
def found() -> dict[str, list[Finding]]:
    """By the name of the grid."""
    return {name: suite.findings(grid, grid.count) for name, grid in suite.GRIDS.items()}


@pytest.mark.parametrize("grid", suite.GRIDS)
def test_no_file_of_the_grid_is_shown_as_another_picture(grid: str, found: dict[str, list[Finding]]) -> None:
    assert [str(finding) for finding in known.unknown(found[grid])] == []


def test_the_grids_have_five_thousand_files() -> None:
    assert sum(grid.count for grid in suite.GRIDS.values()) >= 5000


def test_what_is_known_is_still_found(found: dict[str, list[Finding]]) -> None:
    """Who mends a fault takes its line out of tests/harness/oracle/known.py."""
    assert known.no_longer_found([finding for one in found.values() for finding in one]) == []


@pytest.fixture(scope="module")
def found_elsewhere() -> list[Finding]:
    """Of files that nobody here wrote."""
    return [finding for path in foreign.files() for finding in foreign.findings(path)]


@pytest.mark.skipif(not foreign.are_there(), reason="make pictures")
def test_pictures_of_others_are_there() -> None:
    assert len(foreign.files()) >= 150


def test_no_file_of_others_is_shown_as_another_picture(found_elsewhere: list[Finding]) -> None:
    assert [str(finding) for finding in known.unknown(found_elsewhere, known.KNOWN_FOREIGN)] == []


@pytest.mark.skipif(not foreign.are_there(), reason="make pictures")
def test_what_is_known_of_others_is_still_found(found_elsewhere: list[Finding]) -> None:
    assert known.no_longer_found(found_elsewhere, known.KNOWN_FOREIGN) == []
