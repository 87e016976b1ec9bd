"""Both sides, measured in turn: A B B A for time, side by side for instructions, which do not notice."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ci.bench.gate import counting
from ci.bench.gate.checkout import Checkout, ProgramFailed
from ci.bench.gate.scenarios import agent, api, operator
from ci.bench.gate.verdict import Measure, Samples, abba
from ci.stack.say import say

PARTS = {"api": api, "agent": agent, "operator": operator}
MILLION, CPU_MS, WALL_MS, MIB = "million instructions", "CPU ms", "wall ms", "MiB"

Sides = dict[str, dict[str, list[float]]]  # `base` and `this` -> samples
Take = Callable[[Checkout, str], dict[str, float]]  # a part's numbers, by measure, from one process


def measures() -> list[Measure]:
    """All there are, in the order of the table."""
    found = []
    for part, module in PARTS.items():
        pieces = ["start", *module.TIMED]
        found += [Measure(f"{part} {piece}", unit, unit != WALL_MS) for piece in pieces for unit in _units(part, piece)]
    return found


def _units(part: str, piece: str) -> Iterable[str]:
    if (part, piece) == ("api", api.MEMORY):
        return (MIB,)
    return (MILLION, CPU_MS, WALL_MS)


def deciding() -> set[str]:
    return {str(one) for one in measures() if one.decides}


def parts_of(names: Collection[str]) -> list[str]:
    """Those that these measures belong to."""
    return [part for part in PARTS if any(name.startswith(f"{part} ") for name in names)]


@dataclass
class Sitting:
    """`left_out`: part -> why the base cannot run it."""

    base: Checkout
    this: Checkout
    inputs: Path
    left_out: dict[str, str] = field(default_factory=dict)

    def warm_up(self, parts: Iterable[str]) -> None:
        """Once without measuring: Python compiles what it imports. Raises ProgramFailed when `this` cannot run."""
        for part in parts:
            for side in (self.this, self.base):
                try:
                    counting.run(side, side.command(part, self.inputs, "--once"))
                except ProgramFailed as error:
                    if side is self.this:
                        raise
                    self.left_out[part] = str(error)
                    say(f"  {part}: the base cannot run it: {error}")

    def counted(self, parts: Iterable[str], processes: int) -> Sides:
        """Instructions. Two processes run at a time."""
        return self._take(parts, processes, at_once=2, take=self._count)

    def timed(self, parts: Iterable[str], processes: int) -> Sides:
        """CPU, wall clock and memory."""
        return self._take(parts, processes, at_once=1, take=self._time)

    def _take(self, parts: Iterable[str], processes: int, at_once: int, take: Take) -> Sides:
        sides: Sides = {"base": defaultdict(list), "this": defaultdict(list)}
        checkouts = {"base": self.base, "this": self.this}
        turns = [(side, part) for part in parts if part not in self.left_out for side in abba(processes)]
        with ThreadPoolExecutor(at_once) as executor:
            for (side, _), numbers in zip(
                turns, executor.map(lambda t: take(checkouts[t[0]], t[1]), turns), strict=True
            ):
                for name, value in numbers.items():
                    sides[side][name].append(value)
        return sides

    def _count(self, checkout: Checkout, part: str) -> dict[str, float]:
        counted = counting.count(checkout, part, self.inputs, PARTS[part].COUNTED)
        return {str(Measure(f"{part} {piece}", MILLION)): value for piece, value in counted.items()}

    def _time(self, checkout: Checkout, part: str) -> dict[str, float]:
        printed: Mapping[str, Mapping[str, float]] = json.loads(
            counting.run(checkout, checkout.command(part, self.inputs))
        )
        return {
            str(Measure(f"{part} {piece}", unit)): numbers[unit]
            for piece, numbers in printed.items()
            for unit in _units(part, piece)
            if unit in numbers
        }


def together(*taken: Sides) -> tuple[Samples, Samples]:
    """Of `base` and of `this`."""
    base, this = ({name: values for one in taken for name, values in one[side].items()} for side in ("base", "this"))
    return base, this
