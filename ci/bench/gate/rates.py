"""How often the gate is right: a commit against itself, and against a copy that is a tenth slower.

`python -m ci.bench.gate.rates [--runs 20] [PART ...]` writes its part of docs/benchmarks.md. It uses the short form.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ci.bench import command, pages, plots
from ci.bench.gate import checkout, gate, injection, inputs
from ci.bench.gate.checkout import FOLDER
from ci.bench.gate.injection import Injection
from ci.bench.gate.sitting import PARTS, Sitting, deciding
from ci.bench.gate.verdict import Comparison
from ci.bench.machine import processor
from ci.bench.report import table_to_markdown
from ci.bench.results import Plot, Table
from ci.stack.lock import alone
from ci.stack.say import say

COMMAND = "python -m ci.bench.gate.rates"
RUNS = 20


@dataclass(frozen=True)
class Run:
    """`injected`: what was made slower, empty for none. `ratio`: of that, or the worst of those that decide."""

    injected: str
    alarms: Sequence[str]
    ratio: float
    seconds: float

    @property
    def is_right(self) -> bool:
        """An alarm for what was injected; none for nothing."""
        named = [name for name in self.alarms if name.startswith(f"{self.injected}, ")]
        return bool(named) if self.injected else not self.alarms


def main() -> None:
    arguments = parse()
    parts = arguments.parts or list(PARTS)
    with alone(FOLDER / "lock", command.refuse_second):
        commit = checkout.find_base("HEAD")
        base = checkout.prepare(commit)
        inputs.write(FOLDER / "inputs")
        runs = [*against_itself(base, parts, arguments.runs), *slowed(base, commit, parts, arguments.runs)]
    text = to_markdown(runs, parts, commit)
    print(text)
    if arguments.write:
        pages.write(COMMAND, text)
        plots.draw(plot(runs), pages.PLOTS)
    sys.exit(0 if all(run.is_right for run in runs) else 1)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS, help="of each kind")
    parser.add_argument("--print", dest="write", action="store_false", help="leave the page as it is")
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []], help=f"of {', '.join(PARTS)}")
    return parser.parse_args()


def against_itself(base: checkout.Checkout, parts: Sequence[str], count: int) -> list[Run]:
    return [look(Sitting(base, base, FOLDER / "inputs"), parts) for _ in range(count)]


def slowed(base: checkout.Checkout, commit: str, parts: Sequence[str], count: int) -> list[Run]:
    """Each injection in turn; of each run only the part that has it."""
    chosen = [one for one in injection.ALL if one.part in parts]
    known: dict[Injection, int] = {}
    runs = []
    for number in range(count):
        one = chosen[number % len(chosen)]
        copy = injection.inject(one, commit, FOLDER / "inputs", known)
        try:
            runs.append(look(Sitting(base, copy, FOLDER / "inputs"), [one.part], f"{one.part} {one.piece}"))
        finally:
            injection.take_out(one, copy)
    return runs


def look(sitting: Sitting, parts: Sequence[str], injected: str = "") -> Run:
    began = time.monotonic()
    outcome = gate.run(sitting, parts, is_short=True)
    run = Run(injected, outcome.alarms, ratio_of(outcome.runs[0], injected), time.monotonic() - began)
    say(f"{injected or 'nothing'} injected: {run.ratio:.3f}, alarms: {run.alarms}, {run.seconds:.0f} s")
    return run


def ratio_of(seen: Mapping[str, Comparison], injected: str) -> float:
    """The greatest, of the instructions or the memory of what was injected, or else of all that decides."""
    ours = [name for name in seen if name.startswith(f"{injected}, ") and "ms" not in name.rsplit(", ", 1)[1]]
    return max(seen[name].ratio for name in (ours if injected else deciding() & seen.keys()))


def to_markdown(runs: Sequence[Run], parts: Sequence[str], commit: str) -> str:
    rows = []
    for injected in dict.fromkeys(run.injected for run in runs):
        some = [run for run in runs if run.injected == injected]
        right, longest = sum(run.is_right for run in some), max(run.seconds for run in some)
        what = f"{injected}, a tenth more" if injected else "nothing"
        ratios = f"{min(run.ratio for run in some):.3f} to {max(run.ratio for run in some):.3f}"
        rows.append((what, f"{len(some)}", f"{right}", ratios, f"{longest:.0f}"))
    clean, slow = ([run for run in runs if bool(run.injected) is kind] for kind in (False, True))
    return "\n\n".join(
        [
            "## The gate",
            f"Written by `{COMMAND} --runs {len(clean)} {' '.join(parts)}` at {commit[:9]}, on {processor()}: "
            "`make bench-gate` in its short form against itself, and against a copy in which one thing takes a tenth "
            "more. Right: no alarm for nothing, and an alarm that names what was slowed. The ratio is that of the "
            "first look: of what was slowed its instructions or memory, of nothing the worst of all numbers that "
            "decide, CPU time included.",
            f"False alarms: {sum(bool(run.alarms) for run in clean)} of {len(clean)} runs. "
            f"Slowdowns found: {sum(run.is_right for run in slow)} of {len(slow)}.",
            table_to_markdown(Table(("injected", "runs", "right", "ratios", "longest run s"), rows)),
            f"![this / base by run]({pages.PLOTS_SEEN / 'gate-rates'}.png)",
        ]
    )


def plot(runs: Sequence[Run]) -> Plot:
    """Run by run."""
    clean, slow = ([run.ratio for run in runs if bool(run.injected) is kind] for kind in (False, True))
    count = min(len(clean), len(slow))
    series = {"against itself, worst of all": clean[:count], "a tenth injected": slow[:count]}
    x = [str(number + 1) for number in range(count)]
    return Plot("gate-rates", "The gate: this / base by run", "lines", x, "run", "this / base", series)


if __name__ == "__main__":
    main()
