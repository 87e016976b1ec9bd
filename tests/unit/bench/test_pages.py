"""The page of the benchmarks: each command writes its part and leaves the others."""

import pytest

from ci.bench import __main__ as bench
from ci.bench import pages
from ci.bench.pages import with_part

BOTH = "# Benchmarks\n\n<!-- make bench -->\n\nfast\n\n<!-- make bench-operator -->\n\n## The operator\n\nsmall\n"


@pytest.mark.parametrize(
    ("page", "command", "text", "written"),
    [
        pytest.param("", "make bench", "fast\n", "# Benchmarks\n\n<!-- make bench -->\n\nfast\n", id="the-first-part"),
        pytest.param(
            "# Benchmarks\n\n<!-- make bench -->\n\nfast\n",
            "make bench-operator",
            "## The operator\n\nsmall\n",
            BOTH,
            id="a-part-next-to-another",
        ),
        pytest.param(
            "# Benchmarks\n\n<!-- make bench-operator -->\n\n## The operator\n\nsmall\n",
            "make bench",
            "fast",
            BOTH,
            id="always-in-one-order",
        ),
        pytest.param(BOTH, "make bench", "fast", BOTH, id="the-same-again-changes-nothing"),
        pytest.param(BOTH, "make bench", "slow", BOTH.replace("fast", "slow"), id="the-first-again"),
        pytest.param(BOTH, "make bench-operator", "big", BOTH.split("## The")[0] + "big\n", id="the-last-again"),
    ],
)
def test_a_command_writes_its_own_part(page: str, command: str, text: str, written: str) -> None:
    assert with_part(page, command, text) == written


def test_each_section_has_its_place_on_the_page() -> None:
    """A merge left them out once: the next run then removed them from the page."""
    assert tuple(bench.SECTIONS) == pages.SECTIONS
    assert pages.ORDER[: 1 + len(bench.SECTIONS)] == (pages.PREFACE, *map(pages.command_of, bench.SECTIONS))


def test_the_page_loses_nothing_when_a_part_is_written() -> None:
    page = pages.PAGE.read_text()
    assert with_part(page, pages.PREFACE, pages.split(page)[pages.PREFACE]) == page
