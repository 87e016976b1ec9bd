"""Progress for the person who waits, on standard error: standard output is for results."""

import sys
from collections.abc import Sequence


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def say_row(header: Sequence[str], row: Sequence[str]) -> None:
    """Says a row of a table as soon as it is known."""
    say(f"  {', '.join(map(' '.join, zip(header, row, strict=True)))}")
