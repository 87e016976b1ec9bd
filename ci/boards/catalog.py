"""All boards, and where their files are."""

import json
from pathlib import Path

from ci.boards.board import Board
from ci.boards.gpu import GPU
from ci.boards.operator import OPERATOR
from ci.boards.patients import PATIENTS
from ci.boards.release import RELEASE
from ci.boards.replicas import REPLICAS

BOARDS = (PATIENTS, RELEASE, REPLICAS, GPU, OPERATOR)
FOLDER = Path(__file__).parents[2] / "charts" / "medinfer" / "dashboards"


def path(board: Board) -> Path:
    """Where the chart has it."""
    return FOLDER / f"{board.name}.json"


def text(board: Board) -> str:
    """Its file."""
    return json.dumps(board.document(), indent=1, ensure_ascii=False) + "\n"
