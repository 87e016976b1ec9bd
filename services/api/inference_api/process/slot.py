"""This worker's slot on the scoreboard, from its start to its end."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from inference_api.process import reports
from inference_api.process.scoreboard import Json, Scoreboard


class Slot:
    """`publish` writes this worker's snapshot, which every worker of the pod can read."""

    def __init__(self, scoreboard: Scoreboard, publish: Callable[[Mapping[str, Any]], None]) -> None:
        self._scoreboard = scoreboard
        self.publish = publish

    @classmethod
    def take(cls, folder: Path) -> "Slot":
        """Joins the scoreboard in `folder`, or makes one there. Raises ScoreboardFull, OSError."""
        scoreboard = Scoreboard.join(folder)
        return cls(scoreboard, scoreboard.claim(os.getpid()))

    @property
    def start_id(self) -> str:
        """Names this start of the pod's API."""
        return self._scoreboard.start_id

    @property
    def draining(self) -> bool:
        """Whether the pod is about to end."""
        return self._scoreboard.draining

    def read(self) -> tuple[Json, list[Json | None]]:
        """What ended workers counted, and the newest snapshot of each live one."""
        return self._scoreboard.read()

    def give_up(self) -> None:
        """Keeps what this worker counted, and frees its slot."""
        self._scoreboard.retire(os.getpid(), reports.fold)
        self._scoreboard.close()
