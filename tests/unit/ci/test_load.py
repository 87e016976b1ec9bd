"""What the load counts as failed: a harness that overlooks a failure makes every fault test worthless."""

import json

import pytest

from ci.load.load import Answer, Result, judge

EXPECTED = {1: ["Glioma", "Pituitary"], 3: ["Pituitary", "Glioma"]}
GOOD = {
    "id": "kept-0",
    "sent": 1000,
    "ended": 1005,
    "ms": 5.0,
    "connected": False,
    "image": 0,
    "url": "http://127.0.0.1:8002",
    "status": 200,
    "error": "",
    "version": "1",
    "said": "Glioma",
}


@pytest.mark.parametrize(
    "changed, failure",
    [
        pytest.param({}, "", id="right-answer"),
        pytest.param({"version": "3", "said": "Pituitary"}, "", id="right-answer-of-the-other-version"),
        pytest.param({"image": 1}, "version 1 said Glioma, not Pituitary", id="wrong-class"),
        pytest.param(
            {"said": "Glioma, Pituitary"}, "version 1 said Glioma, Pituitary, not Glioma", id="a-finding-too-many"
        ),
        pytest.param({"version": "3"}, "version 3 said Glioma, not Pituitary", id="class-of-another-version"),
        pytest.param({"version": "2"}, "answered by version 2", id="version-that-is-not-expected"),
        pytest.param({"version": None}, "answered by version unnamed", id="no-version"),
        pytest.param({"status": 503}, "status 503", id="refused"),
        pytest.param({"status": 0, "error": "request timeout"}, "no answer: request timeout", id="timeout"),
        pytest.param({"id": "fresh-0"}, "the connection was not fresh", id="kept-alive-where-fresh-was-wanted"),
        pytest.param({"id": "fresh-0", "connected": True}, "", id="fresh"),
    ],
)
def test_an_answer_is_judged(changed: dict[str, object], failure: str) -> None:
    (answer,), unanswered = judge([json.dumps(GOOD | changed)], EXPECTED, due_ms=5000)
    assert (answer.failure, unanswered) == (failure, 0)


@pytest.mark.parametrize(
    "lines, unanswered",
    [
        pytest.param([{"id": "kept-0", "sent": 1000}], 1, id="never-answered"),
        pytest.param([{"id": "kept-0", "sent": 1000}, GOOD], 0, id="answered"),
        pytest.param([{"id": "kept-0", "sent": 8000}], 0, id="cut-off-by-the-end"),
        pytest.param([GOOD | {"status": 0, "error": "context canceled", "sent": 8000}], 0, id="cancelled-by-the-end"),
        pytest.param([GOOD | {"status": 0, "error": "context canceled"}], 1, id="cancelled-after-a-long-wait"),
    ],
)
def test_a_request_without_an_answer_fails_unless_the_end_cut_it_off(
    lines: list[dict[str, object]], unanswered: int
) -> None:
    assert judge([json.dumps(line) for line in lines], EXPECTED, due_ms=5000)[1] == unanswered


def test_an_answer_is_before_a_mark_if_it_came_before_it() -> None:
    """On a busy machine a request that was sent before an approval reached the canary that was approved meanwhile."""
    late = Answer(1000, 3000, 5, 2, "", fresh=False)
    result = Result((late,), unanswered=0, dropped=0, marks={"before": 900, "approved": 1500, "after": 3001})
    assert result.between("before", "approved").sent == result.between("approved").sent == 0
    assert result.between("before", "after").sent == 1


def test_every_kind_of_failure_counts() -> None:
    answers = (
        Answer(1000, 1005, 5, 1, "", fresh=False),
        Answer(2000, 2005, 5, 0, "status 503", fresh=True),
        Answer(3000, 3007, 7, 3, "", fresh=False),
    )
    result = Result(answers, unanswered=2, dropped=4, marks={"moved": 1500})
    assert (result.sent, result.failed, result.by_version()) == (9, 7, {1: 1, 3: 1})
    assert result.between("moved").sent == 2
    assert result.between(end="moved").failed == 0
    assert str(result) == (
        "sent 9 (1 on fresh connections), failed 7, by version {1: 1, 3: 1}, "
        "failures {'status 503': 1, 'no answer': 2, 'dropped iteration': 4}"
    )
