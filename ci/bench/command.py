"""What every benchmark's command line has in common: a choice of sections, and an end that holds their limits."""

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import NoReturn

from ci.bench import pages, plots
from ci.bench.results import Section
from ci.stack.folders import ROOT
from ci.stack.say import say


def parse(parser: argparse.ArgumentParser, names: Collection[str]) -> argparse.Namespace:
    """With `sections`: those chosen, all of `names` when none is."""
    known = ", ".join(names)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {known}; all when none is named")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.sections) - set(names))
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; choose from {known}")
    arguments.sections = arguments.sections or list(names)
    return arguments


def refuse_second() -> NoReturn:
    """Ends this benchmark: two at once would share addresses, and measure each other."""
    sys.exit("bench: another one runs in this folder; wait until it ends")


def finish(parts: Mapping[str, str], sections: Sequence[Section], is_whole: bool) -> NoReturn:
    """Prints the parts, command -> text; a run at full length writes them into the page, and the plots.

    Exits 1 when a limit does not hold.
    """
    print("\n".join(parts.values()))
    if is_whole:
        for command, text in parts.items():
            pages.write(command, text)
        for plot in (plot for section in sections for plot in section.plots):
            plots.draw(plot, pages.PLOTS)
    else:
        say(f"Not a run at full length: {pages.PAGE.relative_to(ROOT)} stays as it is.")
    broken = [check for section in sections for check in section.checks if not check.passed]
    for check in broken:
        say(f"{check.name} is {check.value:.3g}; it must be {check.limit}")
    sys.exit(1 if broken else 0)
