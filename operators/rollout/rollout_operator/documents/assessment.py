"""The words of an analysis: measurements, each with a verdict."""

from dataclasses import dataclass
from enum import StrEnum

from rollout_operator.documents.codec import DOCUMENT


class Verdict(StrEnum):
    """What a measurement says; the comments below are its meanings."""

    PASSED = "Passed"
    FAILED = "Failed"  # asked, and answered badly
    INCONCLUSIVE = "Inconclusive"  # not enough samples to say
    ERROR = "Error"  # could not be asked; neither good nor bad
    NOT_JUDGED = "NotJudged"  # too few of this kind to be asked for


@dataclass(frozen=True)
class Measurement:
    """`value` against `limit` on so many `samples`; the name says the unit."""

    name: str
    verdict: Verdict
    message: str
    value: float | None = None
    limit: float | None = None
    samples: int = 0

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Assessment:
    """The worst verdict of its measurements: failed before error, error before inconclusive."""

    verdict: Verdict
    measurements: tuple[Measurement, ...] = ()
    samples: int = 0

    __pydantic_config__ = DOCUMENT

    @property
    def message(self) -> str:
        """What keeps it from passing, or that nothing does."""
        worst = [one.message for one in self.measurements if one.verdict is self.verdict]
        return "; ".join(worst) if self.verdict is not Verdict.PASSED else "all measurements passed"


def summarize(measurements: tuple[Measurement, ...], samples: int) -> Assessment:
    """One assessment with the worst verdict of the measurements. `samples`: everything measured so far."""
    verdicts = {one.verdict for one in measurements}
    order = (Verdict.FAILED, Verdict.ERROR, Verdict.INCONCLUSIVE)
    return Assessment(next((one for one in order if one in verdicts), Verdict.PASSED), measurements, samples)
