"""All boards, and where their files are."""

import json
from pathlib import Path

import yaml

from ci.boards import promises
from ci.boards.board import Board
from ci.boards.gpu import GPU
from ci.boards.operator import OPERATOR
from ci.boards.patients import PATIENTS
from ci.boards.release import RELEASE
from ci.boards.replicas import REPLICAS

BOARDS = (PATIENTS, RELEASE, REPLICAS, GPU, OPERATOR)
CHART = Path(__file__).parents[2] / "charts" / "medinfer"
FOLDER = CHART / "dashboards"
PROMISES = CHART / "rules" / "promises.yaml"


def path(board: Board) -> Path:
    """Where the chart has it."""
    return FOLDER / f"{board.name}.json"


def text(board: Board) -> str:
    """Its file."""
    return json.dumps(board.document(), indent=1, ensure_ascii=False) + "\n"


def promises_text() -> str:
    """The file of the promises' rules."""
    dumped: str = yaml.safe_dump(promises.rules(), sort_keys=False, width=1000)
    return f"# Generated: make boards\n{dumped}"
