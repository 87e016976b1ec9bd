"""The agent: its start. Its work is Triton's, and waiting for it."""

from collections.abc import Mapping
from pathlib import Path

from ci.bench.gate.scenarios.program import Work

COUNTED: Mapping[str, int] = {}
TIMED: Mapping[str, int] = {}


class Agent:
    def start(self) -> None:
        """What it imports until its loop runs."""
        import replica_agent.main
        import replica_agent.wiring  # noqa: F401 - after its first answer, and before it does anything

    def ready(self) -> Mapping[str, Work]:
        return {}


def make(_: Path) -> Agent:
    return Agent()
