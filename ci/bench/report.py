"""Sections as Markdown."""

from collections.abc import Sequence
from pathlib import Path

from ci.bench.results import Check, Section, Table


def preface(machine: str) -> str:
    """What holds for every section of `make bench`."""
    return (
        "Each section has the numbers of its last whole run: `make bench` makes them all, "
        "`python -m ci.bench SECTION` one. Both fail when a limit does not hold. "
        "Every request uploads a 512x512 grey JPEG of about 50 KB.\n\n"
        f"Machine: {machine}"
    )


def to_markdown(section: Section, command: str, plots: Path) -> str:
    """plots: the folder of the PNG files as seen from the page."""
    limits = [table_to_markdown(checks_table(section.checks))] if section.checks else []
    return "\n\n".join([section_to_markdown(section, plots), *limits, f"Written by `{command}`."]) + "\n"


def section_to_markdown(section: Section, plots: Path, level: int = 2) -> str:
    images = [f"![{plot.title}]({plots / plot.name}.png)" for plot in section.plots]
    tables = map(table_to_markdown, section.tables)
    return "\n\n".join([f"{'#' * level} {section.title}", section.text, *tables, *images])


def table_to_markdown(table: Table) -> str:
    rule = ["---"] + ["---:"] * (len(table.header) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (table.header, rule, *table.rows))


def checks_table(checks: Sequence[Check]) -> Table:
    rows = [(check.name, f"{check.value:.3g}", check.limit, "yes" if check.passed else "**no**") for check in checks]
    return Table(("measured", "value", "limit", "holds"), rows)
