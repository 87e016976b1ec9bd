"""docs/images.md says what the API does with one sound file of each kind."""

import pytest

from tests.harness.oracle import page


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_the_page_is_current() -> None:
    assert page.PAGE.updated(page.build()) == page.PAGE.page.read_text(), "run make image-docs"
