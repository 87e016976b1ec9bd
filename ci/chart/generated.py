"""The parts of Markdown pages that are generated: the text between two marker lines."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Generated:
    """A page and the marker lines around its generated part; the rest of the page is written by hand."""

    page: Path
    begin: str
    end: str

    def updated(self, content: str) -> str:
        """Return the page with `content` between the markers. Raises ValueError if a marker is missing."""
        before, begin, rest = self.page.read_text().partition(self.begin)
        _, end, after = rest.partition(self.end)
        if not begin or not end:
            raise ValueError(f"{self.page}: write the lines {self.begin} and {self.end} where the table belongs")
        return f"{before}{begin}\n{content}\n{end}{after}"
