"""Measure how the operator grows: one release on many replicas, and many rollouts at rest.

A whole run writes its part of docs/benchmarks.md and its plots; a part, or a quick run, is only printed.
"""

import argparse
import shutil
import signal
import sys
from pathlib import Path

from ci.bench import command, pages, report
from ci.bench.machine import processor
from ci.bench.operator import active, idle
from ci.bench.results import Section
from ci.stack.control_plane import ControlPlane
from ci.stack.folders import ROOT
from ci.stack.kubernetes import Cluster
from ci.stack.lock import alone
from ci.stack.processes import ProcessEnded
from ci.stack.say import say

COMMAND = "make bench-operator"
SECTIONS = ("active", "idle")
QUICK_SECONDS = 12.0
LIMITS = """\
What limits: the operator is one process on one core, and looks at each rollout by itself: one request to each of its \
pods, and three reads from the API server where something is under way, and every second minute at rest. For one \
release these requests grow with the replicas, and so does the plan, which names them. Rollouts at rest cost the same \
each, whatever their number, until the core is full; then they are looked at less often than every 10 s."""


def main() -> None:
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = ROOT / ".bench"
    try:
        with alone(folder / "lock", command.refuse_second):
            sections = run(folder / "operator", arguments.sections, arguments.quick)
    except (ProcessEnded, FileNotFoundError) as error:
        sys.exit(f"bench-operator: {error}")
    is_whole = tuple(arguments.sections) == SECTIONS and not arguments.quick
    command.finish({COMMAND: to_markdown(sections)}, sections, is_whole)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ci.bench.operator", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only where the limits hold, and shorter: does it run?")
    return command.parse(parser, SECTIONS)


def run(folder: Path, chosen: list[str], quick: bool) -> list[Section]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found = []
    with ControlPlane(folder / "control-plane") as plane, Cluster(plane) as cluster:
        cluster.install_crd()
        if "active" in chosen:
            say("active: one release on many replicas")
            found.append(active.section(active.measure(cluster, folder, (active.BAR,) if quick else active.SIZES)))
        if "idle" in chosen:
            say("idle: many rollouts at rest")
            seconds, sizes = (QUICK_SECONDS, (idle.BAR,)) if quick else (idle.SECONDS, idle.SIZES)
            found.append(idle.section(*idle.measure(cluster, folder, seconds, sizes)))
    return found


def to_markdown(sections: list[Section]) -> str:
    checks = [check for section in sections for check in section.checks]
    parts = [
        "## The operator",
        f"Written by `{COMMAND}`: a real kube-apiserver and etcd, a real operator, and simulated agents and API pods, "
        f"which share {processor()}. It fails when one of these limits does not hold.",
        report.table_to_markdown(report.checks_table(checks)),
        *(report.section_to_markdown(section, pages.PLOTS_SEEN, level=3) for section in sections),
        LIMITS,
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
