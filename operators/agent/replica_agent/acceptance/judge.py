"""Which answers are right by an acceptance set, and whether they are enough. Pure code."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from modelctl.bundle.acceptance import AcceptanceSet, Case
from modelctl.bundle.contract import Output
from modelctl.bundle.golden import activate
from numpy.typing import NDArray

from replica_agent.state import Reason, VersionFailed

MAX_NAMED = 5
_ROUNDING = 1e-9


@dataclass
class Tally:
    """Right answers and all answers: of each row, and the numbers (from 1) of images with a wrong one.

    A row is a label; of a model that names several findings, `label: yes` and `label: no`, by what people said.
    """

    right: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    wrong_images: list[int] = field(default_factory=list)

    def add(self, number: int, answers: Sequence[tuple[str, bool]]) -> None:
        """`answers`: (row, is it right) of image `number`."""
        for row, is_right in answers:
            self.total[row] += 1
            self.right[row] += is_right
        if not all(is_right for _, is_right in answers):
            self.wrong_images.append(number)


def check_fit(found: AcceptanceSet, output: Output) -> None:
    """Raises VersionFailed (AcceptanceInvalid) when the set speaks of other things than the model."""
    unknown = [label for label in found.labels if label not in output.labels]
    if unknown:
        raise VersionFailed(
            Reason.ACCEPTANCE_INVALID,
            f"acceptance set: the model has no label {unknown[0]!r}; name a set that is made for this model",
        )
    numbers = [number for number, case in enumerate(found.cases, 1) if len(case.labels) != 1]
    if numbers and not output.thresholds:
        raise VersionFailed(
            Reason.ACCEPTANCE_INVALID,
            f"acceptance set: image {numbers[0]} must have one label, as the model names one class",
        )


def answers(case: Case, found: AcceptanceSet, output: Output, values: NDArray[np.float32]) -> list[tuple[str, bool]]:
    """(row, is it right) of one image. `values`: the model's output FP32 [labels]; NaN and another shape are wrong."""
    is_usable = values.shape == (len(output.labels),) and bool(np.isfinite(values).all())
    probabilities = activate(values[None], output.activation)[0] if is_usable else values
    if not output.thresholds:
        (label,) = case.labels
        return [(label, is_usable and output.labels[int(probabilities.argmax())] == label)]
    thresholds = dict(zip(output.labels, output.thresholds, strict=True))
    indices = {label: index for index, label in enumerate(output.labels)}
    return [
        (
            f"{label}: {'yes' if label in case.labels else 'no'}",
            is_usable and (probabilities[indices[label]] >= thresholds[label]) == (label in case.labels),
        )
        for label in found.labels
    ]


def conclude(found: AcceptanceSet, digest: str, tally: Tally) -> tuple[int, int]:
    """(right, total) of all answers. Raises VersionFailed (AcceptanceFailed) with the numbers when they are too few."""
    right, total = tally.right.total(), tally.total.total()
    problems = list(_problems(found, tally))
    if problems:
        named = ", ".join(map(str, tally.wrong_images[:MAX_NAMED]))
        more = f" and {len(tally.wrong_images) - MAX_NAMED} more" if len(tally.wrong_images) > MAX_NAMED else ""
        images = f"wrong at image {named}{more} of {len(found.cases)}"
        message = f"acceptance set {digest[:19]}...: {'; '.join(problems)}; {images}"
        raise VersionFailed(Reason.ACCEPTANCE_FAILED, message)
    return right, total


def _problems(found: AcceptanceSet, tally: Tally) -> Iterator[str]:
    right, total = tally.right.total(), tally.total.total()
    if right < found.min_right * total - _ROUNDING:
        yield f"{right} of {total} answers are right, {found.min_right:.0%} must be"
    low = [
        row for row, count in tally.total.items() if tally.right[row] < found.min_right_per_label * count - _ROUNDING
    ]
    for row in low[:MAX_NAMED]:
        yield f"{row}: {tally.right[row]} of {tally.total[row]} are right, {found.min_right_per_label:.0%} must be"
