"""Measure medinfer with k6, and next to it a straightforward reference, LitServe and BentoML.

Each section at full length writes its part of docs/benchmarks.md and its plots; a shorter run is only printed.
"""

import argparse
import signal
import sys
import time

from ci.bench import command, machine, pages, report, startup
from ci.bench.packages import NotInstalled
from ci.bench.results import Section
from ci.bench.sections import (
    access,
    cpu,
    first_request,
    hashing,
    loading,
    side_by_side,
    traces,
    user_table,
    worker_study,
)
from ci.bench.stand import Stand
from ci.stack.folders import ROOT
from ci.stack.lock import alone
from ci.stack.processes import ProcessEnded
from ci.stack.say import say

SECTIONS = {
    "users": user_table.measure,
    "workers": worker_study.measure,
    "startup": startup.measure,
    "first": first_request.measure,
    "side": side_by_side.measure,
    "cpu": cpu.measure,
    "access": access.measure,
    "traces": traces.measure,
    "loading": loading.measure,
    "hashing": hashing.measure,
}


def main() -> None:
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    stand = Stand(ROOT / ".bench", 0.2 if arguments.quick else arguments.scale)
    try:
        with alone(stand.folder / "lock", command.refuse_second):
            sections = run(stand, arguments.sections)
    except (NotInstalled, ProcessEnded) as error:
        sys.exit(f"bench: {error}")
    parts = {pages.PREFACE: report.preface(machine.describe())}
    for name, section in zip(arguments.sections, sections, strict=True):
        parts[pages.command_of(name)] = report.to_markdown(section, pages.command_of(name), pages.PLOTS_SEEN)
    command.finish(parts, sections, stand.scale >= 1)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ci.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies every duration and number of runs")
    parser.add_argument("--quick", action="store_true", help="the same as --scale 0.2: does it run?")
    return command.parse(parser, SECTIONS)


def run(stand: Stand, chosen: list[str]) -> list[Section]:
    sections, began = [], time.monotonic()
    for number, name in enumerate(chosen, 1):
        say(f"[{number}/{len(chosen)}] {name} ({time.monotonic() - began:.0f} s so far)")
        sections.append(SECTIONS[name](stand))
    return sections


if __name__ == "__main__":
    main()
