"""Agreement over many classes and over findings: each row is judged, and what is kept of it is bounded."""

import json
from dataclasses import replace

import pytest
from rollout_operator.decide.analysis import assess_shadow
from rollout_operator.decide.evidence import MAX_WITH_PAIRS, with_history
from rollout_operator.decide.tallies import MAX_WORST, in_words, worst_pairs
from rollout_operator.documents.assessment import Assessment, Verdict, summarize
from rollout_operator.documents.codec import dump
from rollout_operator.documents.counters import (
    MAX_LABELS,
    MAX_TALLY_PAIRS,
    MAX_TALLY_ROWS,
    NamedPair,
    Shadow,
    StepCounters,
    Tally,
    total,
)
from rollout_operator.documents.release import Release
from rollout_operator.documents.routes import VersionMetadata
from rollout_operator.documents.spec import AnalysisSpec
from rollout_operator.documents.status import Analysis, Attempt, Status, StepEvidence

from tests.unit.rollout.specs import digest, spec

FINDINGS = VersionMetadata(digest(1), ("Effusion", "Nodule"), {}, output={"thresholds": [0.5, 0.5]})
CLASSES = VersionMetadata(digest(1), tuple(f"class {index:03}" for index in range(MAX_LABELS)), {})
SPEC = AnalysisSpec(min_agreement=0.5, min_agreement_per_class=0.9)


def judged(tally: Tally, metadata: VersionMetadata | None) -> Assessment:
    samples = sum(tally.said)
    shadow = Shadow(samples, samples, 0, (), tally)
    return summarize(tuple(assess_shadow(SPEC, shadow, 1, metadata)), samples)


@pytest.mark.parametrize(
    ("tally", "verdict", "named"),
    [
        pytest.param(Tally((100, 900, 100, 900), (100, 900, 100, 900)), Verdict.PASSED, [], id="all-agree"),
        pytest.param(
            Tally((100, 900, 100, 900), (100, 900, 40, 900), {"2,3": 60}),
            Verdict.FAILED,
            ["disagreement on Nodule"],
            id="a-finding-that-the-canary-misses",
        ),
        pytest.param(
            Tally((100, 900, 100, 900), (100, 700, 100, 900), {"1,0": 200}),
            Verdict.FAILED,
            ["disagreement on no Effusion"],
            id="a-finding-that-the-canary-invents",
        ),
        pytest.param(
            Tally((19, 900, 100, 900), (0, 900, 100, 900)), Verdict.PASSED, [], id="too-few-samples-are-not-judged"
        ),
        pytest.param(
            Tally((30, 900, 100, 900), (26, 900, 100, 900)),
            Verdict.INCONCLUSIVE,
            ["disagreement on Effusion"],
            id="more-samples-must-decide",
        ),
    ],
)
def test_each_finding_is_judged_as_a_yes_and_as_a_no(tally: Tally, verdict: Verdict, named: list[str]) -> None:
    found = judged(tally, FINDINGS)
    assert found.verdict is verdict
    assert [one.name for one in found.measurements if one.name.startswith("disagreement on")] == named


def test_of_a_thousand_classes_the_worst_are_named_and_all_are_judged() -> None:
    said = (100,) * 900 + (5,) * 100
    same = (100,) * 890 + tuple(range(10)) + (0,) * 100
    found = judged(Tally(said, same), CLASSES)
    named = [one.name for one in found.measurements if one.name.startswith("disagreement on")]
    assert named == [f"disagreement on class {890 + index}" for index in range(MAX_WORST)]
    assert found.measurements[-1].message == (
        "890 agree, 100 have fewer than 20 samples and are not judged, 5 more do not agree"
    )
    assert found.verdict is Verdict.FAILED and len(found.message) < 1024


def test_one_bad_class_of_a_thousand_fails() -> None:
    found = judged(Tally((100,) * 1000, (100,) * 999 + (0,)), CLASSES)
    assert found.verdict is Verdict.FAILED
    assert "disagreement on class 999" in found.message


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param(FINDINGS, [("Nodule", "no Nodule"), ("no Effusion", "Effusion")], id="findings"),
        pytest.param(CLASSES, [("class 002", "class 003"), ("class 001", "class 000")], id="classes"),
        pytest.param(None, [("class 2", "class 3"), ("class 1", "class 0")], id="nobody-knows-the-labels"),
    ],
)
def test_the_worst_pairs_are_named(metadata: VersionMetadata | None, expected: list[tuple[str, str]]) -> None:
    pairs = worst_pairs(Tally(pairs={"1,0": 3, "2,3": 7}), metadata)
    assert [(one.stable, one.canary) for one in pairs] == expected


def test_a_class_that_stable_does_not_know_has_a_name() -> None:
    (pair,) = worst_pairs(Tally(pairs={"0,-1": 3}), CLASSES)
    assert pair.canary == "a class that stable does not know"


def test_tallies_of_pods_are_summed_and_stay_bounded() -> None:
    one = Tally((1, 2), (1, 0), {"1,0": 2}, 5)
    many = Tally((1,), (0,), {f"0,{column}": 1 for column in range(1, 1 + MAX_TALLY_PAIRS)})
    parts = [StepCounters(shadow=Shadow(tally=tally)) for tally in (one, many, None)]
    tally = total(parts).shadow.tally
    assert tally is not None and (tally.said, tally.same) == ((2, 2), (1, 0))
    assert len(tally.pairs) == MAX_TALLY_PAIRS and tally.pairs["1,0"] == 2
    assert sum(tally.pairs.values()) + tally.other_pairs == 5 + 2 + MAX_TALLY_PAIRS


def test_the_status_of_a_model_with_a_thousand_labels_is_small() -> None:
    """A thousand findings, so two thousand rows, in the middle of a step and after ten releases of four steps."""
    label = "a finding whose name has just as many characters as one may have"
    metadata = VersionMetadata(digest(1), tuple(f"{label[:60]}{index:04}" for index in range(MAX_LABELS)), {})
    rows = (10_000,) * MAX_TALLY_ROWS
    tally = Tally(rows, rows, {f"{row},{row + 1}": 9_999 for row in range(MAX_TALLY_PAIRS)}, 9_999)
    step = StepEvidence(1, 2, shadow=in_words(Shadow(10_000, 9_000, 9, (), tally), metadata))
    one = Release(1, digest(1), "https://bundles.example/chest-1.tar")
    attempt = Attempt(one, 1, one, steps=(step,) * 4)
    status = Status(one, one, analysis=Analysis(vanished=StepCounters(shadow=Shadow(tally=tally))), attempt=attempt)
    for _ in range(10):
        status = replace(status, history=with_history(status, attempt, spec(1)))
    stored = json.dumps(dump(status))
    assert len(stored) < 100 * 1024
    paired = [any(one.shadow and one.shadow.worst for one in ended.steps) for ended in status.history]
    assert sum(paired) == MAX_WITH_PAIRS and all(paired[-MAX_WITH_PAIRS:])
    last = status.history[-1].steps[0].shadow
    assert last is not None and all(isinstance(pair, NamedPair) for pair in last.worst)
