"""docs/benchmarks.md: each command writes its own part of the page and leaves the others."""

from ci.stack.folders import ROOT

PAGE, PLOTS = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "plots"
PLOTS_SEEN = PLOTS.relative_to(PAGE.parent)  # from the page
TITLE = "# Benchmarks\n"
PREFACE = "make bench"
SECTIONS = ("users", "workers", "startup", "first", "side", "cpu", "access", "traces", "loading", "hashing")


def command_of(section: str) -> str:
    """What makes this one of SECTIONS."""
    return f"python -m ci.bench {section}"


ORDER = (
    PREFACE,
    *map(command_of, SECTIONS),
    "python -m ci.bench.decode_memory",
    "make bench-operator",
    "python -m ci.bench.gate.rates",
    "python -m ci.bench.gate.history",
)


def write(command: str, text: str) -> None:
    before = PAGE.read_text() if PAGE.exists() else ""
    PAGE.write_text(with_part(before, command, text))


def with_part(page: str, command: str, text: str) -> str:
    """The page with this part; a page without marks is replaced as a whole."""
    parts = split(page) | {command: text.strip() + "\n"}
    return "\n".join([TITLE, *(f"{mark(one)}\n\n{parts[one]}" for one in ORDER if one in parts)])


def split(page: str) -> dict[str, str]:
    """Command -> its part."""
    begins = {one: page.index(mark(one)) for one in ORDER if mark(one) in page}
    ends = sorted((*begins.values(), len(page)))
    cut = {one: page[begin : next(end for end in ends if end > begin)] for one, begin in begins.items()}
    return {one: part.removeprefix(mark(one)).strip() + "\n" for one, part in cut.items()}


def mark(command: str) -> str:
    return f"<!-- {command} -->"
