"""Which answers are right by an acceptance set, and in which words too few are refused."""

import asyncio

import numpy as np
import pytest
from modelctl.bundle import acceptance
from modelctl.bundle.acceptance import AcceptanceSet, Case
from modelctl.bundle.contract import Contract, Input, Output
from modelctl.bundle.manifest import Preprocessing
from numpy.typing import NDArray
from replica_agent.acceptance.accept import Model, accept
from replica_agent.state import Accepted, Reason, VersionFailed

DIGEST = "sha256:" + "a" * 64
CLASSES = Output("output", "softmax", ("Glioma", "Meningioma", "No Tumor"))
FINDINGS = Output("output", "sigmoid", ("Effusion", "Nodule"), (0.5, 0.25))
GOOD, BAD = 9.0, -9.0


def cases(*labels: str) -> tuple[Case, ...]:
    """Image number i has the grey value i; labels are separated by blanks where a name is `Effusion` or `Nodule`."""
    return tuple(Case(np.full((4, 4), i, np.uint8), frozenset(filter(None, [label]))) for i, label in enumerate(labels))


def judged(output: Output, found: AcceptanceSet, rows: list[list[float]]) -> Accepted:
    """`rows`: what the model gives for each image."""
    asked: list[NDArray[np.float32]] = []

    async def infer(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        asked.append(batch)
        return np.array([rows[len(asked) - 1]], np.float32)

    async def rest(_: float) -> None:
        pass

    model = Model(Contract(Input("input", (1, 2, 2)), output), Preprocessing("bilinear", 0.5, (1.0,), (0.25,), None))
    accepted = asyncio.run(accept(acceptance.dump(found), DIGEST, model, infer, lambda: 0.0, rest))
    # The version's own preprocessing: (pixel * scale - mean) / std.
    assert [batch[0, 0, 0, 0] for batch in asked] == [(i * 0.5 - 1) / 0.25 for i in range(len(asked))]
    assert asked[0].shape == (1, 1, 2, 2)
    return accepted


def test_right_answers_to_a_model_that_names_one_class() -> None:
    found = AcceptanceSet(("Glioma", "No Tumor"), 0.9, 0.9, cases("Glioma", "No Tumor"))
    assert judged(CLASSES, found, [[GOOD, 0, 0], [0, 0, GOOD]]) == Accepted(DIGEST, 2, 2)


def test_every_finding_is_an_answer() -> None:
    found = AcceptanceSet(("Effusion", "Nodule"), 1.0, 1.0, cases("Effusion", "Nodule", ""))
    assert judged(FINDINGS, found, [[GOOD, BAD], [BAD, -1.0], [BAD, BAD]]) == Accepted(DIGEST, 6, 6)


@pytest.mark.parametrize(
    ("output", "found", "rows", "words"),
    [
        pytest.param(
            CLASSES,
            AcceptanceSet(("Glioma", "No Tumor"), 0.75, 0.0, cases("Glioma", "No Tumor", "No Tumor")),
            [[0, 0, GOOD], [0, 0, GOOD], [0, GOOD, 0]],
            "1 of 3 answers are right, 75% must be; wrong at image 1, 3 of 3",
            id="too-few-of-all",
        ),
        pytest.param(
            CLASSES,
            AcceptanceSet(("Glioma", "No Tumor"), 0.5, 0.5, cases("Glioma", "No Tumor", "No Tumor")),
            [[0, 0, GOOD], [0, 0, GOOD], [0, 0, GOOD]],
            "Glioma: 0 of 1 are right, 50% must be; wrong at image 1 of 3",
            id="a-class-is-never-seen",
        ),
        pytest.param(
            CLASSES,
            AcceptanceSet(("Glioma",), 0.5, 0.5, cases("Glioma")),
            [[float("nan"), 0, 0]],
            "0 of 1 answers are right",
            id="nan",
        ),
        pytest.param(
            CLASSES,
            AcceptanceSet(("Glioma",), 0.5, 0.5, cases(*["Glioma"] * 7)),
            [[0, GOOD, 0]] * 7,
            "wrong at image 1, 2, 3, 4, 5 and 2 more of 7",
            id="not-every-image-is-named",
        ),
        pytest.param(
            FINDINGS,
            AcceptanceSet(("Effusion", "Nodule"), 0.5, 0.5, cases("Nodule", "", "")),
            [[BAD, BAD], [BAD, BAD], [BAD, BAD]],
            "Nodule: yes: 0 of 1 are right, 50% must be; wrong at image 1 of 3",
            id="a-finding-is-never-seen",
        ),
    ],
)
def test_too_few_right_answers(output: Output, found: AcceptanceSet, rows: list[list[float]], words: str) -> None:
    with pytest.raises(VersionFailed) as failed:
        judged(output, found, rows)
    assert failed.value.reason is Reason.ACCEPTANCE_FAILED
    assert failed.value.message.startswith("acceptance set sha256:aaaaaaaaaaaa...: ") and words in failed.value.message


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(
            AcceptanceSet(("Fracture",), 0.5, 0.5, cases("Fracture")),
            "the model has no label 'Fracture'",
            id="another-model",
        ),
        pytest.param(
            AcceptanceSet(("Glioma",), 0.5, 0.5, cases("Glioma", "")),
            "image 2 must have one label",
            id="an-image-without-a-class",
        ),
    ],
)
def test_a_set_of_another_kind_of_model_judges_nothing(found: AcceptanceSet, words: str) -> None:
    with pytest.raises(VersionFailed) as failed:
        judged(CLASSES, found, [])
    assert failed.value.reason is Reason.ACCEPTANCE_INVALID and words in failed.value.message
