"""A sample of tests/integration/imaging: 300 files are shown as independent programs show them, or refused by name."""

import pytest

from tests.harness.oracle import known, suite

pytestmark = pytest.mark.skipif(
    bool(suite.missing()), reason=f"ci/install-packages pictures: {', '.join(suite.missing())}"
)


@pytest.mark.parametrize("grid", suite.GRIDS)
def test_no_file_of_the_sample_is_shown_as_another_picture(grid: str) -> None:
    found = suite.findings(suite.GRIDS[grid], suite.GRIDS[grid].sample)
    assert [str(finding) for finding in known.unknown(found)] == []
