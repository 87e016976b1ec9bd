import asyncio
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from modelctl.bundle.golden import Golden
from numpy.typing import NDArray
from replica_agent.plan import Warmup
from replica_agent.proof import conclude, golden_rows, is_settled, matches, next_batch_size
from replica_agent.state import Reason, VersionFailed
from replica_agent.warmup import REST_PER_BATCH, Prover

Array = NDArray[np.float32]


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        pytest.param(3, 1, [[0], [1], [2]], id="one-by-one"),
        pytest.param(3, 2, [[0, 1], [2, 0]], id="filled-up-from-the-beginning"),
        pytest.param(3, 8, [[0, 1, 2, 0, 1, 2, 0, 1]], id="one-batch-holds-all"),
    ],
)
def test_golden_rows(count: int, size: int, expected: list[list[int]]) -> None:
    assert [rows.tolist() for rows in golden_rows(count, size)] == expected


def golden(*probabilities: list[float]) -> Golden:
    rows = np.array(probabilities, np.float32)
    inputs = np.arange(len(rows), dtype=np.float32)[:, None, None, None] * np.ones((1, 3, 224, 224), np.float32)
    return Golden(inputs, rows)


SURE = [0.97, 0.01, 0.01, 0.01]
TORN = [0.41, 0.40, 0.10, 0.09]


@pytest.mark.parametrize(
    ("expected", "given", "good"),
    [
        pytest.param(SURE, SURE, True, id="equal"),
        pytest.param(SURE, [0.955, 0.025, 0.01, 0.01], True, id="within-atol"),
        pytest.param(SURE, [0.94, 0.04, 0.01, 0.01], False, id="beyond-atol"),
        pytest.param(TORN, [0.40, 0.41, 0.10, 0.09], False, id="within-atol-but-another-class"),
        pytest.param(SURE, [float("nan")] * 4, False, id="nan"),
    ],
)
def test_matches(expected: list[float], given: list[float], good: bool) -> None:
    logits = np.log(np.array([given], np.float32))
    assert matches(logits, golden(expected), np.array([0]), 0.02).tolist() == [good]


@pytest.mark.parametrize(
    ("given", "good"),
    [
        pytest.param([0.49, 0.9, 0.89], True, id="within-atol-on-both-sides-of-a-threshold"),
        pytest.param([0.5, 0.89, 0.9], True, id="another-finding-is-the-most-probable"),
        pytest.param([0.9, 0.49, 0.89], False, id="beyond-atol"),
        pytest.param([0.5, 0.9, float("nan")], False, id="nan"),
    ],
)
@pytest.mark.parametrize("activation", ["sigmoid", "none"])
def test_findings_match_one_by_one(activation: str, given: list[float], good: bool) -> None:
    expected = replace(golden([0.5, 0.9, 0.89]), activation=activation, is_several=True)
    row = np.array([given], np.float32)
    values = np.log(row / (1 - row)) if activation == "sigmoid" else row
    assert matches(values, expected, np.array([0]), 0.02).tolist() == [good]


def test_an_answer_of_another_shape_never_matches() -> None:
    for shape in ((1, 3), (2, 4), (4,)):
        assert matches(np.zeros(shape, np.float32), golden(SURE), np.array([0]), 1.0).tolist() == [False]


@pytest.mark.parametrize(
    ("latencies", "settled"),
    [
        pytest.param([], False, id="none"),
        pytest.param([5.0] * 9, False, id="one-short-of-two-windows"),
        pytest.param([5.0] * 10, True, id="steady"),
        pytest.param([900.0, *[5.0] * 9], True, id="one-outlier-does-not-matter"),
        pytest.param([6.0] * 5 + [5.0] * 5, True, id="exactly-20-percent-apart"),
        pytest.param([6.1] * 5 + [5.0] * 5, False, id="still-getting-faster"),
        pytest.param([5.0] * 5 + [6.1] * 5, False, id="getting-slower"),
        pytest.param([90.0] * 50 + [5.0] * 10, True, id="only-the-last-two-windows-count"),
    ],
)
def test_settling(latencies: list[float], settled: bool) -> None:
    assert is_settled(latencies) is settled


