"""How many instructions the same work took at commits of the past: python -m ci.bench.gate.history REVISION ...

Adds the commits to docs/plots/gate-history.json, and writes the table of the page and its plot from all that are there.
"""

import argparse
import json
from collections.abc import Mapping, Sequence

from ci.bench import command, pages, plots
from ci.bench.gate import checkout, counting, inputs
from ci.bench.gate.checkout import FOLDER, ProgramFailed
from ci.bench.gate.sitting import MILLION, PARTS
from ci.bench.report import table_to_markdown
from ci.bench.results import Plot, Table
from ci.stack.lock import alone
from ci.stack.say import say

COMMAND = "python -m ci.bench.gate.history"
FILE = pages.PLOTS / "gate-history.json"
SHOWN = (
    "api start",
    "api request",
    "agent start",
    "operator start",
    "operator visit at rest",
    "operator visit in a release",
)

Counted = dict[str, float]  # piece of a part -> million instructions


def main() -> None:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0])
    parser.add_argument("revisions", nargs="+", metavar="REVISION", help="from the oldest to the newest")
    arguments = parser.parse_args()
    known: dict[str, Counted] = json.loads(FILE.read_text()) if FILE.exists() else {}
    with alone(FOLDER / "history.lock", command.refuse_second):  # what else runs here does not matter
        inputs.write(FOLDER / "inputs")
        for revision in arguments.revisions:
            commit = checkout.find_base(revision)
            if counted := count(commit):
                known[commit[:9]] = counted
            FILE.write_text(json.dumps(known, indent=2) + "\n")
    pages.write(COMMAND, to_markdown(known))
    plots.draw(plot(known), pages.PLOTS)


def count(commit: str) -> Counted:
    """Once: two counts of the same differ by half a percent at most. A part that the commit cannot run is left out."""
    old, found = checkout.prepare(commit, "old"), Counted()
    for part, module in PARTS.items():
        try:
            counting.run(old, old.command(part, FOLDER / "inputs", "--once"))
            counted = counting.count(old, part, FOLDER / "inputs", module.COUNTED)
        except ProgramFailed as error:
            say(f"{commit[:9]} cannot run {part}: {error}")
            continue
        found |= {f"{part} {piece}": round(value, 3) for piece, value in counted.items()}
        say(f"{commit[:9]} {part}: {counted}")
    return found


def to_markdown(known: Mapping[str, Counted]) -> str:
    names = list(dict.fromkeys(name for counted in known.values() for name in counted))
    rows = [(name, *(_cell(counted.get(name)) for counted in known.values())) for name in names]
    return "\n\n".join(
        [
            "### Instructions by commit",
            f"Written by `{COMMAND} REVISION ...`: what the gate counts, in {MILLION}, at commits of the past, the "
            "oldest first; each with its own packages. -: the commit cannot run today's scenario.",
            table_to_markdown(Table(("counted", *known), rows)),
            f"![instructions by commit]({pages.PLOTS_SEEN / 'gate-history'}.png)",
        ]
    )


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def plot(known: Mapping[str, Counted]) -> Plot:
    """Relative to the first commit that has the number; where one has none, nothing is drawn."""
    series = {name: _relative([counted.get(name) for counted in known.values()]) for name in SHOWN}
    return Plot("gate-history", "Instructions by commit, first = 1", "lines", list(known), "commit", "ratio", series)


def _relative(values: Sequence[float | None]) -> list[float]:
    first = next((value for value in values if value), 1.0)
    return [float("nan") if value is None else value / first for value in values]


if __name__ == "__main__":
    main()
