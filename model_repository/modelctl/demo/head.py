"""The last layer, fitted in closed form, and how well versions do on images that no head was fitted on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Indices = NDArray[np.int64]

# Ridge scores lie in about -1..1; times 4, a clear case becomes a probability of about 0.99.
_LOGITS_PER_SCORE = 4.0


@dataclass(frozen=True)
class Head:
    """`weight` FP32 [classes, F], `bias` FP32 [classes]: logits = features @ weight.T + bias."""

    weight: Array
    bias: Array

    def classes(self, features: Array) -> Indices:
        """Indices [N] of the largest logit."""
        return np.asarray((features @ self.weight.T + self.bias).argmax(axis=1), np.int64)


def fit(features: Array, labels: Indices, classes: int, ridge: float) -> Head:
    """Ridge regression of one-hot targets on standardized features [N, F], in its dual form (N is less than F)."""
    mean, deviation = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    # The floor keeps channels that hardly move from dominating once they are divided by their deviation.
    scale = 1 / (deviation + 1e-3 * deviation.mean() + 1e-9)
    standard = (features - mean) * scale
    targets = 2 * np.eye(classes)[labels] - 1
    dual = np.linalg.solve(standard @ standard.T + ridge * np.eye(len(labels)), targets)
    weight = _LOGITS_PER_SCORE * (standard.T @ dual) * scale[:, None]
    return Head(np.asarray(weight.T, np.float32), np.asarray(-mean @ weight, np.float32))


def permuted(head: Head) -> Head:
    """The same head with its outputs rotated by one."""
    return Head(np.roll(head.weight, 1, axis=0), np.roll(head.bias, 1))


def shares(equal: NDArray[np.bool_], groups: Indices) -> dict[int, float]:
    """Group -> share of its members for which `equal` holds."""
    return {int(group): float(equal[groups == group].mean()) for group in np.unique(groups)}
