"""The commands of docs/upgrading.md, as they stand there."""

from ci.stack.folders import ROOT

NAMESPACE = "medinfer"
PAGE = ROOT / "docs" / "upgrading.md"


def commands(step: str) -> list[list[str]]:
    """Of `## 1. The CustomResourceDefinition` for "1.": each line's words."""
    section = PAGE.read_text().partition(f"\n## {step}")[2].partition("\n## ")[0]
    lines = section.partition("```sh\n")[2].partition("```")[0].splitlines()
    return [line.split() for line in lines if line]
