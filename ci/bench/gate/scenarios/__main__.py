"""python -m ci.bench.gate.scenarios PART FOLDER [--count PIDS]: one process, for the gate, which reads what it prints.

Without --count it prints times and memory as JSON. FOLDER holds what is worked on, the same for base and commit.
"""

import argparse
import importlib
import json
from pathlib import Path

from ci.bench.gate.scenarios import program


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ci.bench.gate.scenarios")
    parser.add_argument("part", choices=("api", "agent", "operator"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=Path, metavar="PIDS")
    parser.add_argument("--once", action="store_true", help="each piece once, to see that it runs")
    arguments = parser.parse_args()
    # Only this part: what another one imports would count as its start.
    module = importlib.import_module(f"ci.bench.gate.scenarios.{arguments.part}")
    part: program.Part = module.make(arguments.folder)
    if arguments.count:
        program.count(part, module.COUNTED, arguments.count)
    else:
        repeats = dict.fromkeys(module.TIMED, 1) if arguments.once else module.TIMED
        print(json.dumps(program.time_all(part, repeats)))


if __name__ == "__main__":
    main()
