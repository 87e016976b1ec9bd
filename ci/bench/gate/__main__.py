"""Compares this checkout with another commit, in one sitting; exits 1 when something became worse.

python -m ci.bench.gate [--base REVISION] [--short] [PART ...]. CONTRIBUTING.md says how it decides.
"""

import argparse
import signal
import sys
import time
from collections.abc import Mapping, Sequence

from ci.bench import command
from ci.bench.gate import checkout, gate, inputs, sitting
from ci.bench.gate.checkout import FOLDER, NoBase, ProgramFailed
from ci.bench.gate.gate import Outcome
from ci.bench.gate.verdict import Comparison
from ci.bench.report import table_to_markdown
from ci.bench.results import Table
from ci.stack.lock import alone
from ci.stack.say import say

PROG = "bench-gate"
HEADER = ("measured", "base", "this", "this / base", "p", "")


def main() -> None:
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    with alone(FOLDER / "lock", command.refuse_second):
        try:
            commit = checkout.find_base(arguments.base)
            say(f"base: {commit[:9]}")
            base = checkout.prepare(commit)
        except (NoBase, ProgramFailed) as error:
            no_base(str(error), is_wanted=bool(arguments.base))
        inputs.write(FOLDER / "inputs")
        try:
            sat = sitting.Sitting(base, checkout.this(), FOLDER / "inputs")
            outcome = gate.run(sat, arguments.parts or list(sitting.PARTS), is_short=arguments.short)
        except ProgramFailed as error:
            sys.exit(f"{PROG}: this checkout cannot be measured: {error}")
    print(to_markdown(outcome, sat.left_out))
    say(f"{time.monotonic() - began:.0f} s")
    sys.exit(1 if outcome.alarms else 0)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ci.bench.gate", description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="", help="a commit; else where this branch left main, or HEAD's parent")
    parser.add_argument("--short", action="store_true", help="fewer processes: what CI runs")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(sitting.PARTS)}; all when none")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(sitting.PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; choose from {', '.join(sitting.PARTS)}")
    return arguments


def no_base(why: str, *, is_wanted: bool) -> None:
    """Without a base nothing can be judged: an error only where one was named."""
    say(f"{PROG}: NOTHING WAS COMPARED: {why}")
    sys.exit(2 if is_wanted else 0)


def to_markdown(outcome: Outcome, left_out: Mapping[str, str]) -> str:
    """A table of each look, and the verdict."""
    tables = [table_to_markdown(Table(HEADER, rows(run))) for run in outcome.runs]
    notes = [f"{part}: not compared, the base cannot run it: {why}" for part, why in left_out.items()]
    alarms = [f"WORSE, in both runs: {name}" for name in outcome.alarms] or ["Nothing became worse."]
    return "\n\n".join([*tables, *notes, *alarms])


def rows(run: Mapping[str, Comparison]) -> list[Sequence[str]]:
    known = {str(one): one.decides for one in sitting.measures()}
    return [
        (
            name,
            f"{run[name].base:.2f}",
            f"{run[name].this:.2f}",
            f"{run[name].ratio:.3f}",
            f"{run[name].p:.3f}",
            "worse" if run[name].is_worse and decides else "" if decides else "information",
        )
        for name, decides in known.items()
        if name in run
    ]


if __name__ == "__main__":
    main()