@pytest.mark.parametrize(
    ("latencies", "elapsed", "expected"),
    [
        pytest.param({1: [], 4: []}, 0, 1, id="smallest-first"),
        pytest.param({1: [5.0] * 10, 4: []}, 0, 4, id="then-the-next"),
        pytest.param({1: [5.0] * 10, 4: [5.0] * 10}, 0, None, id="all-settled"),
        pytest.param({1: [5.0], 4: [5.0]}, 120, None, id="time-is-over"),
        pytest.param({1: [5.0], 4: []}, 120, 4, id="each-size-runs-once-at-least"),
    ],
)
def test_next_batch_size(latencies: dict[int, list[float]], elapsed: float, expected: int | None) -> None:
    assert next_batch_size(latencies, elapsed, 120) == expected


def test_percentiles_are_those_of_the_smallest_batch_once_settled() -> None:
    proof = conclude({4: [50.0] * 10, 1: [900.0, *range(1, 11)]}, 8, 8)
    assert (proof.p50_ms, proof.p95_ms) == (5.5, 9.55)
    assert (proof.iterations, proof.settled, proof.golden_total) == (21, False, 8)
    assert conclude({1: [7.0]}, 8, 8).p95_ms == 7.0


class Model:
    """Gives the right answers for `golden`; a batch takes `cost_seconds`. It counts what is in flight."""

    def __init__(self, golden: Golden, cost_seconds: Callable[[int], float]) -> None:
        self.golden, self.cost_seconds = golden, cost_seconds
        self.now = 0.0
        self.rests: list[float] = []
        self.sizes: list[int] = []
        self.in_flight = 0

    async def infer(self, batch: Array) -> Array:
        assert self.in_flight == 0, "two batches in flight"
        self.in_flight += 1
        await asyncio.sleep(0)
        self.now += self.cost_seconds(len(self.sizes))
        self.sizes.append(len(batch))
        self.in_flight -= 1
        logits: Array = np.log(self.golden.probabilities[batch[:, 0, 0, 0].astype(int)])
        return logits

    async def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds

    async def prove(self, **limits: object) -> object:
        warmup = Warmup.model_validate({"batchSizes": [1, 4], **limits})
        return await Prover(self.infer, self.golden, lambda: self.now, self.rest).prove(warmup, 16)


async def test_a_steady_model_proves_itself_with_two_windows_per_size() -> None:
    model = Model(golden(SURE, TORN), lambda _: 0.002)
    proof = await model.prove()
    assert proof.settled and proof.iterations == 20 and proof.p50_ms == pytest.approx(2)  # type: ignore[attr-defined]
    assert model.sizes[:3] == [1, 1, 4], "golden first, at every size"
    assert model.rests == pytest.approx([REST_PER_BATCH * 0.002] * 23)


async def test_a_model_that_never_settles_is_warm_at_the_deadline() -> None:
    model = Model(golden(SURE), lambda call: 0.1 * 1.5**call)
    proof = await model.prove(maxSeconds=60)
    assert not proof.settled and proof.iterations >= 2  # type: ignore[attr-defined]


async def test_wrong_answers_fail_it_before_any_warm_up() -> None:
    model = Model(golden(SURE, TORN), lambda _: 0.002)
    wrong = Golden(model.golden.inputs, model.golden.probabilities[::-1].copy())
    prover = Prover(model.infer, wrong, lambda: model.now, model.rest)
    with pytest.raises(VersionFailed, match="2 of 2 golden outputs differ at batch size 1") as failed:
        await prover.prove(Warmup.model_validate({}), 16)
    assert failed.value.reason is Reason.GOLDEN_MISMATCH and model.sizes == [1, 1]


async def test_batch_sizes_above_the_models_own_are_cut_to_it() -> None:
    model = Model(golden(SURE), lambda _: 0.002)
    await Prover(model.infer, model.golden, lambda: model.now, model.rest).prove(Warmup.model_validate({}), 4)
    assert set(model.sizes) == {1, 4}
