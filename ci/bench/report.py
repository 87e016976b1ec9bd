"""Sections as Markdown."""

from collections.abc import Sequence
from pathlib import Path

from ci.bench.results import Check, Section, Table


def to_markdown(sections: Sequence[Section], machine: str, plots: Path) -> str:
    """plots: the folder of the PNG files as seen from the page."""
    checks = [check for section in sections for check in section.checks]
    parts = [
        "Written by `make bench`; the last run's numbers. Every request uploads a 512x512 grey JPEG of about 50 KB.",
        f"Machine: {machine}",
        "## Limits",
        "`make bench` fails when one of these does not hold.",
        table_to_markdown(checks_table(checks)),
        *(section_to_markdown(section, plots) for section in sections),
    ]
    return "\n\n".join(parts) + "\n"


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
