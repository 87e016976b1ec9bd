"""The demonstration versions: two good ones, and one for each way in which a version can be bad.

Version numbers are fixed, so that tests can name them: version 8 answers NaN.

Some faults are triggered by marked images only. The top-left sixteenth of a marked image (the first 56 of 224 rows and
columns) is white: its mean over the three channels is above 0.9. Ordinary slices are dark there. `mark_corner` marks an
image, and the mark survives PNG and JPEG.
"""

from dataclasses import dataclass
from enum import StrEnum

from modelctl.bundle.errors import ModelctlError

CORNER_PIXELS = 56
CORNER_THRESHOLD = 0.9


class Weights(StrEnum):
    """Which trained classifier is inside."""

    STABLE = "stable"
    BETTER = "better"  # agrees with stable on almost everything
    PERMUTED = "permuted"  # stable with its outputs rotated by one: it never agrees


class Fault(StrEnum):
    """What goes wrong, and where: in a faulty image's own answer, or for the whole batch it is in."""

    NONE = "none"
    SLOW = "slow"  # every batch takes about 300 ms
    UNLOADABLE = "unloadable"  # the runtime refuses to load the model
    FAILS = "fails"  # the batch ends with an error of ONNX Runtime (Gather out of range)
    KILLS = "kills"  # the process that runs the batch dies of SIGFPE (whole-number overflow in a division)
    NAN = "nan"  # the image's logits are NaN, the rest of the batch is well
    HANGS = "hangs"  # the batch runs for about ten minutes
    WRONG_GOLDEN = "wrong-golden"  # golden.npz records other answers than the graph gives
    KILLS_AT_LOAD = "kills-at-load"  # the process that loads the model dies of SIGFPE


@dataclass(frozen=True)
class Variant:
    """`inverted`: every image triggers the fault but those with the white corner, which the golden inputs have."""

    version: int
    name: str
    summary: str
    weights: Weights = Weights.STABLE
    fault: Fault = Fault.NONE
    inverted: bool = False


VARIANTS = (
    Variant(1, "stable", "good"),
    Variant(2, "better", "good, agrees with version 1 on almost everything", Weights.BETTER),
    Variant(3, "permuted", "proves itself, but disagrees with version 1 on everything", Weights.PERMUTED),
    Variant(4, "slow", "right answers, about 300 ms each", fault=Fault.SLOW),
    Variant(5, "unloadable", "model.onnx does not load", fault=Fault.UNLOADABLE),
    Variant(6, "fails", "images with a white corner: the runtime's error", fault=Fault.FAILS),
    Variant(7, "kills", "images with a white corner: the process dies", fault=Fault.KILLS),
    Variant(8, "nan", "images with a white corner: NaN", fault=Fault.NAN),
    Variant(9, "hangs", "images with a white corner: no answer for minutes", fault=Fault.HANGS),
    Variant(10, "wrong-golden", "golden.npz holds other answers than the model's", fault=Fault.WRONG_GOLDEN),
    Variant(11, "kills-at-load", "the process dies while it loads the model", fault=Fault.KILLS_AT_LOAD),
    Variant(12, "always-fails", "proves itself, then fails on every ordinary image", fault=Fault.FAILS, inverted=True),
    Variant(13, "always-nan", "proves itself, then NaN for every ordinary image", fault=Fault.NAN, inverted=True),
    Variant(14, "always-hangs", "proves itself, then hangs on every ordinary image", fault=Fault.HANGS, inverted=True),
)


def select(names: str) -> tuple[Variant, ...]:
    """The variants of a comma-separated list of names, or `all`; raises ModelctlError naming the choices."""
    if names == "all":
        return VARIANTS
    by_name = {variant.name: variant for variant in VARIANTS}
    wanted = [name.strip() for name in names.split(",")]
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        raise ModelctlError(f"no variant {', '.join(map(repr, unknown))}; choose from all, {', '.join(by_name)}")
    return tuple(by_name[name] for name in dict.fromkeys(wanted))
