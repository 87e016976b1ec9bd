"""`python -m tests.harness.oracle.page`: writes docs/images.md, by asking the API about one sound file of each kind."""

from collections.abc import Sequence

from ci.chart.generated import Generated
from ci.stack.folders import ROOT
from tests.harness.oracle import kinds, ours
from tests.harness.oracle.kinds import Kind

PAGE = Generated(ROOT / "docs" / "images.md", "<!-- kinds: make image-docs -->", "<!-- end of the kinds -->")

_LISTED = "images are read; "


def build() -> str:
    """A section for each format."""
    return "\n".join(_section(title, of_it) for title, of_it in kinds.all_kinds().items())


def _section(title: str, of_it: Sequence[Kind]) -> str:
    rows = "\n".join(f"| {kind.name} | {_answer(kind)} |" for kind in of_it)
    return f"\n## {title}\n\n| kind | answer |\n|---|---|\n{rows}\n"


def _answer(kind: Kind) -> str:
    given = ours.shown(kind.data)
    if not isinstance(given, ours.Refusal):
        return "read"
    return f'refused: "{given.words.rpartition(_LISTED)[2]}"'


def main() -> None:
    PAGE.page.write_text(PAGE.updated(build()))


if __name__ == "__main__":
    main()
