"""Faults that are known and not mended yet. Whoever mends one takes its line away: a line that is not needed fails."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.harness.oracle.verdict import Finding


@dataclass(frozen=True, slots=True)
class Known:
    """Files whose name matches `names`, with a finding that matches `what`."""

    why: str
    names: str
    what: str = "another picture"

    def covers(self, finding: Finding) -> bool:
        return bool(re.search(self.names, finding.name) and re.search(self.what, finding.what))


KNOWN: tuple[Known, ...] = ()

# The same for files that nobody here wrote.
KNOWN_FOREIGN: tuple[Known, ...] = ()


def unknown(findings: list[Finding], among: Sequence[Known] = KNOWN) -> list[Finding]:
    return [finding for finding in findings if not any(known.covers(finding) for known in among)]


def no_longer_found(findings: list[Finding], among: Sequence[Known] = KNOWN) -> list[Known]:
    return [known for known in among if not any(known.covers(finding) for finding in findings)]
