"""`python -m ci.boards`: writes Grafana's dashboards and the rules for the promise into the chart.

`python -m ci.boards draw --url http://127.0.0.1:9090 --out FOLDER`: draws each board from what a Prometheus answers.
"""

import argparse
import time
from pathlib import Path

from ci.boards.catalog import BOARDS, FOLDER, PROMISES, path, promises_text, text
from ci.stack.say import say

POINTS = 300


def main() -> None:
    arguments = _parse()
    if arguments.command == "draw":
        _draw(arguments.url, arguments.out, arguments.seconds, arguments.rate_interval)
    else:
        _write()


def _write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for board in BOARDS:
        path(board).write_text(text(board))
    PROMISES.write_text(promises_text())


def _draw(url: str, folder: Path, seconds: float, rate_interval: str) -> None:
    from ci.boards.answers import Window
    from ci.boards.draw import draw  # needs matplotlib, which writing does not

    now = time.time()
    window = Window(now - seconds, now, max(1.0, seconds / POINTS), rate_interval)
    for board in BOARDS:
        say(f"wrote {draw(board, url, window, folder)}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ci.boards", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command")
    drawing = commands.add_parser("draw", help="draw each board as a picture")
    drawing.add_argument("--url", default="http://127.0.0.1:9090", help="Prometheus")
    drawing.add_argument("--out", type=Path, default=Path(".boards"), help="the folder of the pictures")
    drawing.add_argument("--seconds", type=float, default=3600, help="how far back")
    drawing.add_argument("--rate-interval", default="1m", help="rates are over this time")
    return parser.parse_args()


if __name__ == "__main__":
    main()
