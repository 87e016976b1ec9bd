"""A known slowdown, to see whether the gate finds it: a loop, or bytes that are kept, in a copy of this commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ci.bench.gate import checkout, counting
from ci.bench.gate.checkout import FOLDER, Checkout
from ci.bench.gate.scenarios import api, operator
from ci.bench.gate.sitting import PARTS

SHARE = 0.10
# Loops of the first try, which says what one costs: those of a start must stand out of a thousandth of 1.5 billion.
TRIAL, START_TRIAL = 20_000, 5_000_000
MEMORY_MIB = 88  # what the API's process holds after its requests, as docs/benchmarks.md says
COPY = "slowed"

MAIN = "services/api/inference_api/main.py"
PREDICT = "services/api/inference_api/prediction/predict.py"
IMAGES = "services/api/inference_api/imaging/images.py"
AGENT = "operators/agent/replica_agent/main.py"
OPERATOR = "operators/rollout/rollout_operator/main.py"
RECONCILE = "operators/rollout/rollout_operator/reconcile.py"

AT_IMPORT = """
for _ in range({loops}):
    pass
"""
IN_REQUEST = """
_called, _kept = Predict.__call__, []
async def _slowed(self, scope, receive, send):
    for _ in range({loops}):
        pass
    _kept.append(bytes({kept}))
    await _called(self, scope, receive, send)
Predict.__call__ = _slowed
"""
IN_DECODE = """
_decode = decode
def decode(data, *arguments, **named):
    if formats.name(data) == "{piece}":
        for _ in range({loops}):
            pass
    return _decode(data, *arguments, **named)
"""
IN_VISIT = """
_reconcile = Reconciler.reconcile
async def _slowed(self, name):
    for _ in range({loops}):
        pass
    return await _reconcile(self, name)
Reconciler.reconcile = _slowed
"""


@dataclass(frozen=True)
class Injection:
    """`code` is appended to `file`, so that `piece` of `part` takes a tenth more."""

    part: str
    piece: str
    file: str
    code: str

    def text(self, loops: int) -> str:
        """`kept`: bytes for each request; zero where it is instructions that grow."""
        is_memory = self.piece == api.MEMORY
        kept = round(SHARE * MEMORY_MIB * 2**20 / 2000) if is_memory else 0
        piece = self.piece.removeprefix("decode ")
        return self.code.format(loops=0 if is_memory else loops, kept=kept, piece=piece)


ALL = (
    Injection("api", "start", MAIN, AT_IMPORT),
    Injection("agent", "start", AGENT, AT_IMPORT),
    Injection("operator", "start", OPERATOR, AT_IMPORT),
    Injection("api", api.REQUEST, PREDICT, IN_REQUEST),
    Injection("operator", operator.AT_REST, RECONCILE, IN_VISIT),
    Injection("operator", operator.IN_RELEASE, RECONCILE, IN_VISIT),
    *(Injection("api", f"decode {name}", IMAGES, IN_DECODE) for name in api.FILES),
    Injection("api", api.MEMORY, PREDICT, IN_REQUEST),
)


def loops_for(clean: float, tried: float, trial: int) -> int:
    """How many loops make a tenth of `clean`, when `trial` of them made it `tried`.

    >>> loops_for(clean=50.0, tried=51.0, trial=100)
    500
    """
    if tried <= clean:
        raise ValueError("the loops of the trial cost nothing: is the code reached?")
    return round(SHARE * clean / ((tried - clean) / trial))


def inject(injection: Injection, commit: str, inputs: Path, known: dict[Injection, int]) -> Checkout:
    """A copy of the commit that is a tenth slower; `known` remembers the loops. Raises ProgramFailed."""
    slowed = checkout.prepare(commit, COPY)
    original = (FOLDER / "base" / injection.file).read_text()
    try:
        if injection not in known:
            known[injection] = _loops(injection, slowed, original, inputs)
        _rewrite(slowed, {injection.file: original + injection.text(known[injection])})
    except BaseException:
        _rewrite(slowed, {injection.file: original})
        raise
    return slowed


def take_out(injection: Injection, slowed: Checkout) -> None:
    """As the commit has it."""
    _rewrite(slowed, {injection.file: (FOLDER / "base" / injection.file).read_text()})


def _loops(injection: Injection, slowed: Checkout, original: str, inputs: Path) -> int:
    if injection.piece == api.MEMORY:
        return 0
    repeats = {piece: times for piece, times in PARTS[injection.part].COUNTED.items() if piece == injection.piece}
    trial = START_TRIAL if injection.piece == "start" else TRIAL
    counts = []
    for text in (original, original + injection.text(trial)):
        _rewrite(slowed, {injection.file: text})
        counting.run(slowed, slowed.command(injection.part, inputs, "--once"))  # Python compiles it
        counts.append(counting.count(slowed, injection.part, inputs, repeats)[injection.piece])
    clean, tried = counts
    return loops_for(clean, tried, trial)


def _rewrite(slowed: Checkout, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (slowed.folder / name).write_text(text)
