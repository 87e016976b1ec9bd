"""One run of the gate: a first look, and a second one with new processes at what was worse in it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ci.bench.gate import counting, verdict
from ci.bench.gate.sitting import MILLION, Sides, Sitting, deciding, parts_of, together
from ci.bench.gate.verdict import Comparison
from ci.stack.say import say

PROCESSES = 5  # of each side: fewer cannot reach p < 0.01
FULL_PROCESSES = 10


@dataclass(frozen=True)
class Outcome:
    """`runs`: the first look, and the second if there was one. `alarms`: measures that were worse in both."""

    runs: Sequence[dict[str, Comparison]]
    alarms: Sequence[str]


def run(sitting: Sitting, parts: Collection[str], *, is_short: bool) -> Outcome:
    """Raises ProgramFailed."""
    say("once, unmeasured")
    sitting.warm_up(parts)
    first = _look(sitting, parts, is_short=is_short)
    worse = [name for name, one in first.items() if one.is_worse and name in deciding()]
    if not worse:
        return Outcome([first], [])
    say(f"worse: {', '.join(worse)}; once more with new processes")
    second = _look(sitting, parts_of(worse), is_short=is_short)
    return Outcome([first, second], verdict.alarms([first, second], deciding()))


def _look(sitting: Sitting, parts: Collection[str], *, is_short: bool) -> dict[str, Comparison]:
    counted = _instructions(sitting, parts, is_short=is_short)
    say("CPU time, wall clock and memory")
    timed = sitting.timed(parts, PROCESSES if is_short else FULL_PROCESSES)
    return verdict.compare(*together(counted, timed))


def _instructions(sitting: Sitting, parts: Collection[str], *, is_short: bool) -> Sides:
    """In the short form, five processes of each side only of parts that one process of each shows to be worse."""
    if not counting.is_there():
        say("no valgrind: CPU time decides alone (Debian: apt-get install valgrind)")
        return {"base": {}, "this": {}}
    say("instructions")
    if not is_short:
        return sitting.counted(parts, PROCESSES)
    once = sitting.counted(parts, 1)
    suspects = parts_of(verdict.suspects(*together(once), deciding()))
    if not suspects:
        return once
    say(f"more {MILLION}: {', '.join(suspects)}; five processes of each side")
    again = sitting.counted(suspects, PROCESSES)
    return {side: {**once[side], **again[side]} for side in once}
